"""The one Definitions: the code location of the profile in force."""

from pipelines.code_location import build_defs
from resources.clock import local_day
from resources.environment import home, open_profile

defs = build_defs(open_profile(), local_day(), home())
