"""What the results mean: scores over seeds, decisions, contributions, trade-offs, success criteria.

Scores and decisions are pure functions on the contents of `capabilities.json` and `perplexity.json`, keyed by mixture
and seed; `advice`, `calibration`, `criteria` and `published` also read files of their own. The unit of a score is a
share of items passed, that of a loss nats per token.
"""

from emulsion.analysis.decide import Decision, decide

__all__ = ["Decision", "decide"]
