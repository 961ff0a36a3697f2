"""A study judged by losses, as finished runs would have left it: files with the losses of a planted law, in no time.

A source's loss falls by the log-linear law with what is trained on, on test text that is the same for all runs. Seeds
move all mixtures alike, and each a little by itself.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from emulsion.analysis.calibration import sealed
from emulsion.files import write_json
from emulsion.methods import create
from emulsion.methods.interface import Evidence
from emulsion.mixture import Mixture

EXPERIMENT = "mix"
SEEDS = (0, 1, 2)
SWARM = 12


class LossStudy:
    """sources: {name: level of its loss}; twins: {name: the source whose text it repeats}; noise: of a run, in nats."""

    def __init__(
        self,
        folder: Path,
        sources: Mapping[str, float],
        twins: Mapping[str, str] | None = None,
        noise: float = 0.004,
        sequences: int = 60,
    ) -> None:
        self.folder, self.levels, self.twins, self.noise = folder, dict(sources), dict(twins or {}), noise
        self.sources, self.count = list(sources), sequences
        self.sizes = {source: 100_000 * (1 + place) for place, source in enumerate(self.sources)}

    def loss(self, source: str, weights: Mapping[str, float]) -> float:
        """The true loss on a source of a mixture; a twin teaches what the source that it repeats teaches."""
        own = self.twins.get(source, source)
        alike = sum(weight for name, weight in weights.items() if self.twins.get(name, name) == own)
        return self.levels[own] + 1.2 * math.exp(-3.0 * alike - 0.6 * (1 - alike))

    def run(self, name: str, weights: Mapping[str, float], seed: int) -> tuple[dict[str, float], dict[str, Any]]:
        """(validation losses, content of perplexity.json) of a run."""
        shared = np.random.default_rng(seed).normal(0, 2 * self.noise)
        luck = np.random.default_rng(zlib.crc32(f"{sorted(weights.items())} {seed}".encode()))
        validation, test = {}, {}
        for source in self.sources:
            text = np.random.default_rng(zlib.crc32(self.twins.get(source, source).encode()))
            level = self.loss(source, weights) + shared + luck.normal(0, self.noise)
            validation[source] = level + text.normal(0, 0.02)
            values = level + text.normal(0, 0.3, self.count) + luck.normal(0, 0.02, self.count)
            test[source] = {
                "loss": float(values.mean()),
                "bits_per_byte": float(values.mean()) / math.log(2) / 2.5,
                "sequence_losses": [round(float(value), 6) for value in values],
            }
        return validation, {"split": "test", "context": 80, "sources": test, "validation": {}}

    def evidence(self) -> Evidence:
        """The runs of a swarm spread over the simplex."""
        random = np.random.default_rng(5)
        rows = random.dirichlet(np.ones(len(self.sources)), SWARM) * 0.9 + 0.1 / len(self.sources)
        mixtures = {f"small_{n}": Mixture(dict(zip(self.sources, row, strict=True))) for n, row in enumerate(rows)}
        losses = {name: self.run(name, mixture, 0)[0] for name, mixture in mixtures.items()}
        return Evidence(sizes=self.sizes, tokens=10_000, max_epochs=4, mixtures=mixtures, losses=losses)

    def finish(
        self, strategies: Mapping[str, Mapping[str, float]], seeds: Sequence[int] = SEEDS, singles: bool = True
    ) -> dict[str, Any]:
        """Write everything, the optimum of the swarm among it; the options of `recommend.main` but for its outputs."""
        evidence = self.evidence()
        optimum = create("optimum", self.sources, objective="mean_loss", bounds=[0.02, 0.95], surrogate="log_linear")
        mixtures = {**strategies, "optimal": dict(optimum.propose(evidence)[0][1])}
        write_json(self._path("results/optimal_mix.json"), optimum.record)
        told = optimum.predict(evidence, mixtures)
        names = {"experiment": EXPERIMENT, "optimum": "optimal", "surrogate": "log_linear", "objective": {}}
        write_json(self._path("results/predictions.json"), sealed({**names, "predictions": told}))
        alone = {f"only_{source}": {source: 1.0} for source in self.sources} if singles else {}
        runs = [(name, each, seed) for name, each in {**mixtures, **alone}.items() for seed in seeds]
        for source in self.sources:
            train = {"tokens": self.sizes[source], "documents": 100}
            write_json(self._path(f"data/{source}.json"), {"source": source, "splits": {"train": train}})
        records, perplexity = zip(*(self._write(*run) for run in runs), strict=True)
        groups = {
            "candidates": list(mixtures),
            "singles": list(alone),
            "alone": {source: f"only_{source}" for source in self.sources} if singles else {},
            "strategies": list(strategies),
            "models": {},
            "optimum": "optimal",
            "predicted": "losses",
            "judged_by": ["losses"],
            "loss_weights": None,
        }
        return {
            "experiment": EXPERIMENT,
            "title": "Which mixture?",
            "groups": groups,
            "runs": [record.parent.name for record in records],
            "mixtures": [name for name, _, _ in runs],
            "seeds": [seed for _, _, seed in runs],
            "records": list(records),
            "perplexity": list(perplexity),
            "stores": [self._path(f"data/{source}.json") for source in self.sources],
            "optimum": [self._path("results/optimal_mix.json")],
            "predictions": [self._path("results/predictions.json")],
            "results": self._path("results"),
        }

    def _write(self, name: str, weights: Mapping[str, float], seed: int) -> tuple[Path, Path]:
        validation, perplexity = self.run(name, weights, seed)
        run = name if seed == 0 else f"{name}-seed{seed}"
        shares = {source: float(weights.get(source, 0.0)) for source in self.sources}
        record = {
            "experiment": EXPERIMENT,
            "identity": f"{json.dumps(shares)} {seed}",
            "mixing_ratios": shares,
            "schedule": [{"until": 1.0, "weights": shares}],
            "tokens": 10_000,
            "seconds": 1.0,
            "validation": validation,
            "code": {"library": "0"},
        }
        paths = self._path(f"models/{run}/run.json"), self._path(f"results/{run}/perplexity.json")
        write_json(paths[0], record)
        write_json(paths[1], perplexity)
        (paths[0].parent / "model.safetensors").write_bytes(run.encode())
        return paths

    def _path(self, path: str) -> Path:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        return file
