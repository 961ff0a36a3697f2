"""What measures the capabilities of a model that was trained only to be judged."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from emulsion.data.tokenizers import copy_tokenizer
from emulsion.evaluation.halves import selection_scores
from emulsion.files import fingerprint, naming, sha256


@dataclass(frozen=True, kw_only=True)
class Judge:
    """What models are asked, and how.

    suites: their files; settings: of an experiment's `evaluation` those that scores depend on; tokenizer: the folder of
    the models' tokenizer; batch: sequences that are asked at once, which changes memory and speed alone
    """

    suites: Sequence[Path]
    settings: Mapping[str, Any]
    tokenizer: Path
    batch: int = 64

    @cached_property
    def identity(self) -> str:
        """What decides the scores besides the model."""
        return fingerprint({"suites": [sha256(suite) for suite in self.suites], "settings": self.settings})

    def check(self, context: int) -> None:
        """Raise UserError where models of this context in tokens cannot be asked an item, before any is trained."""
        from emulsion.evaluation.capabilities import encode_choices
        from emulsion.evaluation.model import TextTokenizer
        from emulsion.evaluation.settings import EvaluationSettings
        from emulsion.evaluation.suites import load_suites

        settings = EvaluationSettings.of({**self.settings, "batch": self.batch})
        encode_choices(TextTokenizer.load(self.tokenizer), load_suites(self.suites), settings, context)

    def scores(self, model: Any) -> dict[str, float]:
        """{capability: score} on the selection half, as `capabilities.json` of this model would have them."""
        from emulsion.evaluation.capabilities import evaluate_suites
        from emulsion.evaluation.model import load_model
        from emulsion.evaluation.settings import EvaluationSettings
        from emulsion.evaluation.suites import load_suites

        # By way of the files that a run leaves, so that the scores are those of `evaluate`, whatever the precision.
        with tempfile.TemporaryDirectory() as folder:
            with naming(Path(folder)):
                model.save_pretrained(folder)
                copy_tokenizer(self.tokenizer, Path(folder))
            loaded, tokenizer = load_model(Path(folder))
            settings = EvaluationSettings.of({**self.settings, "batch": self.batch})
            results, _ = evaluate_suites(loaded, tokenizer, load_suites(self.suites), settings)
        return selection_scores(results)
