"""The embedded corpus: four small sources in the schemas of hub datasets, and the suite to test them."""

from .curriculum import CAPABILITIES, PRIMARY, SOURCES, TEACHES
from .native import arrow_schema, rows
from .suite import suite_items

__all__ = ["CAPABILITIES", "PRIMARY", "SOURCES", "TEACHES", "arrow_schema", "rows", "suite_items"]
