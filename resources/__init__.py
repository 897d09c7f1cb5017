"""The outside world: settings, the lake, models, EDGAR, prices, hardware.

Importing this package sets how the maths libraries behave, which they read once, when torch is loaded. Every package of
peerlens imports it first, so the command, the UI, its workers, the tests and a notebook all compute alike.
"""

import os

SWITCHES = {
    "OMP_WAIT_POLICY": "PASSIVE",  # its threads otherwise spin, on a busy machine several times slower than one thread
    "MKL_CBWR": "AUTO,STRICT",  # MKL otherwise splits a sum over as many threads as the number of rows suggests
}
"""Environment variables, unless the user has set them: read by OpenMP and by MKL."""

for _name, _value in SWITCHES.items():
    os.environ.setdefault(_name, _value)
