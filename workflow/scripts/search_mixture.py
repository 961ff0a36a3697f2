"""Search for the best mixture with a small training at every evaluation.

Every training is kept in the journal under --checkpoints, so that a search that was cut off resumes.
"""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emulsion import command
from emulsion.command import Json
from emulsion.errors import UserError
from emulsion.files import write_json
from emulsion.methods.interface import SearchingMethod
from emulsion.methods.objective import Objective
from emulsion.mixture import Mixture
from emulsion.training.costs import Needed
from emulsion.training.evidence import read_evidence
from emulsion.training.job import Job
from emulsion.training.method_options import MethodOptions
from emulsion.training.options import JobOptions, TrainingOptions


def main(
    *,
    training: TrainingOptions,
    saving: JobOptions,
    decided: MethodOptions,
    suites: Sequence[Path] = (),
    evaluation: Json,
    evaluation_batch: int = 64,
    tokens: int,
    output: Path,
    mixture: Path,
) -> None:
    """
    :param suites: capability suites, for an objective that has capabilities
    :param evaluation: evaluation settings that scores depend on, as JSON
    :param evaluation_batch: sequences that are asked at once
    :param tokens: budget of the run it is for
    :param output: record of the search
    :param mixture: mixture file
    """
    job = Job(saving.minutes)

    from emulsion.training.judge import Judge
    from emulsion.training.runtime import Runtime, make_deterministic
    from emulsion.training.swarm import train_swarm

    make_deterministic(training.threads)
    made = decided.create()
    if not isinstance(made, SearchingMethod):
        raise UserError(f"{decided.name}: {decided.method['kind']} does not train while it searches.")
    judge = None
    if suites:
        judge = Judge(suites=suites, settings=evaluation, tokenizer=training.tokenizer, batch=evaluation_batch)
    trunk = {"run": "tried", "mixture": "tried", "seed": training.spec["seed"], "finish": True, "branches": []}
    spent: dict[str, Any] = {"runs": 0, "tokens": 0, "evaluation_tokens": 0, "seconds": 0.0}

    def score(tried: Mixture) -> float:
        batch = train_swarm(
            mixtures={"tried": tried},
            stores=training.stores,
            tokenizer=training.tokenizer,
            spec=training.spec,
            trunks=[trunk],
            branches={},
            checkpoints=saving.checkpoints,
            runtime=Runtime(micro_batch=training.micro_batch, checkpoint_seconds=saving.checkpoint_seconds, job=job),
            judge=judge,
            weights=training.start,
        )
        (found,) = batch["runs"]
        spent["runs"] += 1
        spent["evaluation_tokens"] += batch["evaluation_tokens"]
        spent["tokens"] += found["tokens"]
        spent["seconds"] += found["seconds"]
        result = {"run": str(spent["runs"]), "capabilities": found["capabilities"], "losses": found["validation"]}
        value = Objective.of(decided.method.get("objective", "mean_capability"), [result]).score(result)
        logging.info("%s: %.4f", tried, value)
        return value

    stages = made.search(score, read_evidence(training.stores, tokens, saving.max_epochs, strict=saving.strict))
    needed = Needed(
        what=f"search of {decided.experiment}-{decided.name}",
        runs=spent["runs"],
        tokens=spent["tokens"],
        evaluation_tokens=spent["evaluation_tokens"],
    )
    write_json(mixture, decided.mixture_file(stages, [needed]))
    write_json(output, {**(made.record or {}), "cost": spent})


if __name__ == "__main__":
    command.run(main)
