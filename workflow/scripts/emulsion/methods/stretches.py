"""How a run is cut for an online method, real or simulated: rounds, and the probes that begin them."""

from __future__ import annotations

from dataclasses import dataclass

from emulsion.errors import UserError, unknown
from emulsion.methods.interface import OBSERVES, OnlineMethod, ProbingMethod
from emulsion.mixture import Mixture


@dataclass(frozen=True)
class Stretch:
    """Steps [start, end) that are trained on one mixture.

    round  counted from 0; -1 for the prelude
    probe  which probe of its round it is, counted from 0; None for what follows them
    """

    start: int
    end: int
    round: int
    probe: int | None


def stretches(method: OnlineMethod, steps: int, prelude: int = 0) -> list[Stretch]:
    """How a run of `steps` steps is cut, in order; prelude: steps before the first round.

    Raises UserError where the rounds, or a round's probes, do not fit into the steps there are.
    """
    left = steps - prelude
    if not 1 <= method.rounds <= left:
        what = "the rest" if prelude else "a run"
        raise UserError(f"rounds: {method.rounds} do not fit into {what} of {left} steps; 1 to {left} do.")
    ends = [prelude + round(left * (number + 1) / method.rounds) for number in range(method.rounds)]
    cut = [Stretch(0, prelude, -1, None)] if prelude else []
    for number, (start, end) in enumerate(zip([prelude, *ends[:-1]], ends, strict=True)):
        if isinstance(method, ProbingMethod):
            length = max(1, int(method.probe_share * (end - start) / method.probe_count + 1e-9))
            if start + method.probe_count * length >= end:
                raise UserError(
                    f"probes: {method.probe_count} of {length} steps leave nothing of a round of {end - start} steps; "
                    "take fewer probes, fewer rounds or a smaller share."
                )
            cut += [Stretch(start + i * length, start + (i + 1) * length, number, i) for i in range(method.probe_count)]
            start += method.probe_count * length
        cut.append(Stretch(start, end, number, None))
    return cut


def update_steps(method: OnlineMethod, steps: int, prelude: int) -> list[int]:
    """The steps after which the method decides anew, in order; raises as `stretches`."""
    cut = stretches(method, steps, prelude)
    first = 0 if isinstance(method, ProbingMethod) else 1
    return [stretch.start for stretch in cut if stretch.probe is None and stretch.round >= first]


def observations(method: OnlineMethod, steps: int, prelude: int = 0, share: float = 1.0) -> int:
    """How often held-out text is read within this share of a run to observe it; raises as `stretches`."""
    if not method.held_out:
        return 0
    cut = [stretch for stretch in stretches(method, steps, prelude) if stretch.start <= share * steps]
    return sum(number > 0 or stretch.probe is not None for number, stretch in enumerate(cut))


def update_before(method: OnlineMethod, steps: int, share: float, prelude: int) -> int:
    """The step of the last update within this share of a run; UserError where there is none yet."""
    found = update_steps(method, steps, prelude)
    last = max((step for step in found if step <= share * steps + 1e-9), default=None)
    if last is None:
        words = f"its first update is at {found[0] / steps:.3g} of the run" if found else "it never decides anew"
        raise UserError(f"{share:g} of the run is before anything was decided from what was seen; {words}.")
    return last


def opening(method: OnlineMethod) -> list[Mixture]:
    """What a run begins with: the mixtures of the first round's probes, or the first round's mixture."""
    if method.observes not in OBSERVES:
        raise unknown("kind of observation", method.observes, OBSERVES, "method")
    if isinstance(method, ProbingMethod) != (method.observes == "probes"):
        raise UserError(
            f"method: observes {method.observes}; those that have `probe_mixtures`, and no others, observe probes."
        )
    return probes_of(method) if isinstance(method, ProbingMethod) else [method.start()]


def probes_of(method: ProbingMethod) -> list[Mixture]:
    """The mixtures of the coming round's probes; UserError where there are not as many as the method said."""
    mixtures = list(method.probe_mixtures())
    if len(mixtures) != method.probe_count:
        raise UserError(f"method: gives {len(mixtures)} mixtures for the {method.probe_count} probes of a round.")
    return mixtures
