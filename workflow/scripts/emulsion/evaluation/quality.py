"""The quality of generated texts that can be counted: coherence, diversity, repetition.

Coherent means here: there are words; not mostly marks and no broken characters; and no more in duplicate lines,
paragraphs and 5- to 10-grams than Gopher's filter lets pass (Rae et al. 2021, table A1; its limits on the most frequent
2- to 4-gram are for longer texts and would refuse a line of code). So blanks, noise and loops are found, which is how
small models fail; whether a text makes sense or is true is not judged, whether it answers, by the checks of a suite.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from emulsion.data.cleaning.filters import gopher_repetition
from emulsion.data.cleaning.measures import TOP_NGRAMS, Measures, measure
from emulsion.data.cleaning.words import Words

BROKEN = "\N{REPLACEMENT CHARACTER}"
MOST_COMPARED = 100  # texts, evenly spread: self-BLEU compares each with every other one
DEFINITIONS = {
    "coherent": "share of texts that have words, are not mostly marks, hold no broken characters, and have no more in "
    "duplicate lines, paragraphs and 5- to 10-grams than Gopher's filter lets pass (Rae et al. 2021); sense, truth and "
    "relevance are not judged",
    "distinct": "different n-grams of words over all n-grams, of all texts together (Li et al. 2016); higher is more "
    "diverse",
    "repetition": "share of a text's 4-grams of words that it had before, mean over texts (Welleck et al. 2020); lower "
    "is better",
    "self_bleu": f"mean BLEU of a text against all others, 0 to 1, of {MOST_COMPARED} texts at most (Zhu et al. 2018, "
    "by sacrebleu); lower is more diverse",
    "passed": "share of texts that pass the checks of their item",
}


def quality(texts: Sequence[str]) -> dict[str, Any]:
    """Counts and shares over the generations of one model; what takes longer texts or more of them is None."""
    reasons = incoherent_because(texts)
    return {
        "texts": len(texts),
        "coherent": [reason is None for reason in reasons],
        "incoherent": dict(Counter(reason for reason in reasons if reason)),
        "distinct": {str(n): distinct(texts, n) for n in (1, 2, 3)},
        "repetition": repetition(texts),
        "self_bleu": self_bleu(texts),
    }


def incoherent_because(texts: Sequence[str]) -> list[str | None]:
    """Why each text is not coherent, or None."""
    measures = measure(Words(texts), ngrams=True)
    return [_reason(text, measured) for text, measured in zip(texts, measures, strict=True)]


def _reason(text: str, measures: Measures) -> str | None:
    if not measures.words:
        return "no words"
    if BROKEN in text:
        return "broken characters"
    if measures.words < measures.tokens / 3:
        return "mostly marks"
    return gopher_repetition(text, measures._replace(top=(0,) * len(TOP_NGRAMS)))


def distinct(texts: Sequence[str], n: int) -> float | None:
    """Different n-grams over all n-grams of the texts together; None where there are none."""
    found = [ngram for text in texts for ngram in _ngrams(text, n)]
    return len(set(found)) / len(found) if found else None


def repetition(texts: Sequence[str], n: int = 4) -> float | None:
    """The mean share of a text's n-grams that occurred in it before; None where all texts are shorter."""
    shares = [1 - len(set(ngrams)) / len(ngrams) for text in texts if (ngrams := _ngrams(text, n))]
    return float(np.mean(shares)) if shares else None


def self_bleu(texts: Sequence[str], most: int = MOST_COMPARED) -> float | None:
    """How alike the texts are, 0 to 1; None where fewer than two have words."""
    from sacrebleu.metrics.bleu import BLEU

    written = [text for text in texts if text.strip()]
    if len(written) < 2:
        return None
    count = min(most, len(written))
    compared = [written[place * len(written) // count] for place in range(count)]
    bleu = BLEU(effective_order=True)
    others = (compared[:place] + compared[place + 1 :] for place in range(count))
    return float(
        np.mean([bleu.sentence_score(text, rest).score / 100 for text, rest in zip(compared, others, strict=True)])
    )


def _ngrams(text: str, n: int) -> list[tuple[str, ...]]:
    words = re.findall(r"\w+|[^\w\s]", text.lower())
    return list(zip(*(words[start:] for start in range(n)), strict=False))
