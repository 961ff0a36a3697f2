import itertools
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.recipes import least_sequences, load_recipe, realised, staged, tiny_shares
from emulsion.errors import UserError
from emulsion.mixture import Mixture
from emulsion.plan import SequencePlan
from emulsion.report.recipe_tables import recipes_text
from emulsion.schedule import Schedule

SMOLLM3 = Path(__file__).parents[3] / "resources" / "recipes" / "smollm3"

# Sums of the raw weights of huggingface/smollm at a041759, by our classes.
RAW_TOTALS = {
    1: {
        "english-web": 0.703,
        "curated": 0.025,
        "multilingual": 0.11675,
        "vietnamese": 0.00325,
        "math": 0.027,
        "code": 0.125,
    },
    2: {
        "english-web": 0.63,
        "curated": 0.019,
        "multilingual": 0.11695,
        "vietnamese": 0.00005,
        "math": 0.0908,
        "code": 0.14325,
    },
    3: {
        "english-web": 0.5,
        "curated": 0.0152,
        "multilingual": 0.124,
        "vietnamese": 0.00005,
        "math": 0.115,
        "code": 0.2333,
        "reasoning": 0.0181,
    },
}
RAW_SUMS = {1: 1.0, 2: 1.00005, 3: 1.00565}
SOURCES = {1: 41, 2: 46, 3: 56}
WHOLE_RUN = {
    "english-web": 0.6687,
    "curated": 0.0230,
    "multilingual": 0.1175,
    "vietnamese": 0.0024,
    "math": 0.0468,
    "code": 0.1397,
    "reasoning": 0.0020,
}


def stages():
    return [load_recipe(SMOLLM3 / f"stage{number}.yaml") for number in (1, 2, 3)]


def recipe_file(folder, sources, **header):
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump({**header, "sources": sources}))
    return path


def source(name, weight=1.0, **fields):
    return {"name": name, "weight": weight, "class": "web", **fields}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_the_class_totals_of_smollm3_are_the_published_ones(number):
    recipe = load_recipe(SMOLLM3 / f"stage{number}.yaml")
    assert len(recipe.sources) == SOURCES[number]
    assert recipe.class_totals() == pytest.approx(
        {group: total / RAW_SUMS[number] for group, total in RAW_TOTALS[number].items()}, abs=1e-6
    )
    assert sum(recipe.weights.values()) == pytest.approx(RAW_SUMS[number], abs=1e-9)


def test_a_few_weights_of_smollm3_are_as_published():
    weights = [recipe.weights for recipe in stages()]
    assert [each["fineweb_edu"] for each in weights] == [0.333, 0.3, 0.2]
    assert [each["dclm"] for each in weights] == [0.37, 0.33, 0.3]
    assert [each["fw2_vie"] for each in weights] == [0.00325, 0.00005, 0.00005]
    assert (weights[0]["stack_v2_python"], weights[1]["stack_edu_python"], weights[2]["stack_edu_python"]) == (
        0.025,
        0.025,
        0.07,
    )


def test_a_source_is_the_same_in_every_stage():
    seen = {}
    for recipe in stages():
        for each in recipe.sources:
            identity = (each.nanotron, each.group, each.id, each.config, each.evidence)
            assert seen.setdefault(each.name, identity) == identity
    assert len(seen) == len({identity[0] for identity in seen.values()}) == 72


def test_normalising_is_noted_only_where_weights_do_not_sum_to_one():
    assert [recipe.note for recipe in stages()] == [
        None,
        "The weights sum to 1.00005; each was divided by that.",
        "The weights sum to 1.00565; each was divided by that.",
    ]


def test_the_stages_of_smollm3_are_as_long_as_their_steps():
    recipes = stages()
    for recipe, following in itertools.pairwise(recipes):
        assert following.first_step == recipe.last_step + 1
    for recipe in recipes:
        assert recipe.tokens == (recipe.last_step - recipe.first_step + 1) * 576 * 4096
    ends = [stage["until"] * 4_720_000 for stage in staged(recipes)]
    assert ends == pytest.approx([3_450_000, 4_198_000, 4_720_000], abs=1e-3)
    assert staged(recipes)[-1]["until"] == 1


def test_every_stage_of_the_schedule_names_the_sources_of_all():
    schedule = staged(stages())
    names = [list(stage["weights"]) for stage in schedule]
    assert names[0] == names[1] == names[2] and len(names[0]) == 72
    assert schedule[0]["weights"]["openmathinstruct_2"] == 0
    assert schedule[2]["weights"]["stack_v2_python"] == 0
    Schedule.from_json(schedule, 10_000)


