import numpy as np
import pytest

from emulsion.errors import UserError
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule

A, B = Mixture({"a": 1.0, "b": 0.0}), Mixture({"a": 0.25, "b": 0.75})


def test_a_constant_schedule_owes_each_source_its_share_at_every_position():
    targets = Schedule.constant(B).targets(np.array([0, 4, 100]), ["a", "b"])
    assert targets.tolist() == [[0, 0], [1, 3], [25, 75]]


def test_a_staged_schedule_owes_what_its_stages_add_up_to():
    schedule = Schedule.staged([(0.5, A), (1.0, B)], sequences=100)
    assert schedule.targets(np.array([50, 54, 100]), ["a", "b"]).tolist() == [[50, 0], [51, 3], [62.5, 37.5]]


def test_the_last_stage_goes_on_past_the_planned_end():
    assert Schedule.staged([(0.5, A), (1.0, B)], 100).targets(104, ["a", "b"]).tolist() == [63.5, 40.5]


@pytest.mark.parametrize("ends", [[0.5], [0.5, 0.5, 1.0], [0.7, 0.5, 1.0], [0.0, 1.0], []])
def test_stages_that_do_not_rise_to_one_are_refused(ends):
    with pytest.raises(UserError, match="must rise to 1"):
        Schedule.staged([(end, A) for end in ends], 100)


def test_a_stage_shorter_than_a_sequence_is_refused():
    with pytest.raises(UserError, match=r"stage 1 of 2, from 0 to 0\.001 of the run, is shorter than one of its 100"):
        Schedule.staged([(0.001, A), (1.0, B)], 100)
    with pytest.raises(UserError, match=r"stage 2 of 2, from 0\.9995 to 1 of the run, is shorter than one of its 494"):
        Schedule.staged([(0.9995, A), (1.0, B)], 494)


def test_then_adds_a_stage_and_leaves_the_schedule_itself_alone():
    first = Schedule.constant(A)
    assert first.then(10, B).targets(14, ["a", "b"]).tolist() == [11, 3]
    assert len(first.stages) == 1


def test_a_schedule_is_read_from_a_mixture_file():
    stages = [{"until": 0.5, "weights": {"a": 2, "b": 0}}, {"until": 1.0, "weights": {"a": 1, "b": 3}}]
    assert Schedule.from_json(stages, 100) == Schedule.staged([(0.5, A), (1.0, B)], 100)
