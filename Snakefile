"""Emulsion: find the data mixture a language model should be trained on."""

import os
import sys
from pathlib import Path

from snakemake.exceptions import WorkflowError
from snakemake.utils import min_version

min_version("9.25")


# The working directory's own configuration, else the one beside this file: one installation serves many studies.
HOUSE = os.path.relpath(str(workflow.current_basedir))
SCRIPTS = os.path.normpath(f"{HOUSE}/workflow/scripts")


configfile: "config.yaml" if os.path.exists("config.yaml") else f"{HOUSE}/config.yaml"


report: "report/workflow.rst"


sys.path.insert(0, os.path.abspath(SCRIPTS))

from emulsion.errors import UserError
from emulsion.study import catalogue, check, experiment_paths as files, imports, paths
from emulsion.study.experiment import Experiment
from emulsion.study.study import Study

try:
    check.check(config, Path(HOUSE, "workflow/schemas/config.schema.yaml"), files=workflow.configfiles)
except UserError as error:
    raise WorkflowError(str(error)) from None

study = Study(config)


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
    """Every figure of the configuration, the sources described, and the conclusions."""
    default_target: True
    input:
        collect("figures/{figure}.png", figure=config["figures"]),
        collect("data/stats/{source}.json", source=study.sources()),
        collect("results/{experiment}/recommendations.md", experiment=study.comparing()),
        collect("results/{experiment}/methods.md", experiment=study.where(Experiment.methods)),
        collect("results/{experiment}/budget.json", experiment=study),
        collect("results/{experiment}-metrics.json", experiment=study.with_setting("metrics")),
        files.all_laws(study),


rule laws:
    """All that is asked of mixing laws: fits, tables and figures of every sweep and study."""
    input:
        files.all_laws(study),


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
