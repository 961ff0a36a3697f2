"""The page that answers an experiment's question, for whoever asked it: one file that needs no other and no network.

Everything that comes from the configuration or the results is given to the template as text, and escaped there.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined

from emulsion import __version__
from emulsion.report import page_sections
from emulsion.report.interval_chart import mean_charts
from emulsion.report.page_sections import amount

Found = Mapping[str, Any]

# Epochs above which repeated text teaches less than new text would (Muennighoff et al. 2023).
_EPOCHS = 4
# What is in a file, by the end of its name.
_CONTENT = {
    "recommendations.md": "all conclusions as text",
    "recommendations.json": "all conclusions, for programs",
    "budget.json": "costs by stage, planned and spent",
    "contributions.json": "effect of leaving out each source",
    "predictions.json": "predictions, from nothing that the optimum's runs came to",
    "methods.md": "methods by loss and cost",
    "methods.csv": "methods by loss and cost, a row for each run",
    "-metrics.md": "limits and verdicts",
    "_mix.json": "the search for the optimum",
}


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What a decision rests on, besides `recommendations.json`.

    budget   content of `budget.json`
    run      `run.json` of the first run of the recommended mixture
    figures  {caption: PNG}
    files    {path from the study's folder: path from the page} of what the page links to
    caveats  what else a reader has to know, in sentences
    """

    budget: Found
    run: Found
    figures: Mapping[str, bytes] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    caveats: Sequence[str] = ()


def decision_page(template: str, found: Found, evidence: Evidence) -> str:
    """HTML from a Jinja2 template and the content of `recommendations.json`."""
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    sections = [
        page_sections.against(found),
        page_sections.costs(found, evidence.budget, evidence.run),
        page_sections.predictions(found),
        page_sections.section("Caveats", items=caveats(found, evidence)),
        page_sections.contributions(found),
        page_sections.criteria(found),
        page_sections.results(found),
    ]
    return environment.from_string(template).render(
        experiment=found["experiment"],
        title=found["title"],
        verdict=verdict(found),
        answer=found["answer"],
        charts=mean_charts(found),
        mixture=_mixture(found, evidence.run),
        figures=[
            {"caption": caption, "png": base64.b64encode(png).decode()} for caption, png in evidence.figures.items()
        ],
        sections=[each for each in sections if each],
        files=[
            {"path": path, "address": quote(address), "content": _content(path)}
            for path, address in evidence.files.items()
        ],
        version=__version__,
    )


def verdict(found: Found) -> str:
    """How sure the decision is, in a few words."""
    decision, tied = found["decision"], found["recommended"]["set"]
    if found["recommended"]["clear_winner"]:
        return f"A clear winner: {decision['winner']}"
    if len(tied) > 1:
        return f"No single winner: {len(tied)} mixtures cannot be told apart"
    return "No claim about mixtures" if found["overall"]["comparisons"] else "One mixture, nothing to compare it with"


def caveats(found: Found, evidence: Evidence) -> list[str]:
    """What limits the decision, in sentences."""
    run, unmeasured = evidence.run, evidence.budget["spent"]["total"]["unmeasured_jobs"]
    scale = (
        f"The runs have {amount(run['parameters'])} parameters and {amount(run['tokens'])} tokens each. Which mixture "
        "is best may change with the size of the model and the number of tokens."
    )
    repeated = [
        f"The recommended mixture reads {source} {epochs:.1f} times; text that is repeated more than {_EPOCHS} times "
        "teaches less than new text would."
        for source, epochs in run["epochs_per_source"].items()
        if round(epochs, 1) > _EPOCHS
    ]
    jobs = f"{unmeasured} job{'s' * (unmeasured != 1)}"
    lost = [f"The costs leave out {jobs}, whose measurements were deleted."] if unmeasured else []
    return [*([found["note"].strip()] if found["note"].strip() else []), scale, *repeated, *lost, *evidence.caveats]


def _mixture(found: Found, run: Found) -> dict[str, Any]:
    """Shares with bars, the block for a configuration, and the mixture for other projects."""
    recommended = found["recommended"]
    most = max(recommended["ratios"].values())
    staged = " The shares are those of the whole run; the block has its stages." if len(run["schedule"]) > 1 else ""
    epochs = ", ".join(f"{source} {each:.2g}" for source, each in run["epochs_per_source"].items())
    return {
        "name": recommended["mixture"],
        "shares": [
            # The widest bar leaves room for its number.
            {"source": source, "share": f"{100 * share:.1f} %", "width": round(80 * share / most, 2)}
            for source, share in recommended["ratios"].items()
        ],
        "note": f"Epochs of each source in {amount(run['tokens'])} tokens: {epochs}.{staged}",
        "config": recommended["config"].rstrip(),
        "exports": [{"target": target, "text": each["text"].rstrip()} for target, each in found["exports"].items()],
    }


def _content(path: str) -> str:
    name = PurePosixPath(path).name
    return next((text for end, text in _CONTENT.items() if name.endswith(end)), "")
