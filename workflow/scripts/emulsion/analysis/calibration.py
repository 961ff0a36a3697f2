"""Predictions held against what came of them: side by side in one experiment, and counted over all of a checkout.

Predictions are hashed, and made from nothing that the optimum's runs come to: its own together with its mixture, and
the others before any training that could start with them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from emulsion.analysis.judged import Judged
from emulsion.analysis.scores import MEAN
from emulsion.errors import UserError
from emulsion.evaluation.halves import selection_scores
from emulsion.evaluation.intervals import wilson_interval
from emulsion.files import fingerprint, read_note, read_object
from emulsion.student import LEVEL


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """The content of `predictions.json`: with "fingerprint", the hash of all the rest."""
    return {**content, "fingerprint": fingerprint(dict(content))}


def opened(content: Mapping[str, Any], where: str) -> dict[str, Any]:
    """The content without its seal. Raises UserError where it was changed after it was written."""
    rest = {key: value for key, value in content.items() if key != "fingerprint"}
    if fingerprint(rest) != content.get("fingerprint"):
        raise UserError(
            f"{where}: was changed after it was written; delete it, and predict and train the optimum again."
        )
    return rest


def outcomes(
    predictions: Mapping[str, Mapping[str, Any]], runs: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """Rows {"mixture", "seed", "predicted", "interval", "realised", "inside", "fitted"}, one for each run.

    predictions: {mixture: {"prediction", "interval", "fitted"}}; runs: {mixture: {seed: score}}. The interval is one of
    new runs, so each run counts; a run of a mixture that was fitted to was no surprise, and is marked.
    """
    return [
        {
            "mixture": mixture,
            "seed": seed,
            "predicted": each["prediction"],
            "interval": list(each["interval"]),
            "realised": score,
            "inside": each["interval"][0] <= score <= each["interval"][1],
            "fitted": each["fitted"],
        }
        for mixture, each in predictions.items()
        for seed, score in runs.get(mixture, {}).items()
    ]


def calibration(rows: Sequence[Mapping[str, Any]], kind: str) -> dict[str, Any]:
    """How often intervals held, of mixtures that were not fitted to: {"runs", "inside", "interval", "error", "text"}.

    interval: of the share, Wilson's, with mixtures as the unit, whose runs share one prediction. error: root mean
    squared, of predictions. Shares are None without such a run. kind: "losses", whose predictions are of the mean
    validation loss, or "capabilities", of the mean score on the selection half.
    """
    fresh = [row for row in rows if not row["fitted"]]
    if not fresh:
        return {
            "runs": 0,
            "inside": None,
            "interval": None,
            "error": None,
            "text": "No prediction of a new mixture yet.",
        }
    share = sum(row["inside"] for row in fresh) / len(fresh)
    mixtures = len({(row.get("experiment"), row["mixture"]) for row in fresh})
    error = (sum((row["predicted"] - row["realised"]) ** 2 for row in fresh) / len(fresh)) ** 0.5
    low, high = wilson_interval(share, mixtures)
    text = (
        f"Of {len(fresh)} runs of {mixtures} mixture{'s' * (mixtures != 1)} that nothing was fitted to, {share:.0%}"
        f" {'came out' if kind == 'losses' else 'scored'} inside their {LEVEL:.0%} interval (of the share: {low:.0%} to"
        f" {high:.0%}); predictions were off by {error:.3f}{' nats' if kind == 'losses' else ''} (root mean square)."
    ).replace("%", " %")
    return {"runs": len(fresh), "inside": share, "interval": [low, high], "error": error, "text": text}


def outcomes_elsewhere(folder: Path, experiment: str, kind: str) -> list[dict[str, Any]]:
    """The rows of all other experiments below a folder of results, as they are found, each with its "experiment".

    Damaged files are left out with a warning: those of experiments of other configurations no call makes again.

    kind: what is predicted, "losses" or "capabilities".
    """
    found = []
    for file in sorted(folder.glob("*/recommendations.json")):
        if (content := read_note(file, ("experiment",))) is None:
            continue
        stated = content.get("predictions")
        if content["experiment"] != experiment and stated and stated.get("of", "capabilities") == kind:
            found += [{**row, "experiment": content["experiment"]} for row in content["predictions"]["rows"]]
    return found


def realised_by(judged: Judged, records: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> dict[str, dict[str, float]]:
    """{mixture: {seed: what a surrogate predicts of it}}, on what surrogates are fitted to and nothing is judged by.

    That is the mean loss on validation text, or the mean score on the selection half. records: {mixture: {seed: content
    of run.json, or of capabilities.json}}.
    """
    found = {}
    for name, scores in judged.scores.items():
        of_group = (lambda record: record["validation"]) if judged.measure.lower else selection_scores
        found[name] = {
            str(seed): sum(share * of_group(record)[group] for group, share in scores.shares(MEAN).items())
            for seed, record in records[name].items()
        }
    return found


def held_against(
    predictions: Sequence[Path],
    results: Path,
    experiment: str,
    runs: Mapping[str, Mapping[str, float]],
    first: Mapping[str, str],
    kind: str | None,
) -> dict[str, Any] | None:
    """Predictions beside what came of them, and the calibration over all experiments there are that predict the same.

    runs: of `realised_by`; none where the surrogate predicts something else, or runs of another size.
    kind: what is predicted, "losses" or "capabilities".
    """
    if not predictions:
        return None
    stated = opened(read_object(predictions[0]), str(predictions[0]))
    if not runs or kind is None:
        return None
    named = {first.get(name, name): each for name, each in stated["predictions"].items()}
    rows = [{**row, "experiment": experiment} for row in outcomes(named, {n: runs[n] for n in named if n in runs})]
    return {"of": kind, "rows": rows, **calibration([*rows, *outcomes_elsewhere(results, experiment, kind)], kind)}
