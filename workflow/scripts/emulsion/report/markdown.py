"""The recommendations as Markdown, for people: the answer first, then the evidence, then how to use it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from emulsion.analysis.compare import listing
from emulsion.analysis.judged import CAPABILITIES, LOSSES, Measure
from emulsion.analysis.scores import MEAN
from emulsion.report.loss_tables import against_section, loss_section, source_section
from emulsion.report.markup import code, plain, section, table
from emulsion.report.promises import PREDICTED, prediction_rows

Found = Mapping[str, Any]


def markdown(found: Found) -> str:
    """`recommendations.md` from the content of `recommendations.json`."""
    sections = [
        f"# {plain(found['title'])}",
        f"**{found['answer']}**",
        found["note"],
        _recommended(found["recommended"], found["experiment"]),
        *_by_losses(found),
        _scores(found),
        _best(found["best_per_capability"], CAPABILITIES),
        _contributions(found["contributions"]),
        section("Trade-offs", found["trade_offs"] and found["trade_offs"]["text"]),
        section("Predicted and realised", found["optimum"] and found["optimum"]["text"]),
        _predictions(found.get("predictions")),
        _criteria(found["criteria"]),
        _advice(found["advice"]),
        _exports(found["exports"]),
    ]
    return "\n\n".join(each for each in sections if each) + "\n"


def _by_losses(found: Found) -> list[str]:
    """All that losses say; nothing where mixtures are not judged by them."""
    losses = found["losses"]
    if not losses:
        return []
    return [
        loss_section(losses, found.get("same", {})),
        against_section(losses, found["recommended"]["mixture"]),
        _best(losses["best_per_source"], LOSSES),
        source_section(losses),
    ]


def _recommended(recommended: Found, experiment: str) -> str:
    weights = [f"{100 * weight:.1f} % {source}" for source, weight in recommended["ratios"].items() if weight]
    shares = listing(weights, most=len(weights))
    text = f"`{recommended['mixture']}`: {shares} of the training tokens. For `config.yaml`:"
    if len(recommended["set"]) > 1:
        names = listing([f"`{name}`" for name in recommended["set"]])
        one = f"`{recommended['mixture']}`, {recommended['why']}"
        text = f"Any of {names}: they cannot be told apart. For instance {one}: {text.partition(': ')[2]}"
    block = code("yaml", recommended["config"])
    after = f"Add `recommended` to `experiments.{experiment}.strategies` to train it."
    return section("Recommended mixture", f"{text}\n\n{block}\n\n{after}")


def _scores(found: Found) -> str:
    if not found["scores"]:
        return ""
    ranked = sorted(found["scores"].items(), key=lambda pair: -pair[1][MEAN]["score"])
    columns = [name for name in ranked[0][1] if name != MEAN]
    label = found.get("same", {})
    rows = [
        [label.get(name, name), *(CAPABILITIES.text(cells[each]) for each in [MEAN, *columns])]
        for name, cells in ranked
    ]
    text = table(["mixture", MEAN, *columns], rows, right=len(columns) + 1)
    return section("Scores", f"{text}\n\nShare of items passed, ± half the width of the 95 % interval.")


def _advice(found: Found | None) -> str:
    if not found:
        return ""
    rows = [
        [
            each["budget"],
            f"`{each['method']}`",
            f"{each['cost']:.2f}",
            f"{1e3 * each['median']:.1f} [{1e3 * each['interval'][0]:.1f}, {1e3 * each['interval'][1]:.1f}]",
            "" if each["worse"] is None else f"{100 * each['worse']:.0f} %",
        ]
        for each in found["methods"]
    ]
    header = ["to decide", "method", "cost, in runs", "regret", "worse than even shares"]
    return section("Which method for the next study", f"{found['text']}\n\n{table(header, rows, right=3)}")


def _best(best: Found | None, measure: Measure) -> str:
    if not best:
        return ""
    lines = [f"- **{name}**: {_leader(each, measure)}" for name, each in best.items()]
    return section(f"Best per {measure.group}", "\n".join(lines))


def _leader(each: Found, measure: Measure) -> str:
    if each["winner"] or not each["comparisons"]:
        return f"{each['leader']} ({measure.text(each)})"
    return f"{each['text']}; {measure.best}: {each['leader']} ({measure.text(each)})"


def _contributions(found: Found | None) -> str:
    if not found:
        return ""
    lines = "\n".join(f"- {each['text']}" for each in found["sources"].values())
    head = f"The score of `{found['base']}` less the score of the same mixture without the source, on equal tokens."
    if found.get("of") == "losses":
        head = (
            f"What `{found['base']}` loses without each source, on equal tokens; more nats mean that the source helps."
        )
    return section("What each source contributes", f"{head}\n\n{lines}\n\n{found['note']}")


def _predictions(found: Found | None) -> str:
    """Each prediction beside its outcome, the mean over seeds, and the calibration."""
    if not found:
        return ""
    body = prediction_rows(found["rows"])
    header = ["mixture", "predicted", "mean outcome", "runs inside", "fitted to"]
    said = f"Each is a {PREDICTED[found['of']]}, which surrogates are fitted to."
    text = f"Made from nothing that the optimum's runs came to. {said} {found['text']}"
    return section("Predictions", "\n\n".join([table(header, body), text] if body else [text]))


def _criteria(rows: Sequence[Mapping[str, str]]) -> str:
    if not rows:
        return ""
    body = [[row["criterion"], f"**{row['verdict']}**", row["evidence"]] for row in rows]
    return section("Success criteria", table(["criterion", "verdict", "evidence"], body))


def _exports(exports: Mapping[str, Mapping[str, str]]) -> str:
    blocks = [f"### {target}\n\n{code(each['language'], each['text'])}" for target, each in exports.items()]
    return section("The mixture elsewhere", "\n\n".join(blocks))
