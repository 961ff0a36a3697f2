"""The embedded corpus: four small sources in their hub datasets' native schemas, and the suite that tests them."""

from .curriculum import CAPABILITIES, PRIMARY, SOURCES, TEACHES
from .native import arrow_schema, rows
from .suite import suite_items

__all__ = ["CAPABILITIES", "PRIMARY", "SOURCES", "TEACHES", "arrow_schema", "rows", "suite_items"]
