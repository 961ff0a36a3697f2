"""What the conclusions of an experiment are drawn from, and how it comes from the files of finished runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from emulsion.analysis.advice import read_rows
from emulsion.analysis.calibration import held_against, realised_by
from emulsion.analysis.criteria import Row, recipe_of, success_criteria
from emulsion.analysis.identity import Same, by_mixture
from emulsion.analysis.judged import Judged, JudgedRuns, judge_runs
from emulsion.analysis.recommended import recommended_of
from emulsion.command import Json, Some, options
from emulsion.files import read_object
from emulsion.origin import different_code
from emulsion.perplexity import diverged_note
from emulsion.report.exports import Sizes, SourceSize


@dataclass(frozen=True, kw_only=True)
class Conclusion:
    """What the analyses of an experiment found; what was not analysed is None or empty.

    title          the question it answers
    judged         what the mixtures are judged by, of which the first recommends
    same           which mixtures are one and the same, of which all that is said of mixtures names the first
    ratios         {mixture: {source: weight}} of the candidates; schedules: {mixture: its stages}
    tokens         of a run
    criteria       rows of `success_criteria`
    contributions  of `contributions.json`; optimum: of `optimal_mix.json`, and "of", the kind of what was predicted
    optimum_name   of the mixture that is the optimum
    outcome        {seed: what was predicted of the optimum's runs}, of `realised_by`
    predictions    beside what came of them, of `held_against`
    alone          {source: mixture of it alone}
    models         {mixture: its model} where they differ
    remarks        sentences on the runs, such as `origin.different_code` and `perplexity.diverged_note`
    worlds         rows of the tables that `analysis.advice` goes by, as trained
    """

    experiment: str
    title: str
    judged: Sequence[Judged]
    same: Same
    ratios: Mapping[str, Mapping[str, float]]
    schedules: Mapping[str, Sequence[Mapping[str, Any]]]
    sizes: Sizes
    tokens: int
    criteria: Sequence[Row]
    contributions: Mapping[str, Any] | None = None
    optimum: Mapping[str, Any] | None = None
    optimum_name: str = ""
    outcome: Mapping[str, float] = field(default_factory=dict)
    predictions: Mapping[str, Any] | None = None
    alone: Mapping[str, str] = field(default_factory=dict)
    models: Mapping[str, str] = field(default_factory=dict)
    remarks: str = ""
    worlds: Sequence[Mapping[str, Any]] = ()
    trained: Sequence[Mapping[str, Any]] = ()


@options
@dataclass(frozen=True, kw_only=True)
class ConclusionFiles:
    """The files of an experiment that conclusions are drawn from.

    :param experiment: name of the experiment
    :param title: the question it answers, as JSON
    :param groups: {candidates, singles, alone, strategies, models, optimum, predicted, judged_by, loss_weights}
    :param runs: names of the runs, in the order of their files
    :param mixtures: mixture of each run
    :param seeds: seed of each run
    :param records: run.json of each run
    :param capabilities: capabilities.json of each run, where mixtures are judged by them
    :param perplexity: perplexity.json of each run, where mixtures are judged by losses
    :param stores: headers of the token stores
    :param contributions: contributions.json
    :param optimum: optimal_mix.json
    :param predictions: predictions.json, made from nothing that the optimum's runs came to
    :param results: folder of all results, for the calibration of predictions over experiments
    :param repeated: run.json of a mixture's runs, the first seed's first, and last of the repetition
    :param worlds: regret of methods in simulated worlds, for the advice
    :param trained: how methods fared in trainings, likewise
    """

    experiment: str
    title: Json
    groups: Json
    runs: Some[str]
    mixtures: Some[str]
    seeds: Some[int]
    records: Some[Path]
    capabilities: Sequence[Path] = ()
    perplexity: Sequence[Path] = ()
    stores: Some[Path]
    contributions: Sequence[Path] = ()
    optimum: Sequence[Path] = ()
    predictions: Sequence[Path] = ()
    results: Path = Path("results")
    repeated: Sequence[Path] = ()
    worlds: Path
    trained: Path

    def read(self) -> Conclusion:
        """What all analyses found. Raises UserError where a file is damaged."""
        contents = [read_object(record) for record in self.records]
        files = {"capabilities": self.capabilities, "losses": self.perplexity}
        judged_files = {kind: map(read_object, files[kind]) for kind in self.groups["judged_by"]}
        runs = judge_runs(self.groups, self.mixtures, self.seeds, contents, judged_files)
        record_of = dict(zip(self.runs, contents, strict=True))
        same, best = runs.same, runs.by[0].decision.leader
        kind, optimum = self.groups["predicted"], self.groups["optimum"] or ""
        optimum_name = same.first.get(optimum, optimum)
        predicted = next((each for each in runs.by if each.measure.kind == kind), None)
        ratios = {mixture: record_of[mixture]["mixing_ratios"] for mixture in runs.candidates}
        recommended, _ = recommended_of(runs.by, ratios)
        outcomes = contents if kind == "losses" else map(read_object, self.capabilities)
        realised = (
            realised_by(predicted, same.merged(by_mixture(self.mixtures, self.seeds, outcomes))) if predicted else {}
        )
        libraries = {run: record["code"]["library"] for run, record in record_of.items()}
        return Conclusion(
            experiment=self.experiment,
            title=self.title,
            judged=runs.by,
            same=same,
            ratios=ratios,
            schedules={mixture: record_of[mixture]["schedule"] for mixture in runs.candidates},
            sizes={header["source"]: SourceSize.of_store(header) for header in map(read_object, self.stores)},
            tokens=record_of[best]["tokens"],
            criteria=self._criteria(runs, recommended),
            contributions=next(map(read_object, self.contributions), None),
            optimum=self._optimum(),
            optimum_name=optimum_name,
            outcome=realised.get(optimum_name, {}),
            predictions=held_against(self.predictions, self.results, self.experiment, realised, same.first, kind),
            alone={source: same.first[name] for source, name in self.groups["alone"].items()},
            models=self.groups["models"],
            remarks=different_code(libraries) + diverged_note(runs.diverged),
            worlds=read_rows(self.worlds),
            trained=read_rows(self.trained),
        )

    def _criteria(self, runs: JudgedRuns, recommended: str) -> list[Row]:
        """By the first measure. The recipe is that of the mixture trained again; where none was, of the recommended."""
        leading = runs.by[0]
        pair = [recipe_of(record) for record in self.repeated]
        return success_criteria(
            leading.decision,
            leading.improvement,
            leading.pareto,
            leading.measure,
            pair[0] if pair else recipe_of(self.records[self.runs.index(recommended)]),
            pair[-1] if pair else None,
        )

    def _optimum(self) -> dict[str, Any] | None:
        for file in self.optimum:
            return {
                **read_object(file, ("ratios", "prediction", "interval", "surrogate")),
                "of": self.groups["predicted"],
            }
        return None