def test_a_source_goes_on_in_the_next_stage_where_it_was():
    run, size = 4000, 10_000
    stages_ = staged(stages())
    names = list(stages_[0]["weights"])
    plan = SequencePlan(dict.fromkeys(names, size), Schedule.from_json(stages_, run))
    rows = plan.rows(0, run)[plan.sources(0, run) == names.index("dclm")]
    assert len(rows) > 1000
    assert len(np.unique(rows)) == len(rows)


def test_realised_shares_of_the_whole_run_meet_the_published_ones():
    recipes, sequences = stages(), 47_200
    classes = {name: group for recipe in recipes for name, group in recipe.classes.items()}
    drawn = dict.fromkeys(WHOLE_RUN, 0)
    for row in realised(staged(recipes), sequences):
        assert abs(row.drawn - row.due) < 2
        drawn[classes[row.source]] += row.drawn
    assert sum(drawn.values()) == sequences
    assert {group: count / sequences for group, count in drawn.items()} == pytest.approx(WHOLE_RUN, abs=2e-4)


def test_sources_due_less_than_one_sequence_are_listed():
    mixture = stages()[1].mixture
    assert tiny_shares(mixture, 15_000) == {"fw2_vie": pytest.approx(0.75, abs=1e-4)}
    assert tiny_shares(mixture, 20_001) == {}
    assert least_sequences(mixture) == 20_001


@given(st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=8), st.integers(1, 5000))
def test_a_source_is_tiny_exactly_where_it_is_due_less_than_one(weights, sequences):
    mixture = Mixture({f"s{number}": weight for number, weight in enumerate(weights)})
    tiny = tiny_shares(mixture, sequences)
    assert set(tiny) == {name for name, share in mixture.items() if share * sequences < 1}
    assert list(tiny.values()) == sorted(tiny.values())
    assert all(share * least_sequences(mixture) > 1 - 1e-6 for share in mixture.values())


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        ([source("a"), {"name": "b", "class": "web"}], r"sources\[1\] \(b\)\.weight: is missing"),
        ([source("a", wieght=2.0)], r"unknown field 'wieght'\. Did you mean 'weight'\?"),
        ([source("a", -0.1)], r"sources\[0\] \(a\)\.weight: should be a number, 0 or more, but is -0\.1"),
        ([source("a", float("nan"))], r"weight: should be a number, 0 or more"),
        ([source("a", "3e-4")], r"weight: should be .* In YAML, 3e-4 .*: 3\.0e-4"),
        ([source("a"), source("b"), source("a")], r"sources\[2\]\.name: 'a' is there already, sources\[0\]"),
        ([source("FineWeb-Edu")], r"\.name: should be lower-case letters, digits and _"),
        ([source("a", evidence="sure")], r"evidence: should be one of unknown, parent, guess, name, linked"),
        ([], r"sources: should be a list of one entry or more, but is \[\]"),
        ([source("a", 0.0)], r"every weight is 0"),
        (["a"], r"sources\[0\]: should be fields with values, but is 'a'"),
    ],
)
def test_a_mistake_in_a_recipe_is_told_with_its_place(tmp_path, sources, message):
    with pytest.raises(UserError, match=message):
        load_recipe(recipe_file(tmp_path, sources))


def test_a_recipe_with_a_field_of_another_name_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"unknown field 'token'\. Did you mean 'tokens'\?"):
        load_recipe(recipe_file(tmp_path, [source("a")], token=3))


def test_a_schedule_needs_the_length_of_every_stage(tmp_path):
    recipe = load_recipe(recipe_file(tmp_path, [source("a")]))
    with pytest.raises(UserError, match=r"recipe\.yaml\.tokens: is missing"):
        staged([recipe])


def test_a_file_that_is_not_yaml_is_reported_with_its_line(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("sources:\n  - name: a\n weight: 1\n")
    with pytest.raises(UserError, match=r"recipe\.yaml:3: not valid YAML"):
        load_recipe(path)
    with pytest.raises(UserError, match=r"none\.yaml: no such file"):
        load_recipe(tmp_path / "none.yaml")


def test_the_table_of_a_run_lists_shares_and_sources_too_small_for_it():
    printed = recipes_text([load_recipe(SMOLLM3 / f"stage{number}.yaml") for number in (1, 2, 3)], 10000)
    assert "| **vietnamese** | 0.0050 | 0.0000 | 0.08 | 0 |" in printed
    assert "Due less than one sequence: fw2_vie (0.0792), stack_v2_shell (0.158)" in printed
    assert "| english-web | 66.8" in printed
