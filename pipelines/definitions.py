"""The one Definitions: the code location of the profile in force."""

from datetime import date

from pipelines.code_location import build_defs
from resources.environment import home, open_profile

defs = build_defs(open_profile(), date.today(), home())
