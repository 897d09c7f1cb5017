"""When a text is too short to tell a business by: of texts that are given and of those that are cut out of a report.

In a file of its own, so that a change to how given texts are read extracts no report again.
"""

SHORT_CHARS = 400
"""A text with fewer characters is flagged as short."""
