from pathlib import Path

import pytest
import yaml

from emulsion.errors import UserError
from emulsion.study.strategies import strategy_stages

SMOLLM3 = {"stages": [{"recipe": f"resources/recipes/smollm3/stage{number}.yaml"} for number in (1, 2, 3)]}


def write_recipe(path: Path, weights: dict[str, float], tokens: int | None = None) -> str:
    sources = [{"name": name, "weight": weight, "class": "text"} for name, weight in weights.items()]
    path.write_text(yaml.safe_dump({"tokens": tokens, "sources": sources}))
    return str(path)


def test_stages_of_published_recipes_are_as_long_as_their_tokens():
    stages = strategy_stages(SMOLLM3)
    assert [stage["until"] for stage in stages] == [pytest.approx(3_450 / 4_720), pytest.approx(4_198 / 4_720), 1.0]
    assert {len(stage["weights"]) for stage in stages} == {72}
    assert [sum(weight > 0 for weight in stage["weights"].values()) for stage in stages] == [41, 46, 56]


def test_a_stage_that_says_its_end_takes_only_the_weights_of_its_recipe(tmp_path):
    first, second = (write_recipe(tmp_path / name, {name[0]: 3, "c": 1}) for name in ("a.yaml", "b.yaml"))
    stages = [{"until": 0.25, "recipe": first}, {"until": 0.5, "ratios": {"c": 1}}, {"until": 1, "recipe": second}]
    assert strategy_stages({"stages": stages}) == [
        {"until": 0.25, "weights": {"a": 3, "c": 1}},
        {"until": 0.5, "weights": {"c": 1}},
        {"until": 1.0, "weights": {"b": 3, "c": 1}},
    ]


def test_one_recipe_is_a_mixture_for_the_whole_run(tmp_path):
    path = write_recipe(tmp_path / "a.yaml", {"a": 3, "b": 1}, tokens=10)
    assert strategy_stages({"stages": [{"recipe": path}]}) == [{"until": 1.0, "weights": {"a": 0.75, "b": 0.25}}]


def test_the_end_of_some_stages_alone_is_refused(tmp_path):
    path = write_recipe(tmp_path / "a.yaml", {"a": 1}, tokens=10)
    with pytest.raises(UserError, match="either each stage says `until`"):
        strategy_stages({"stages": [{"recipe": path}, {"until": 1, "recipe": path}]})


def test_a_recipe_without_a_length_is_refused_where_it_decides_one(tmp_path):
    path = write_recipe(tmp_path / "a.yaml", {"a": 1})
    with pytest.raises(UserError, match=r"a\.yaml\.tokens: is missing"):
        strategy_stages({"stages": [{"recipe": path}]})
