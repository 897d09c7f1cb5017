"""The outside world: settings, the lake, models, EDGAR, prices, hardware.

Importing this package sets environment variables that the maths libraries read once, when torch is loaded. Every
package of peerlens imports it first, so the command, the UI, its workers, the tests and a notebook compute the same.
"""

import os

SWITCHES = {
    "OMP_WAIT_POLICY": "PASSIVE",  # else waiting threads spin: on a busy machine several times slower than one
    "MKL_CBWR": "AUTO,STRICT",  # else MKL splits sums by the number of rows: other bits in a batch than alone
}
"""Environment variables for OpenMP and MKL; a value that the user has set stays."""

for _name, _value in SWITCHES.items():
    os.environ.setdefault(_name, _value)
