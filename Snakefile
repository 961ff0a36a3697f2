"""Emulsion: find the data mixture a language model should be trained on."""

import os

from snakemake.utils import min_version

min_version("9.25")


# The working directory's own configuration, else the one beside this file: one installation serves many studies.
HOUSE = os.path.relpath(str(workflow.current_basedir))


configfile: "config.yaml" if os.path.exists("config.yaml") else f"{HOUSE}/config.yaml"


report: "report/workflow.rst"


include: "rules/study.smk"
include: "rules/common.smk"


rule all:
    """Every figure, the sources described, and the conclusions, of the experiments that the configuration is about."""
    default_target: True
    input:
        collect("figures/{figure}.png", figure=planned.figures()),
        collect("data/stats/{source}.json", source=planned.sources()),
        collect("results/{experiment}/recommendations.md", experiment=planned.comparing()),
        collect("results/{experiment}/decision.html", experiment=planned.comparing()),
        collect("results/{experiment}/methods.md", experiment=planned.where(Experiment.methods)),
        collect("results/{comparison}/settings.md", comparison=planned.method_studies()),
        collect("results/{experiment}/budget.json", experiment=planned),
        collect("results/{experiment}-metrics.json", experiment=planned.with_setting("metrics")),
        files.all_laws(planned),
        collect("results/finished_runs/{table}/proposals.md", table=config["finished_runs"]),


rule laws:
    """All that is asked of mixing laws: fits, tables and figures of every sweep and study, and replays."""
    input:
        files.all_laws(planned),


include: "rules/data.smk"
include: "rules/tokens.smk"
include: "rules/mixtures.smk"
include: "rules/train.smk"
include: "rules/evaluate.smk"
include: "rules/laws.smk"
include: "rules/methods.smk"
include: "rules/proving.smk"
include: "rules/conclusions.smk"
include: "rules/run_figures.smk"
include: "rules/conclusion_figures.smk"
include: "rules/law_figures.smk"
