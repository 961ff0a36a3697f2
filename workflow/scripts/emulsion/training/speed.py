"""How fast this machine trains: the workflow's own loop on random tokens for some seconds, as an entry of `devices`."""

from __future__ import annotations

import logging
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from emulsion.models import FORWARD, flops_per_token

# Steps that are not timed: the first ones allocate memory and warm caches.
_WARM_UP = 5
_DOCUMENT_TOKENS = 500
# Of a core, below which a training shares it with other programs.
_BUSY = 0.8


@dataclass(frozen=True, kw_only=True)
class Speed:
    """tokens_per_second of one training, seconds_to_start its process, and how many trained at once on what.

    share: of its time that a training computed; less where other programs kept the machine busy. The start is what it
    computed, stretched by that share: its own few seconds say little of how busy the machine is.
    """

    tokens_per_second: float
    seconds_to_start: float
    share: float
    at_once: int
    on: str

    def text(self) -> str:
        """In words, as it was measured."""
        busy = "" if self.share > _BUSY else f" of which other programs left {100 * self.share:.0f} %"
        return (
            f"{self.at_once} trainings at once, on {self.on} each{busy}, {self.tokens_per_second:,.0f} tokens a second "
            f"each, {self.seconds_to_start:.0f} s to start one"
        )

    def device(self, model: Mapping[str, Any], vocab_size: int, evaluated_tokens: int) -> dict[str, float]:
        """The entry of `devices`: one of the trainings that ran at once.

        evaluated_tokens: what one evaluation reads.
        """
        seconds = self.seconds_to_start + evaluated_tokens * FORWARD / self.tokens_per_second
        return {
            "teraflops": round(self.tokens_per_second * flops_per_token(model, vocab_size) / 1e12, 6),
            "utilisation": 1.0,
            "seconds_per_run": round(self.seconds_to_start, 1),
            "seconds_per_evaluation": round(seconds, 1),
        }


def measure(
    model: Mapping[str, Any], training: Mapping[str, Any], vocab_size: int, at_once: int, seconds: float
) -> Speed:
    """Train the model with these settings in several processes at once, on one thread each; the mean over them.

    model, training: entries of the configuration. seconds: that each trains, after its start.
    """
    # Not forked: a start that is measured must import what a job imports.
    with ProcessPoolExecutor(at_once, mp_context=multiprocessing.get_context("spawn")) as pool:
        asked = [pool.submit(_train, model, training, vocab_size, seconds) for _ in range(at_once)]
        found = [each.result() for each in asked]
    return Speed(
        tokens_per_second=float(np.mean([each["tokens_per_second"] for each in found])),
        seconds_to_start=float(np.mean([each["seconds_to_start"] for each in found])),
        share=float(np.mean([each["share"] for each in found])),
        at_once=at_once,
        on=found[0]["on"],
    )


def _train(model: Mapping[str, Any], training: Mapping[str, Any], vocab_size: int, seconds: float) -> dict[str, Any]:
    import torch

    from emulsion.data.batches import train_sizes
    from emulsion.data.tokens import FORMAT, StoreWriter, TokenStore
    from emulsion.files import write_json
    from emulsion.mixture import Mixture
    from emulsion.models import build_model
    from emulsion.plan import SequencePlan
    from emulsion.spec import RunSpec
    from emulsion.training.loop import Training
    from emulsion.training.runtime import Runtime, make_deterministic

    logging.disable(logging.INFO)
    make_deterministic(1)
    micro_batch = training["micro_batch"]
    settings = {key: value for key, value in training.items() if key != "micro_batch"}
    # More steps than any time allows: it is stopped by the clock.
    spec = RunSpec.from_json({**settings, "model": model, "tokens": 10**12, "seed": 0, "recipe": 1, "validations": 1})
    times: list[float] = []
    computed: list[float] = []

    def until_time_is_up(_: Any) -> bool:
        times.append(time.time())
        computed.append(time.process_time())
        return len(times) <= _WARM_UP + 1 or times[-1] - times[_WARM_UP] < seconds

    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "random")
        target.mkdir()
        writer = StoreWriter(target, _encoder(vocab_size), vocab_size=vocab_size, end_of_text=0, held_out=0.1)
        body = writer.write(_documents(max(200, 4 * spec.batch_sequences * spec.context // _DOCUMENT_TOKENS)))
        origin = {"source": "random", "tokenizer": "none", "provenance": {}}
        header = {"format": FORMAT, **origin, "vocab_size": vocab_size, **body}
        write_json(target / "header.json", header)
        stores = {"random": TokenStore.open(target)}
        plan = SequencePlan(train_sizes(stores, spec.context), Mixture({"random": 1}), 0)
        runtime = Runtime(
            micro_batch=micro_batch, checkpoint_seconds=1e9, compiled=False, quiet=True, after_step=until_time_is_up
        )
        run = Training(spec, plan, stores, lambda: build_model(model, vocab_size, 0), Path(folder), "", runtime)
        run.run(save=False)
    steps = len(times) - 1 - _WARM_UP
    on_gpu = torch.cuda.is_available()
    # On a GPU the process waits for it, whatever else the machine does.
    share = 1.0 if on_gpu else min(1.0, (computed[-1] - computed[_WARM_UP]) / (times[-1] - times[_WARM_UP]))
    return {
        "tokens_per_second": steps * spec.batch_sequences * spec.context / (times[-1] - times[_WARM_UP]),
        "seconds_to_start": computed[0] / share,
        "share": share,
        "on": torch.cuda.get_device_name() if on_gpu else "one core",
    }


def _documents(count: int) -> Iterator[tuple[list[str], list[str]]]:
    names = [str(number) for number in range(count)]
    yield names, names


def _encoder(vocab_size: int) -> Any:
    def encode(texts: list[str]) -> tuple[Any, Any]:
        tokens = np.random.default_rng(0).integers(1, vocab_size, _DOCUMENT_TOKENS * len(texts), dtype=np.uint32)
        return tokens, np.full(len(texts), _DOCUMENT_TOKENS)

    return encode
