"""The first page of the workflow report: the question, the answer, the heatmap, the recommended mixture."""

from __future__ import annotations

import base64
from typing import Any


def answer_rst(found: dict[str, Any], heatmap: bytes) -> str:
    """reStructuredText from the content of `recommendations.json` and the heatmap's PNG, which it embeds.

    The report includes it in its first page.
    """
    # In lines, for docutils refuses long ones; browsers drop the line breaks of a data URI.
    image = "\n   ".join(base64.encodebytes(heatmap).decode().split())
    recommended = found["recommended"]
    shares = [f"   * - {source}\n     - {ratio:.1%}" for source, ratio in recommended["ratios"].items()]
    rows = [
        f"   * - {row['criterion']}\n     - {row['verdict']}\n     - {row['evidence']}" for row in found["criteria"]
    ]
    heading = f"{found['experiment']}: {found['title']}"
    return "\n".join(
        [
            heading,
            "=" * len(heading),
            "",
            f"**{found['answer']}**",
            "",
            found["note"],
            "",
            ".. raw:: html",
            "",
            f'   <img alt="Capability scores" style="width: 100%" src="data:image/png;base64,{image}">',
            "",
            f"Recommended: ``{recommended['mixture']}``",
            "",
            ".. list-table::",
            "   :header-rows: 1",
            "",
            "   * - source",
            "     - share of tokens",
            *shares,
            "",
            ".. list-table:: Success criteria",
            "   :header-rows: 1",
            "",
            "   * - criterion",
            "     - verdict",
            "     - evidence",
            *rows,
            "",
        ]
    )
