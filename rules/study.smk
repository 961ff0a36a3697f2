"""The study that the configuration asks for: checked before any job, then asked by every rule. What names may stand for."""

import gc
import os
import sys
import time
from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.io import strip_wildcard_constraints
from snakemake.logging import logger

# A sixth of the time to plan thousands of jobs went into looking for garbage among them, and there is hardly any.
gc.disable()

SCRIPTS = os.path.normpath(f"{HOUSE}/workflow/scripts")
sys.path.insert(0, os.path.abspath(SCRIPTS))

from emulsion import clock, cluster_jobs, drivers, failures, refusals, submission, unrecorded
from emulsion.errors import UserError
from emulsion.methods import registry
from emulsion.origin import own_python_first
from emulsion.study import (
    budget,
    catalogue,
    check,
    check_figures,
    experiment_paths as files,
    experiment_plan,
    finished_runs_entry,
    imports,
    job_memory,
    paths,
    targets,
)
from emulsion.study.experiment import Experiment
from emulsion.study.laws import Laws
from emulsion.study.study import Study

if {"{", "}"} & set(os.path.abspath(HOUSE)):
    raise WorkflowError(
        f"{os.path.abspath(HOUSE)}: has braces in its path, which Snakemake takes for wildcards. Move the workflow to a "
        "folder without them."
    )

if workflow.is_main_process:
    failures.tell(logger)
    failures.end_tries(logger, workflow)

# Of trainings. On a cluster each job runs Snakemake twice more, by the same rules: there nothing is tried again, for only
# the driver gives a try more memory and a whole time limit, and knows which errors would be the same.
RETRIES = 9 if workflow.is_main_process else 0

# By it jobs know that they are tried again, and end at once where they would only fail again.
os.environ.setdefault(refusals.CALL, f"{os.getpid()}-{time.time_ns()}")
unrecorded.keep_from_snakemake(logger, workflow)

*overlays, base = workflow.configfiles or [None]
config_files = [base, *overlays] if base else []
own_python_first()

try:
    check.keys(config_files)
    layers = [*map(load_configfile, config_files), dict(workflow.config_settings.config)]
    notes = check.check(config, Path(HOUSE, "workflow/schemas/config.schema.yaml"), layers=layers)
except UserError as error:
    raise WorkflowError(str(error)) from None
if workflow.is_main_process:
    begun = drivers.begin()
    for note in [*begun.notes, *notes]:
        logger.warning(note)
    if cluster_jobs.runs_jobs(sys.argv) and not workflow.output_settings.dryrun:
        if not any(drivers.LOCKS.glob("*.lock")):  # no other call is at work here, which waits for its jobs itself
            cluster_jobs.wait_for_earlier(begun.killed_since is not None)
            if begun.killed_since is not None and (kept := unrecorded.keep_models(begun.killed_since)):
                logger.warning(f"Finished with no Snakemake to record it: {', '.join(kept)}. The same run takes it.")
            begun.forget_killed()
            # After that, which goes by the times that were recorded.
            if note := clock.date_back(unrecorded.MADE, begun.at):
                logger.warning(note)
        submission.fix(config, Path(SCRIPTS))
else:
    try:
        submission.compare_configuration(config)
    except UserError as error:
        raise WorkflowError(str(error)) from None


shell.prefix(drivers.JOB_SHELL)


onstart:
    gc.freeze()  # the plan is kept to the end
    gc.enable()
    drivers.listen(SCRIPTS, workflow.local_exec)


study = Study(config)
planned = study.planned()
figures_need = check_figures.needs(config)


one_of = targets.one_of


def of_its_experiment(names):
    """A pattern of the names that these are of each experiment; those of another have no rule."""
    return targets.of_experiment(study, names)


def drawing(figure):
    """A pattern of the experiments that have something for a figure to draw."""
    return one_of(name for name in study if not figures_need[f"{name}_{figure}"])


wildcard_constraints:
    **targets.wildcard_patterns(study),
    shard=r"\d+",
    shards=r"\d+",


def nearest_files(asked):
    """The files that rules make, and the rules to ask for, whose names are nearest to one that nothing makes."""
    outputs = [strip_wildcard_constraints(str(output)) for rule in workflow.rules for output in rule.output]
    to_ask_for = {rule.name for rule in workflow.rules if not rule.has_wildcards()}
    return targets.nearest(
        asked,
        [*to_ask_for, *outputs],
        study,
        lambda name: name in to_ask_for or any(rule.is_producer(name) for rule in workflow.rules),
    )


if workflow.is_main_process:
    failures.suggest(logger, nearest_files, lambda asked: targets.lacking(asked, study))
