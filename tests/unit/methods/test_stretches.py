"""How a run is cut into rounds and probes."""

import pytest
from rounds_cases import Ascent, Prober

from emulsion.errors import UserError
from emulsion.methods.stretches import Stretch, stretches


def test_the_rounds_after_a_prelude_share_what_is_left():
    cut = stretches(Ascent(rounds=2), 12, prelude=4)
    assert cut == [Stretch(0, 4, -1, None), Stretch(4, 8, 0, None), Stretch(8, 12, 1, None)]
    with pytest.raises(UserError, match="rounds: 9 do not fit into the rest of 8 steps; 1 to 8 do"):
        stretches(Ascent(rounds=9), 12, prelude=4)


@pytest.mark.parametrize("steps", [1, 5, 12, 17])
def test_rounds_and_probes_cover_every_step_once(steps):
    for rounds in range(1, steps + 1):
        cut = stretches(Ascent(rounds=rounds), steps)
        assert [each.start for each in cut] == [0, *(each.end for each in cut[:-1])]
        assert cut[-1].end == steps and all(each.end > each.start for each in cut)
    assert stretches(Prober(rounds=1), 8) == [
        Stretch(0, 1, 0, 0),
        Stretch(1, 2, 0, 1),
        Stretch(2, 3, 0, 2),
        Stretch(3, 8, 0, None),
    ]
