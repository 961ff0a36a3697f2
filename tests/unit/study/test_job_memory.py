"""How much main memory jobs ask for."""

from pathlib import Path

import pytest

from emulsion.fields import read_yaml
from emulsion.study import job_memory
from emulsion.study.form import fill_in
from emulsion.study.study import Study


@pytest.fixture
def experiment():
    config = read_yaml(Path("config.yaml"))
    # 1.3 billion parameters.
    config["models"]["large"] = {**config["models"]["gpt2-500M"], "hidden_size": 2048, "intermediate_size": 8192}
    config["experiments"]["large"] = {**config["experiments"]["exp3"], "model": "large"}
    fill_in(config, read_yaml(Path("workflow/schemas/config.schema.yaml")))
    return Study(config)


def test_memory_follows_the_size_of_the_model(experiment):
    small, large = experiment["exp3"], experiment["large"]
    assert 8000 < job_memory.of_training(small, small.size) < 8100
    assert 65_000 < job_memory.of_training(large, large.size) < 67_000
    assert 4000 < job_memory.of_evaluation(small, small.size) < 4100
    assert 14_000 < job_memory.of_evaluation(large, large.size) < 15_000


def test_memory_grows_by_half_at_each_try(experiment):
    one = experiment["large"]
    first, second, third = (job_memory.of_training(one, one.size, attempt) for attempt in (1, 2, 3))
    assert (second / first, third / first) == pytest.approx((1.5, 2.0), rel=1e-4)


def test_memory_of_fitting_follows_the_sources_and_not_the_model(experiment):
    small = experiment["exp3"]
    assert job_memory.of_fitting(small) == job_memory.of_fitting(experiment["large"]) == 4001
    small.settings["sources"] = [f"source{number}" for number in range(72)]
    assert 11_000 < job_memory.of_fitting(small) < 12_000
