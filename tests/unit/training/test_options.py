"""What a script refuses of what its options say."""

import math
from pathlib import Path

import pytest

from emulsion.training.options import JobOptions


@pytest.mark.parametrize(
    ("given", "refused_above"),
    [({}, 0), ({"max_epochs": 4}, 4), ({"max_epochs": 4, "on_excess": "warn"}, 0)],
    ids=["any number by default", "refused", "only warned of"],
)
def test_a_run_is_refused_for_its_epochs_where_the_options_say_so(given, refused_above):
    options = JobOptions(checkpoints=Path("checkpoints"), **given)
    assert options.refused_above == refused_above
    assert options.max_epochs == given.get("max_epochs", math.inf)
