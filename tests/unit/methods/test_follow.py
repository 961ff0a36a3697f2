import json

import pytest

from emulsion.errors import UserError
from emulsion.methods.follow import Follow
from emulsion.methods.interface import Observation

LIST = [{"alpha": 3, "beta": 1}, {"beta": 1}, {"alpha": 1, "beta": 1}]


def seen(step=1):
    return Observation(step=step, steps=9, tokens=0, losses={"alpha": 1.0, "beta": 1.0}, counts={"alpha": 0, "beta": 0})


def test_it_gives_the_mixtures_in_order_one_a_round():
    method = Follow(["alpha", "beta"], mixtures=LIST)
    given = [method.start(), *(method.update(seen()) for _ in range(method.rounds - 1))]
    assert [dict(mixture) for mixture in given] == [
        {"alpha": 0.75, "beta": 0.25},
        {"beta": 1},
        {"alpha": 0.5, "beta": 0.5},
    ]


def test_the_average_is_of_the_rounds_so_far():
    method = Follow(["alpha", "beta"], mixtures=LIST)
    method.start()
    assert dict(method.average) == {"alpha": 0.75, "beta": 0.25}
    method.update(seen())
    assert dict(method.average) == {"alpha": 0.375, "beta": 0.625}


def test_restored_from_plain_json_it_goes_on_where_it_was():
    method, other = Follow(["alpha", "beta"], mixtures=LIST), Follow(["alpha", "beta"], mixtures=LIST)
    method.start()
    method.update(seen())
    other.restore(json.loads(json.dumps(method.state())))
    assert other.update(seen()) == method.update(seen())
    assert other.state() == method.state()


def test_a_round_more_than_there_are_mixtures_is_refused():
    method = Follow(["alpha", "beta"], mixtures=LIST[:1])
    method.start()
    with pytest.raises(UserError, match=r"follow.mixtures: there are 1, but another round begins at step 4"):
        method.update(seen(4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mixture": LIST}, "unknown setting 'mixture'. Did you mean 'mixtures'"),
        ({}, "follow.mixtures: should be a list of at least one mixture, but is None"),
        ({"mixtures": []}, r"should be a list of at least one mixture, but is \[\]"),
        ({"mixtures": {"alpha": 1}}, "should be a list"),
        ({"mixtures": [{"alpha": 1}, 3]}, r"follow.mixtures\[1\]: should be weights by source, but is 3"),
        ({"mixtures": [{"alhpa": 1}]}, r"follow.mixtures\[0\]: unknown source 'alhpa'. Did you mean 'alpha'"),
        ({"mixtures": [{"alpha": -1}]}, r"follow.mixtures\[0\].alpha: the weight -1 is negative"),
        ({"mixtures": [{"alpha": "much"}]}, r"follow.mixtures\[0\].alpha: the weight 'much' is not a finite number"),
    ],
)
def test_settings_that_are_wrong_are_refused_in_words(settings, message):
    with pytest.raises(UserError, match=message):
        Follow(["alpha", "beta"], **settings)
