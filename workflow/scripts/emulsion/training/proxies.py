"""What the optimiser sees of a small training, and the trainings that a direct search makes itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emulsion.files import fingerprint, read_json, write_json
from emulsion.mixture import Mixture, constant_mixture
from emulsion.training.options import TrainingOptions


def result(run: str, capabilities: Mapping[str, Any], perplexity: Mapping[str, Any]) -> dict[str, Any]:
    """{"run", "capabilities": {name: score}, "losses": {source: nats per token}}, of the contents of a run's files.

    What mixtures are chosen by: the suites' selection half, if there is one, and validation text. Never test text.
    """
    selection = capabilities["selection"]
    return {
        "run": run,
        "capabilities": {name: each["score"] for name, each in (selection or {}).get("capabilities", {}).items()},
        "losses": {source: each["loss"] for source, each in perplexity["validation"].items()},
    }


@dataclass(frozen=True, kw_only=True)
class Proxies:
    """Small trainings, each kept by its mixture under `cache`."""

    experiment: str
    training: TrainingOptions
    suites: Sequence[Path]
    evaluation: Mapping[str, Any]
    cache: Path

    def result(self, mixture: Mixture) -> dict[str, Any]:
        """The result of one proxy; read from the cache where it was trained before."""
        folder = self.cache / fingerprint([self.training.spec, self.evaluation, dict(mixture)])
        if not (folder / "result.json").exists():
            write_json(folder / "result.json", self._train(mixture, folder))
        return dict(read_json(folder / "result.json"))

    def _train(self, mixture: Mixture, folder: Path) -> dict[str, Any]:
        from emulsion.evaluation.model import evaluate_model
        from emulsion.evaluation.settings import EvaluationSettings
        from emulsion.evaluation.suites import load_suites
        from emulsion.training.run import train_run
        from emulsion.training.runtime import Runtime

        training = self.training
        write_json(folder / "mixture.json", constant_mixture(self.experiment, folder.name, "direct", mixture))
        train_run(
            mixture_file=folder / "mixture.json",
            store_folders=training.stores,
            tokenizer=training.tokenizer,
            spec_values=training.spec,
            output=folder / "model",
            checkpoints=folder / "checkpoints",
            runtime=Runtime(micro_batch=training.micro_batch),
            weights=training.start,
        )
        settings, suites = EvaluationSettings.of(self.evaluation), load_suites(self.suites)
        losses, results, _ = evaluate_model(folder / "model", training.stores, suites, settings)
        return result(folder.name, results, losses)
