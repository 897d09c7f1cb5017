"""One folder per stage, in the order in which data flows."""

import resources as resources  # before a stage imports torch: it sets how the maths libraries behave
