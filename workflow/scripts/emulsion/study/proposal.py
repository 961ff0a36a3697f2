"""From folders of text, a machine's speed and some minutes to a configuration, and the reasons for what it says."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import yaml

from emulsion.analysis.compare import listing
from emulsion.analysis.scores import MEAN
from emulsion.data.sources.folders import ONCE, Look
from emulsion.data.sources.formats import suffix_of
from emulsion.errors import UserError
from emulsion.files import from_home
from emulsion.models import parameter_count
from emulsion.study import sizes
from emulsion.study.check import check
from emulsion.study.experiment import Experiment
from emulsion.study.mistakes import nearest_name
from emulsion.training.speed import Speed

DEVICE = "this-machine"
# Jobs besides trainings and evaluations: those of each source, and those that conclude and draw.
_JOBS_OF_A_SOURCE, _OTHER_JOBS = 9, 20
# What such a job takes, of the time that a training takes to start: it imports less. Snakemake's own work is in it.
_START_OF_A_JOB = 0.5
# Of the time that is left for trainings, what is planned for: a machine whose speed is measured for seconds works for
# minutes, and is slower then (by 15 %, where it was tried).
_MARGIN = 0.85
# Held-out text of the smallest source is this many sequences at least, where a tenth of it is enough for that.
_SMALL_HELD_OUT, _HELD_OUT = 0.1, 0.05
# How much larger one source is than another before that is said.
_UNEVEN = 10


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """config: what is to be written; whole: the same with all defaults; reasons: (what, chosen, why) of each choice."""

    config: dict[str, Any]
    whole: dict[str, Any]
    reasons: list[tuple[str, str, str]]


def names_of(folders: Sequence[str], pattern: str, taken: Collection[str] = ()) -> dict[str, str]:
    """{name of the source: folder}, from the folders' own names; where two are alike, from their parents' too.

    taken: sources of the configuration below, whose entries a folder of the same name would only change in part
    """
    found: dict[str, str] = {}
    for folder in folders:
        path = from_home(folder).absolute()
        stems = [path.name.removesuffix(suffix_of(path.name) or "")]
        stems.append(f"{path.parent.name}_{stems[0]}")
        # Of a name without a single Latin letter or digit the parent's would be left.
        stems = stems if nearest_name(stems[0], "[A-Za-z0-9]") else []
        names = [name for stem in stems if (name := nearest_name(stem, pattern)) and name != MEAN]
        name = next((name for name in names if name.lower() not in map(str.lower, (*found, *taken))), None)
        if name is None:
            raise UserError(
                f"{folder}: its name makes no name of a source, or that of another folder or source; rename it."
            )
        found[name] = folder
    return found


def held_out_share(looks: Mapping[str, Look]) -> float:
    """A twentieth, or a tenth where the smallest source's twentieth would be few sequences."""
    least = min(each.bytes for each in looks.values()) * _HELD_OUT / sizes.bytes_per_token(512)
    return _HELD_OUT if least >= sizes.HELD_OUT_SEQUENCES * sizes.LADDER[0].context else _SMALL_HELD_OUT


def first_model(looks: Mapping[str, Look]) -> tuple[dict[str, Any], dict[str, Any], int]:
    """Model, training and vocabulary of the smallest size, whose speed is measured."""
    text = sum(each.bytes for each in looks.values())
    model = sizes.model_of(sizes.LADDER[0], text)
    return model, sizes.training_of(sizes.LADDER[0], model), sizes.vocabulary(text, sizes.LADDER[0].vocabulary)


def propose(name: str, looks: Mapping[str, Look], minutes: float, cores: int, speed: Speed, schema: Path) -> Proposal:
    """The configuration of an experiment that is decided within `minutes`.

    looks: {source: what its folder holds}; cores: trainings that run at once. Raises UserError where time is too short.
    """
    model, _, vocab_size = first_model(looks)
    config: dict[str, Any] = {
        "only": [name],
        "experiments": {
            name: {
                "title": f"Which mixture of {listing(list(looks))} is best for all of them?",
                "sources": list(looks),
            }
        },
        "sources": {source: each.source() for source, each in looks.items()},
        "cleaning": {ONCE: {"deduplicate": {"exact": True}}},
        "held_out": held_out_share(looks),
        "devices": {DEVICE: speed.device(model, vocab_size, 2 * len(looks) * sizes.TEST_SEQUENCES * model["context"])},
    }
    try:
        whole = _within(config, name, device_hours(minutes, cores, len(looks), speed), schema)
    except UserError as error:
        if (enough := _enough(config, name, minutes, cores, speed, schema)) is None:
            raise
        raise UserError(
            f"--minutes: {minutes:g} are too few on this machine as it is now ({speed.text()}); {enough:.0f} are "
            "enough."
        ) from error
    settings: dict[str, Any] = config["experiments"][name]
    settings.update({key: whole["experiments"][name][key] for key in ("tokens", "budget")})
    return Proposal(config=config, whole=whole, reasons=_reasons(whole, name, looks, minutes, cores, speed))


def _within(config: Mapping[str, Any], name: str, hours: float, schema: Path) -> dict[str, Any]:
    """The configuration with all defaults, among them the tokens that `hours` allow."""
    whole = copy.deepcopy(dict(config))
    whole["experiments"][name]["budget"] = {"device": DEVICE, "hours": round(hours, 3)}
    check(whole, schema)
    return whole


