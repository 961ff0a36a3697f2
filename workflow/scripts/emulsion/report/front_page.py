"""An experiment on the first page of the workflow report: the question, the decision, a link to its own page."""

from __future__ import annotations

from html import escape
from typing import Any


def front_page_rst(found: dict[str, Any]) -> str:
    """reStructuredText from the content of `recommendations.json`, which `report/workflow.rst` includes.

    It is one line of raw HTML, so that no text of the configuration is read as a directive. The link opens the
    experiment's `decision.html`, which the report embeds.
    """
    page = f"results/{found['experiment']}/decision.html"
    shown = f"{{content: 'html', contentPath: results['{page}'].data_uri, resultPath: '{page}'}}"
    parts = [
        f"<h1>{_text(found['title'])}</h1>",
        f"<p><strong>{_text(found['answer'])}</strong></p>",
        f'<p><a href="#" onclick="app.setView({escape(shown)}); return false">'
        f"Figure, shares, evidence and caveats of {_text(found['experiment'])}</a></p>",
    ]
    return f".. raw:: html\n\n   {''.join(parts)}\n"


def _text(text: str) -> str:
    """Text as HTML, in one line."""
    return escape(" ".join(text.split()))
