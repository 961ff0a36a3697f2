"""Measure how fast this machine trains, and print it as an entry of `devices`: what a time budget is reckoned with."""

import yaml
from cyclopts.types import PositiveFloat, PositiveInt

from emulsion import command
from emulsion.study import sizes
from emulsion.training.speed import measure


def main(
    *,
    cores: PositiveInt = 2,
    name: str = "this-machine",
    sources: PositiveInt = 4,
    vocabulary: PositiveInt = 1024,
    seconds: PositiveFloat = 4,
) -> None:
    """
    :param cores: trainings at once, on one thread each
    :param name: name of the entry
    :param sources: that an evaluation reads
    :param vocabulary: tokens of the vocabulary
    :param seconds: to train for
    """
    model = sizes.model_of(sizes.LADDER[0], 1e9)
    speed = measure(model, sizes.training_of(sizes.LADDER[0], model), vocabulary, cores, seconds)
    evaluated = 2 * sources * sizes.TEST_SEQUENCES * model["context"]
    print(f"# {speed.text()}")
    print(yaml.safe_dump({"devices": {name: speed.device(model, vocabulary, evaluated)}}, sort_keys=False))


if __name__ == "__main__":
    command.run(main)
