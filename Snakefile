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

from emulsion.study import catalogue, check, experiments, imports, limits, paths, sweeps
from emulsion.errors import UserError

try:
    check.check(config, Path(HOUSE, "workflow/schemas/config.schema.yaml"), files=workflow.configfiles)
except UserError as error:
    raise WorkflowError(str(error)) from None


include: "rules/common.smk"


wildcard_constraints:
    experiment=one_of(config["experiments"]),
    mix=one_of(in_any_experiment(experiments.trained) + in_any_experiment(sweeps.mixtures)),
    fixed=one_of(in_any_experiment(experiments.fixed) + in_any_experiment(sweeps.fixed)),
    point=one_of(in_any_experiment(sweeps.points)),
    sized=one_of(in_any_experiment(experiments.sized)),
    proxy=one_of(in_any_experiment(experiments.proxies)),
    run=one_of(in_any_experiment(experiments.runs) + in_any_experiment(sweeps.runs)),
    batch=one_of(in_any_experiment(sweeps.batches)),
    method=one_of(in_any_experiment(sweeps.methods)),
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
        collect("data/stats/{source}.json", source=sources_in_use()),
        collect("results/{experiment}/recommendations.md", experiment=experiments.comparing(config)),
        collect("results/{experiment}/budget.json", experiment=config["experiments"]),
        collect("results/{experiment}-metrics.json", experiment=limits.measured(config)),
        paths.all_laws(config),


rule laws:
    """All that is asked of mixing laws: fits, tables and figures of every sweep and study."""
    input:
        paths.all_laws(config),


include: "rules/sources.smk"
include: "rules/tokens.smk"
include: "rules/mixtures.smk"
include: "rules/train.smk"
include: "rules/evaluate.smk"
include: "rules/downstream.smk"
include: "rules/ablations.smk"
include: "rules/optimize.smk"
include: "rules/laws.smk"
include: "rules/figures.smk"
include: "rules/law_figures.smk"
include: "rules/conclusions.smk"
include: "rules/report.smk"
