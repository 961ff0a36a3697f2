"""Where the files of an experiment lie, and which of them a rule needs."""

from __future__ import annotations

from pathlib import Path

from emulsion.files import found
from emulsion.methods.designs import needs_sizes
from emulsion.study import paths
from emulsion.study.check_figures import OF_LAWS, drawable
from emulsion.study.experiment import Experiment
from emulsion.study.laws import Laws
from emulsion.study.mixture_table import Size
from emulsion.study.study import Study


def tokenizer_definition(experiment: Experiment) -> str:
    return f"data/tokenizers/{experiment.settings['tokenizer']}/tokenizer.json"


def token_stores(experiment: Experiment) -> list[str]:
    """The headers of its token stores, in the order of its sources."""
    return paths.token_stores(experiment.config, experiment.name)


def token_stores_needed(experiment: Experiment, mixture: str) -> list[str]:
    """The same where the mixture goes by the sizes of the sources; else none."""
    return token_stores(experiment) if experiment.needs(mixture).sizes else []


def budget(experiment: Experiment) -> list[str]:
    """The options that say which run is decided for."""
    return ["--tokens", str(experiment.size.tokens), "--max-epochs", str(experiment.max_epochs)]


def tokens_of_swarm(experiment: Experiment, swarm: str) -> list[str]:
    """The option of the run that a swarm stands for, where its points go by it; others do not depend on that run."""
    if not needs_sizes(experiment.swarms[swarm].design):
        return []
    return ["--tokens", str(experiment.size_of_swarm(swarm).stands_for or experiment.size.tokens)]


def limit_of_swarm(experiment: Experiment, swarm: str) -> int | None:
    """How often a run may repeat a source, where it bounds what the points may have of one."""
    return experiment.max_epochs if needs_sizes(experiment.swarms[swarm].design) else None


def limit_of_run(experiment: Experiment, run: str) -> int | None:
    """How often an online run may repeat a source, where its method keeps to that."""
    return experiment.max_epochs if experiment.needs(experiment.run(run).entry.name).sizes else None


def budget_needed(experiment: Experiment, mixture: str) -> list[str]:
    """The same where a mixture goes by the sizes of the sources; others do not depend on the run."""
    return budget(experiment) if experiment.needs(mixture).sizes else []


def suites_of_swarm(experiment: Experiment, swarm: str) -> list[str]:
    """The suites that its runs are asked, if any."""
    return suite_files(experiment) if experiment.swarms[swarm].capabilities else []


def suite_files(experiment: Experiment) -> list[str]:
    return paths.suite_files(experiment.config, experiment.name)


def downstream_files(experiment: Experiment) -> list[str]:
    """The items and definitions of published tasks that lie in files, so that an edit of one is noticed."""
    folder = experiment.settings["downstream"].get("task_files")
    return sorted(str(file) for file in Path(folder).rglob("*") if file.is_file()) if folder else []


def trained_again(experiment: Experiment, run: str) -> list[str]:
    """The option of a repetition, which trains though the model is there already."""
    return ["--again"] if experiment.run(run).entry.role == "repetition" else []


def mixture_file(experiment: Experiment, run: str) -> str:
    return f"mixtures/{experiment.name}/{experiment.run(run).entry.mixture}.json"


def initial_weights(experiment: Experiment, size: Size) -> list[str]:
    """The weights that a run of this size starts from; none where they are random."""
    weights = experiment.config["models"][size.model].get("weights")
    if not weights:
        return []
    folder = Path(weights.get("folder", f"data/weights/{size.model}"))
    return [str(folder / "model.safetensors")]


def swarm(experiment: Experiment, name: str) -> list[str]:
    """What each job of a swarm wrote."""
    folder = f"results/{experiment.name}/swarms/{name}"
    return [f"{folder}/{number}.json" for number in experiment.swarms[name].batches]


def swarms(experiment: Experiment) -> list[str]:
    """The same of all its swarms."""
    return [file for name in experiment.swarms for file in swarm(experiment, name)]


def swarm_of_mixture(experiment: Experiment, mixture: str) -> list[str]:
    """The same of the swarm that a method learns from, if any."""
    name = experiment.entries[mixture].swarm
    return swarm(experiment, name) if name else []


def swarm_of_run(experiment: Experiment, run: str) -> list[str]:
    """The same of the swarm that the method of an online run needs, if any."""
    return swarm_of_mixture(experiment, experiment.run(run).entry.name)


