"""The quality of generated texts that can be counted: coherence, diversity, repetition.

Coherent means here: enough words for a phrase, not mostly marks, no broken characters; no more in duplicate lines,
paragraphs and 5- to 10-grams than Gopher's filter lets pass (Rae et al. 2021, table A1; its limits on the most frequent
2- to 4-gram are for longer texts and would refuse a line of code), and no loop of pairs of words; and English by the
closed classes of `grammar`: articles, prepositions and the like in the share and in the order that sentences have. So
fragments, noise, loops and word salad are found, which is how small models fail. Whether a text is true, or answers, is
judged by the checks of a suite.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from emulsion.data.cleaning.filters import gopher_repetition
from emulsion.data.cleaning.measures import TOP_NGRAMS, Measures, measure
from emulsion.data.cleaning.words import Words
from emulsion.evaluation.grammar import CLOSED, sentences, slips

BROKEN = "\N{REPLACEMENT CHARACTER}"
LEAST_WORDS = 3
LOOPING = 0.6  # different pairs of words over all pairs, in texts of LOOP_WORDS or more
LOOP_WORDS = 8
CLOSED_SHARE = 0.15  # of the words of prose; 99 of 100 plain paragraphs have 0.18 or more
PROSE_WORDS = 5
SLIPS = 0.04  # per word; a single one in a text of 25 words or more is forgiven
OPEN_RUN = 8  # words in a row, without a mark, none of them of a closed class
MOST_COMPARED = 100  # texts, evenly spread: self-BLEU compares each with every other one
_WORDS = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_ENDED = re.compile(r"[.!?:;\"'”’)]\s*$")
_CODE = re.compile(
    r"(?m)^\s*(?:def|class|import|from|return|print|for|while|if|else|elif|var|function)\b.*[(:=]|[{};]\s*$"
)
DEFINITIONS = {
    "coherent": "share of texts that are no fragment (three words or more), are not mostly marks, hold no broken "
    "characters, do not loop (Gopher's limits on duplicate lines, paragraphs and 5- to 10-grams, Rae et al. 2021; six "
    "of ten pairs of words differ) and have closed-class words in the share and order of English sentences; truth and "
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
    words = _WORDS.findall(text.casefold())
    if len(words) < LEAST_WORDS:
        return "a fragment"
    pairs = list(pairwise(words))
    if len(words) >= LOOP_WORDS and len(set(pairs)) < LOOPING * len(pairs):
        return "a loop"
    return gopher_repetition(text, measures._replace(top=(0,) * len(TOP_NGRAMS))) or _not_prose(text)


def _not_prose(text: str) -> str | None:
    """Why a text is no English, or None; code is left alone, and a list has no sentences to judge the share in."""
    if _CODE.search(text):
        return None
    parts = sentences(text)
    if not parts:
        return "no sentences"
    ended = [*[True] * (len(parts) - 1), bool(_ENDED.search(text))]
    words = [word for sentence in parts for word in sentence if word[0].isalpha()]
    prose = [word for sentence in parts for word in sentence if word[0].isalpha() and _is_prose(sentence)]
    if len(prose) >= PROSE_WORDS and sum(word in CLOSED for word in prose) < CLOSED_SHARE * len(prose):
        return "no sentences"
    found = sum(len(list(slips(sentence, end))) for sentence, end in zip(parts, ended, strict=True))
    if found > SLIPS * len(words) or (found and len(words) < 1 / SLIPS):
        return "word salad"
    if any(len(run) >= OPEN_RUN for sentence in parts for run in _open_runs(sentence)):
        return "word salad"
    return None


def _is_prose(sentence: list[str]) -> bool:
    """Not an item of a list: at least five words for each comma."""
    return len(sentence) >= 5 * (1 + sentence.count(","))


def _open_runs(sentence: list[str]) -> list[list[str]]:
    """Runs of words that are of no closed class, without marks between them."""
    runs: list[list[str]] = [[]]
    for part in sentence:
        if part[0].isalpha() and part not in CLOSED:
            runs[-1].append(part)
        else:
            runs.append([])
    return runs


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
