"""What is proposed in the place of a mistake."""

import pytest

from emulsion.study.mistakes import nearest_name


@pytest.mark.parametrize(
    ("name", "pattern", "nearest"),
    [
        ("my.mix", "^[A-Za-z][A-Za-z0-9_-]*$", "my-mix"),
        ("my mix!", "^[A-Za-z][A-Za-z0-9_-]*$", "my-mix"),
        ("2024 dump", "^[A-Za-z][A-Za-z0-9_-]*$", "dump"),
        ("Exp-3", "^[a-z][a-z0-9]*$", "exp3"),
        ("\u00e9tude", "^[A-Za-z][A-Za-z0-9_-]*$", "etude"),
        ("2024", "^[a-z]+$", None),
    ],
)
def test_the_nearest_name_that_is_allowed_is_proposed(name, pattern, nearest):
    assert nearest_name(name, pattern) == nearest