def mixture_before(experiment: Experiment, run: str) -> list[str]:
    """The mixture that an online run begins with, if it takes over from another method."""
    after = experiment.run(run).entry.after
    return [f"mixtures/{experiment.name}/{after['method']}.json"] if after else []


def share_before(experiment: Experiment, run: str) -> float:
    """For how much of the run it has that mixture."""
    after = experiment.run(run).entry.after
    return float(after["share"]) if after else 0.0


def further_records(experiment: Experiment, mixture: str) -> list[str]:
    """The records of the runs that a method learns from besides its swarm."""
    runs = experiment.names(experiment.further_runs(mixture))
    return [f"models/{experiment.name}-{run}/run.json" for run in runs]


def further_capabilities(experiment: Experiment, mixture: str) -> list[str]:
    """Their capabilities, in the same order."""
    runs = experiment.names(experiment.further_runs(mixture))
    return [f"results/{experiment.name}/{run}/capabilities.json" for run in runs]


def searches(experiment: Experiment) -> list[str]:
    """The records of searches that trained."""
    return [f"results/{experiment.name}/{mixture}_mix.json" for mixture in experiment.searched()]


def swarm_of_laws(experiment: Experiment) -> list[str]:
    """What each job of the swarm wrote that laws are fitted to; none without laws."""
    fitted = Laws(experiment).swarm
    return swarm(experiment, fitted.name) if fitted else []


def deciding_run(experiment: Experiment, mixture: str) -> str:
    """The record of the run whose trajectory a mixture is: its guide, its own first run, or that of what it replays."""
    if experiment.needs(mixture).trajectory:
        mixture = experiment.rests_on(mixture)[0]
    entry = experiment.entries[mixture]
    return f"models/{experiment.name}-{entry.guide or experiment.names([mixture])[0]}/run.json"


def guides(experiment: Experiment) -> dict[str, str]:
    """{mixture: record of the run that decided it} of those whose answer is trained from the start."""
    return {name: deciding_run(experiment, name) for name in experiment.methods() if experiment.entries[name].guide}


def matrix(experiment: Experiment, name: str) -> list[str]:
    """The file of a method's own matrix; none where it follows from the laws."""
    chosen = Laws(experiment).matrices()[name]
    return [chosen["matrix"]] if chosen["kind"] == "given" else []


def parameters(experiment: Experiment) -> list[str]:
    """Matrices beside the fitted ones: those that the laws name, and those that methods went by in their own runs."""
    laws = Laws(experiment)
    names = [*laws.matrices(), *laws.methods()]
    return [f"law_results/{experiment.name}/{name}_parameters.json" for name in names]


def branches_of_method(experiment: Experiment, method: str) -> list[str]:
    """The branches of the runs in which a method decided."""
    return [f"results/{experiment.name}/branches/{run.name}.json" for run in Laws(experiment).branched_runs(method)]


def branches(experiment: Experiment) -> list[str]:
    """The branches of the runs of all methods whose matrices are compared."""
    return [f"results/{experiment.name}/branches/{name}.json" for name in Laws(experiment).all_branched_runs()]


def logs_of_method(experiment: Experiment, method: str) -> list[str]:
    """The logs of the runs in which a method decided, in the order of `branches_of_method`."""
    return [f"models/{experiment.name}-{run.name}/training_log.jsonl" for run in Laws(experiment).branched_runs(method)]


def board(experiment: Experiment) -> list[str]:
    """The comparison of methods, where those whose matrices are compared were trained."""
    return [f"results/{experiment.name}/methods.json"] if Laws(experiment).methods() else []


def laws(experiment: Experiment) -> dict[str, list[str]]:
    """{what: its files} of all that is found about the laws of an experiment."""
    asked = Laws(experiment)
    there = {
        "static_law": asked.swarm is not None,
        "dynamic_law": asked.branched,
        "greedy": asked.compare_greedy(),
        "similarity": bool(asked.matrices() or asked.methods()),
    }
    return {what: [f"law_results/{experiment.name}/{what}.json"] if found else [] for what, found in there.items()}


def law_figures(experiment: Experiment) -> list[str]:
    """The figures of an experiment's laws, of those that have something to draw."""
    drawn = drawable(experiment.config, experiment.name)
    return [f"figures/{experiment.name}_{figure}.png" for figure in OF_LAWS if figure in drawn]


