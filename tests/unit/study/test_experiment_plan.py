"""What an experiment plans before anything is trained."""

from pathlib import Path

from emulsion.fields import read_yaml
from emulsion.study.check import check
from emulsion.study.experiment import Experiment
from emulsion.study.experiment_plan import items_of_suites
from emulsion.synthetic import CAPABILITIES


def test_the_items_of_an_experiment_are_those_that_judge_it():
    config = read_yaml(Path("config.yaml"))
    check(config, Path("workflow/schemas/config.schema.yaml"))
    config["suites"]["world"]["synthetic"]["items_per_capability"] = 40
    assert items_of_suites(Experiment(config, "exp3")) == dict.fromkeys(CAPABILITIES, 20)
    config["experiments"]["exp3"]["evaluation"]["selection"] = False
    assert items_of_suites(Experiment(config, "exp3")) == dict.fromkeys(CAPABILITIES, 40)
