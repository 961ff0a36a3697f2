"""Published settings: as the paper's text has them, as they were read once, and as methods take them."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from emulsion.errors import UserError
from emulsion.methods import create
from emulsion.methods.presets import BUDGETS, FINAL_STEPS, GROUPS, NAMES, SETTINGS, VALUES, allocation, published

PAPER = Path(__file__).parents[4] / "shared/requirements/aioli_paper.txt"
TITLES = {
    "arXiv/SE": "arxiv_stackexchange",
    "GitHub/C4": "github_c4",
    "Books/SE": "books_stackexchange",
    "arXiv/Books/SE": "arxiv_books_stackexchange",
    "CommonCrawl/GitHub/Wiki": "commoncrawl_github_wikipedia",
    "SlimPajama,full": "slimpajama",
}
METHODS = {"AIOLI": "aioli", "Skill-it": "skillit", "DoReMi": "doremi", "DoGE": "doge", "DML": "dml"}


@pytest.fixture(scope="module")
def paper():
    if not PAPER.is_file():
        pytest.skip("the text of the paper is not at hand")
    return PAPER.read_text(errors="replace").splitlines()


def test_settings_are_those_of_the_paper_s_tables_13_to_18(paper):
    found, setting, groups, method = {}, None, None, None
    start = next(number for number, line in enumerate(paper) if re.search(r"Table13:Restricted", line))
    for line in paper[start:]:
        if title := re.search(r"Table(1[3-9]):(Restricted|Unrestricted|Average)", line):
            setting = title[2].lower()
        if setting == "average":
            break
        words = line.split(" ")
        if words[0] in TITLES:
            groups, words = TITLES[words[0]], words[1:]
        if words[0] in METHODS:
            method, words = METHODS[words[0]], words[1:]
        if len(words) > 1 and re.fullmatch(r"[\d.]+|None", words[-1]):
            value = None if words[-1] == "None" else float(words[-1])
            found.setdefault((setting, groups), {}).setdefault(method, []).append(value)
    assert found.keys() == VALUES.keys()
    for name, values in VALUES.items():
        assert {method: list(each) for method, each in values.items()} == found[name], name


def test_budgets_are_those_of_the_paper_s_table_11(paper):
    found, setting, count = {}, None, None
    start = next(number for number, line in enumerate(paper) if "Table11:Training" in line)
    for line in paper[start + 2 : start + 30]:
        row = re.fullmatch(r"(?:(Unrestricted|Restricted) )?(?:(\d) )?(\S+) (\d+)runs?,(\d+)steps", line.strip())
        if row is None:
            break
        setting, count = (row[1] or setting), (row[2] or count)
        found.setdefault((setting.lower(), int(count)), {})[METHODS[row[3]]] = (int(row[4]), int(row[5]))
    assert found == BUDGETS


def test_every_setting_and_groups_has_values_for_every_name():
    assert set(VALUES) == {(setting, groups) for setting in SETTINGS for groups in GROUPS}
    assert all(
        {kind: len(each) for kind, each in values.items()} == {k: len(n) for k, n in NAMES.items()}
        for values in VALUES.values()
    )


def test_the_tables_are_as_they_were_when_compared_with_the_paper():
    """A typing mistake is noticed without the paper, too."""
    told = [
        sorted((*name, method, *each) for name, values in table.items() for method, each in values.items())
        for table in (VALUES, BUDGETS)
    ]
    assert hashlib.sha256(json.dumps(told).encode()).hexdigest()[:16] == "243990babcc96548"


def test_numbers_that_differ_between_settings_and_groups():
    assert published("aioli", "unrestricted", "github_c4") == {
        "rounds": 20,
        "sweeps": 4,
        "probe_share": 0.128,
        "epsilon": 0.75,
        "eta": 0.3,
        "decay": 0.5,
    }
    assert "decay" not in published("aioli", "restricted", "github_c4")
    assert published("skillit", "unrestricted", "github_c4") == {"rounds": 5, "eta": 0.1, "window": 3}
    assert published("doge", "restricted", "slimpajama") == {"mu": 0.03, "validation_share": 0.5}
    assert published("doremi", "restricted", "books_stackexchange") == {"eta": 0.01}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("groups", GROUPS)
def test_a_method_takes_its_published_settings(setting, groups):
    sources = [f"s{number}" for number in range(GROUPS[groups])]
    for kind in NAMES:
        values = published(kind, setting, groups)
        made = create(kind, sources=sources, **values)
        assert {name: getattr(made.settings, name) for name in values} == values


@pytest.mark.parametrize(("setting", "most"), [("unrestricted", 10.0), ("restricted", 0.5)])
@pytest.mark.parametrize("groups", GROUPS)
def test_budgets_keep_to_their_setting(setting, most, groups):
    for kind in BUDGETS[setting, GROUPS[groups]]:
        found = allocation(kind, setting, groups)
        assert found.runs * found.share <= most + 1e-9
    assert allocation("skillit", "restricted", groups).share == pytest.approx(0.5 / GROUPS[groups], rel=0.02)
    assert FINAL_STEPS[GROUPS[groups]] in (5000, 40000)


def test_names_that_the_paper_does_not_have_are_answered_with_the_nearest():
    with pytest.raises(UserError, match=r"presets.groups: unknown groups 'github_c5'. Did you mean 'github_c4'"):
        published("aioli", "restricted", "github_c5")
    with pytest.raises(UserError, match=r"presets.setting: unknown setting 'restrict'. Did you mean 'restricted'"):
        allocation("doge", "restrict", "github_c4")
    with pytest.raises(UserError, match="unknown method with published settings 'odm'"):
        published("odm", "restricted", "github_c4")
    with pytest.raises(UserError, match="unknown method with a published budget 'aioli'"):
        allocation("aioli", "restricted", "github_c4")