def laws_of_study(study: Study, name: str, what: str) -> list[str]:
    """The files of this kind of every setting of a study of laws, each once."""
    tables = study.config["law_studies"][name]["tables"]
    settings = dict.fromkeys(experiment for table in tables for experiment in table["settings"].values())
    return [file for experiment in settings for file in laws(study[experiment])[what]]


def all_laws(study: Study) -> list[str]:
    """All about laws: of every swarm its laws and figures, of every study its tables and figure, and the replays."""
    files = [file for experiment in study.values() for each in laws(experiment).values() for file in each]
    files += [file for experiment in study.values() for file in law_figures(experiment)]
    for name in study.law_studies():
        files += [f"law_results/{name}/tables.md", f"figures/{name}_law_fits.png"]
    return files + [f"law_results/{name}/replay.md" for name in study.config["replays"]]


def ledgers(experiment: Experiment) -> list[str]:
    """The accounts of the rows of its sources."""
    return [f"data/ledgers/{source}.json" for source in experiment.sources]


def figures(experiment: Experiment) -> list[str]:
    """The figures of the configuration that are of this experiment; a longer name that begins alike has its own."""
    config = experiment.config
    owners = [*config["experiments"], *config["law_studies"], *config["method_studies"]]
    of = {
        figure: max((each for each in owners if figure.startswith(f"{each}_")), key=len, default="")
        for figure in config["figures"]
    }
    return [f"figures/{figure}.png" for figure, owner in of.items() if owner == experiment.name]


_DECISIVE = {"capabilities": "capability_heatmap", "losses": "losses"}


def decisive_figures(experiment: Experiment) -> list[str]:
    """The figures that show what is decided."""
    return [f"figures/{experiment.name}_{_DECISIVE[kind]}.png" for kind in experiment.judged_by()]


def captions(experiment: Experiment) -> list[str]:
    """Their captions, in the same order; files of the workflow."""
    return [f"report/{_DECISIVE[kind]}.rst" for kind in experiment.judged_by()]


def further_conclusions(experiment: Experiment) -> list[str]:
    """The tables and figures that an experiment ends with, besides those that its decision's page is made from."""
    folder = f"results/{experiment.name}"
    tables = [f"{folder}/recommendations.md", *contributions(experiment), *predictions(experiment)]
    tables += [f"{folder}/methods.{end}" for end in ("md", "csv")] if experiment.methods() else []
    tables += [f"{folder}-metrics.md"] if experiment.settings.get("metrics") else []
    return [*tables, *(figure for figure in figures(experiment) if figure not in decisive_figures(experiment))]


def infos_of_candidates(experiment: Experiment) -> list[str]:
    return [f"data/{experiment.name}_{mixture}_info.json" for mixture in experiment.candidates()]


def results_that_judge(experiment: Experiment) -> list[str]:
    """What the runs of all that is concluded on are judged by first, in their order."""
    file = "perplexity" if experiment.judged_by()[0] == "losses" else "capabilities"
    return [f"results/{experiment.name}/{run}/{file}.json" for run in experiment.names(experiment.concluded())]


def contributions(experiment: Experiment) -> list[str]:
    """What the ablations found; nothing where there are none."""
    return [f"results/{experiment.name}/contributions.json"] if experiment.settings["ablations"] else []


def optimum(experiment: Experiment) -> list[str]:
    """What the search for the best mixture found; nothing where there is none."""
    found = experiment.optimum()
    return [f"results/{experiment.name}/{found}_mix.json"] if found else []


def predicts(experiment: Experiment) -> bool:
    """Whether its optimum is that of a surrogate, which predicts other mixtures too."""
    return experiment.optimum() in experiment.proposed()


def predictions(experiment: Experiment) -> list[str]:
    """What the candidates are predicted to score; nothing where no surrogate says so."""
    return [f"results/{experiment.name}/predictions.json"] if predicts(experiment) else []


def predicted_mixtures(experiment: Experiment) -> list[str]:
    """The mixtures of the candidates that are known before any of them is trained on."""
    known = [name for name in experiment.candidates() if name not in experiment.from_trajectories()]
    return [f"mixtures/{experiment.name}/{name}.json" for name in known]


def published_results(experiment: Experiment) -> list[str]:
    """The published results that an experiment's runs are shown beside; none where it names no file."""
    file = experiment.settings["metrics"].get("published")
    return [found(file)] if file else []