def _enough(
    config: Mapping[str, Any], name: str, minutes: float, cores: int, speed: Speed, schema: Path
) -> float | None:
    """The first of some longer times that is long enough; None where more time does not help."""
    for _ in range(12):
        minutes *= 1.5
        try:
            _within(config, name, device_hours(minutes, cores, len(config["sources"]), speed), schema)
        except UserError:
            continue
        return minutes
    return None


def device_hours(minutes: float, cores: int, sources: int, speed: Speed) -> float:
    """Hours of one core that are left for trainings and their evaluation.

    Raises UserError where preparing the sources and concluding takes all the time.
    """
    jobs = _JOBS_OF_A_SOURCE * sources + _OTHER_JOBS
    others = jobs * _START_OF_A_JOB * speed.seconds_to_start
    seconds = minutes * 60 * cores - others
    if seconds <= 0:
        raise UserError(
            f"--minutes: {minutes:g} are too few; preparing {sources} sources and concluding takes about "
            f"{others / cores / 60:.0f}."
        )
    return _MARGIN * seconds / 3600


def _reasons(
    whole: Mapping[str, Any], name: str, looks: Mapping[str, Look], minutes: float, cores: int, speed: Speed
) -> list[tuple[str, str, str]]:
    experiment = Experiment(whole, name)
    settings, size = experiment.settings, experiment.size
    model, training = whole["models"][size.model], whole["training"][size.training]
    vocab_size = whole["tokenizers"][settings["tokenizer"]]["bpe"]["vocab_size"]
    text = sum(each.bytes for each in looks.values())
    parameters = parameter_count(model, vocab_size)
    [swarm] = experiment.swarms.values()
    runs = len(swarm.points) + len(experiment.runs(experiment.concluded()))
    passes = size.tokens * sizes.bytes_per_token(vocab_size) / text
    return [
        (
            "speed",
            f"{speed.tokens_per_second:,.0f} tokens/s",
            f"measured now: {speed.text()}",
        ),
        ("vocabulary", f"{vocab_size:,}", f"for {text / 1e6:,.1f} MB of text and a model of this size"),
        (
            "model",
            f"{parameters / 1e6:.2f} M parameters",
            f"the largest with {sizes.TOKENS_PER_PARAMETER} tokens a parameter, or the smallest there is",
        ),
        ("context", f"{model['context']} tokens", "the model's, or less where the smallest source is short"),
        ("batch", f"{training['batch_tokens']:,} tokens", "small batches halve the noise between seeds"),
        (
            "tokens of a run",
            f"{size.tokens:,}",
            f"what {minutes:g} minutes on {cores} core{'s' * (cores > 1)} allow for {runs} runs, at most two passes: "
            f"about {passes:.2g} over all text",
        ),
        ("swarm", f"{len(swarm.points)} runs", "three for each source and three more; the optimum is fitted to them"),
        (
            "compared",
            ", ".join(experiment.candidates()),
            f"and each of the {len(looks)} sources alone, with {len(settings['seeds'])} seeds each",
        ),
    ]


def notes_of(looks: Mapping[str, Look]) -> list[str]:
    """What a user should know of the sources before anything is run."""
    notes = []
    least, most = (choose(looks, key=lambda source: looks[source].bytes) for choose in (min, max))
    if looks[most].bytes > _UNEVEN * looks[least].bytes:
        notes.append(
            f"{least} is {looks[most].bytes / looks[least].bytes:.0f} times smaller than {most}: shares that would "
            "repeat it more than four times are not tried."
        )
    for contents in dict.fromkeys(each.contents for each in looks.values()):
        alike = [source for source, each in looks.items() if each.contents == contents]
        if len(alike) > 1:
            notes.append(f"{listing(alike)} hold the same files: only the sum of their shares makes a difference.")
    for first, second in combinations(looks, 2):
        shared = len(looks[first].contents & looks[second].contents)
        if shared and looks[first].contents != looks[second].contents:
            notes.append(
                f"{first} and {second} share {shared:,} file{'s' * (shared > 1)}: what one holds out to be judged by "
                "the other may train on, which makes its loss look too low. Take them out of one of the two."
            )
    known = {source: each.language for source, each in looks.items() if each.language != "not told"}
    if len(set(known.values())) > 1:
        notes.append(f"Languages differ: {', '.join(f'{source} is {each}' for source, each in known.items())}.")
    for source, each in looks.items():
        if each.copies:
            notes.append(
                f"{source}: {each.copies:,} of its {each.files:,} files are copies of others; each text is read once."
            )
        if each.text_field and each.share:
            notes.append(
                f"{source}: reads the column '{each.text_field}', {100 * each.share:.0f} % of the characters of its "
                "rows."
            )
    return notes


def written(proposal: Proposal, name: str, request: str, notes: Sequence[str]) -> str:
    """The configuration as a file; its first line is the request, by which a later call knows it."""
    reasons = [f"#   {what}: {chosen} ({why})" for what, chosen, why in proposal.reasons]
    head = [
        request,
        f"# Lay it over config.yaml: snakemake --cores 2 --configfile {name}.yaml",
        "# What is not said here follows from the sources (workflow/schemas/config.schema.yaml). It comes to:",
        *reasons,
        *(f"# {note}" for note in notes),
    ]
    body = yaml.safe_dump(proposal.config, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return "\n".join([*head, "", body])
