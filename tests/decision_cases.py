"""Conclusions of a made-up experiment in the form of `recommendations.json`, judged by capabilities or by losses."""

from __future__ import annotations

import base64
from typing import Any

from emulsion.report.decision_page import Evidence

# Texts of a configuration that would break a page which trusted them.
HOSTILE = (
    "<img src=x onerror=\"console.error('ran')\">",
    "</script><script>console.error('ran')</script>",
    "\"quoted\" & 'quoted'",
    ".. raw:: html\n\n   <b>raw</b>",
    "{{ 7 * 7 }} {% raw %}",
    "`link <javascript:alert(1)>`_ |substitution|",
)
MIXTURES = ("optimal", "even", "mostly_web")
SOURCES = ("web", "chats", "books")
# A PNG of one pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def conclusions(title: str = "Which mixture?", judged_by: str = "capabilities", note: str = "") -> dict[str, Any]:
    """Three mixtures of which two cannot be told apart."""
    decision = {"winner": None, "tied": ["optimal", "even"], "seeds": 3, "alpha": 0.05, "text": "no difference"}
    comparison = {"difference": 0.1, "interval": [0.0, 0.2], "p": 0.1, "p_holm": 0.2}
    found: dict[str, Any] = {
        "experiment": "exp9",
        "title": title,
        "judged_by": [judged_by],
        "answer": f"No clear winner between optimal and even. {note}",
        "note": note,
        "decision": decision,
        "overall": {**decision, "leader": "optimal", "comparisons": dict.fromkeys(MIXTURES[1:], comparison)},
        "same": {"even": "even = uniform"},
        "recommended": {
            "mixture": "optimal",
            "ratios": {"web": 0.7, "chats": 0.3, "books": 0.0},
            "clear_winner": False,
            "set": ["optimal", "even"],
            "config": f"# {note}\nstrategies: {{recommended: {{ratios: {{web: 7, chats: 3}}}}}}\n",
        },
        "contributions": {"base": "even", "note": "", "sources": {"web": {"text": f"web helps. {note}"}}},
        "optimum": {"text": "Predicted 0.71; trained for real 0.72."},
        "predictions": {
            "of": judged_by,
            "text": "All inside.",
            "rows": [
                {"mixture": "optimal", "predicted": 0.7, "interval": [0.6, 0.8], "realised": value, "inside": True}
                | {"fitted": False, "seed": seed}
                for seed, value in (("0", 0.72), ("1", 0.74))
            ],
        },
        "criteria": [{"criterion": "Clear winner", "verdict": "not met", "evidence": f"p = 0.4 {note}"}],
        "scores": None,
        "losses": None,
        "exports": {"TRL": {"language": "yaml", "text": f"weights: [0.7, 0.3]  # {note}"}},
    }
    if judged_by == "capabilities":
        found["scores"] = {
            name: {
                group: {"score": 0.7 - 0.1 * at, "interval": [0.6 - 0.1 * at, 0.8 - 0.1 * at]}
                for group in ("reasoning", "style", "mean")
            }
            for at, name in enumerate([*MIXTURES, "only_web"])
        }
    else:
        cell = {"perplexity": 20.1, "perplexity_interval": [19.0, 21.0], "bits_per_byte": 1.1}
        found["losses"] = {
            "sources": list(SOURCES),
            "mixtures": {
                name: {
                    "mean": {"loss": 3 + 0.1 * at, "interval": [2.9 + 0.1 * at, 3.1 + 0.1 * at], **cell},
                    "sources": {source: {"loss": 3.0, "interval": [2.9, 3.1], **cell} for source in SOURCES},
                }
                for at, name in enumerate([*MIXTURES, "only_web"])
            },
            "against": [
                {"baseline": "equal shares", "reference": "even", "verdict": "lower", "difference": -0.1}
                | {"interval": [-0.2, -0.05], "perplexity": -0.09, "perplexity_interval": [-0.18, -0.04]}
            ],
        }
    return found


def evidence(*caveats: str) -> Evidence:
    """Nine runs of 137,984 parameters, a figure, two files."""
    spent = {"runs": 9, "tokens": 8_100_000, "training_hours": 1.5, "evaluation_hours": 0.1, "unmeasured_jobs": 0}
    return Evidence(
        budget={
            "planned": {"device": "cpu-core", "costs": {"total": {"hours": 1.2}}},
            "spent": {"strategies": spent, "total": spent},
        },
        run={
            "parameters": 137_984,
            "tokens": 900_000,
            "epochs_per_source": {"web": 5.25, "chats": 0.5, "books": 0.0},
            "schedule": [{"until": 1.0, "weights": {"web": 0.7, "chats": 0.3}}],
        },
        figures={"Scores by capability.": PNG},
        files={
            "results/exp9/recommendations.md": "recommendations.md",
            "figures/exp9_a#b.png": "../../figures/exp9_a#b.png",
        },
        caveats=caveats,
    )
