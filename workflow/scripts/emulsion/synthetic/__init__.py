"""The embedded corpus: four sources and nine tasks, in the schemas of what they stand in for, a source that
teaches nothing, and a suite of tests."""

from .curriculum import CAPABILITIES, PRIMARY, SOURCES, TEACHES
from .native import LIKES, arrow_schema, rows
from .suite import suite_items
from .tasks import TASKS

__all__ = ["CAPABILITIES", "LIKES", "PRIMARY", "SOURCES", "TASKS", "TEACHES", "arrow_schema", "rows", "suite_items"]
