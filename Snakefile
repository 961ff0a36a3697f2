"""Emulsion: find the data mixture a language model should be trained on."""

import os
import sys
import time
from pathlib import Path

from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import min_version

min_version("9.25")


# The working directory's own configuration, else the one beside this file: one installation serves many studies.
HOUSE = os.path.relpath(str(workflow.current_basedir))
SCRIPTS = os.path.normpath(f"{HOUSE}/workflow/scripts")


configfile: "config.yaml" if os.path.exists("config.yaml") else f"{HOUSE}/config.yaml"


report: "report/workflow.rst"


sys.path.insert(0, os.path.abspath(SCRIPTS))

from emulsion import refusals
from emulsion.errors import UserError
from emulsion.origin import own_python_first
from emulsion.study import catalogue, check, experiment_paths as files, imports, paths
from emulsion.study.experiment import Experiment
from emulsion.study.study import Study

# By it jobs know that they are tried again, and end at once where they would only fail again.
os.environ.setdefault(refusals.CALL, f"{os.getpid()}-{time.time_ns()}")

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
    for note in notes:
        logger.warning(note)

study = Study(config)
planned = study.planned()


include: "rules/common.smk"


wildcard_constraints:
    experiment=one_of(study),
    mix=one_of(study.each(lambda experiment: experiment.entries)),
    run=one_of(study.each(Experiment.all_runs)),
    swarm=one_of(config["swarms"]),
    batch=r"\d+",
    matrix=one_of(study.each(Experiment.matrices)),
    study=one_of(config["law_studies"]),
    replay=one_of(config["replays"]),
    model=one_of(config["models"]),
    source=one_of(config["sources"]),
    tokenizer=one_of(config["tokenizers"]),
    suite=one_of(config["suites"]),
    shard=r"\d+",
    shards=r"\d+",


rule all:
    """Every figure, the sources described, and the conclusions, of the experiments that the configuration is about."""
    default_target: True
    input:
        collect("figures/{figure}.png", figure=planned.figures()),
        collect("data/stats/{source}.json", source=planned.sources()),
        collect("results/{experiment}/recommendations.md", experiment=planned.comparing()),
        collect("results/{experiment}/methods.md", experiment=planned.where(Experiment.methods)),
        collect("results/{experiment}/budget.json", experiment=planned),
        collect("results/{experiment}-metrics.json", experiment=planned.with_setting("metrics")),
        files.all_laws(planned),


rule laws:
    """All that is asked of mixing laws: fits, tables and figures of every sweep and study, and replays."""
    input:
        files.all_laws(planned),


include: "rules/sources.smk"
include: "rules/tokens.smk"
include: "rules/mixtures.smk"
include: "rules/train.smk"
include: "rules/evaluate.smk"
include: "rules/downstream.smk"
include: "rules/ablations.smk"
include: "rules/laws.smk"
include: "rules/figures.smk"
include: "rules/law_figures.smk"
include: "rules/conclusions.smk"
include: "rules/report.smk"
