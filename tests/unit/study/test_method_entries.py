"""Published settings and budgets, and methods that rest on one another, named in a configuration."""

import copy
from pathlib import Path

import pytest

from config_cases import changed, pair_of_sources
from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.study import experiment_paths as files
from emulsion.study.check import check
from emulsion.study.experiment import Experiment

SCHEMA = Path("workflow/schemas/config.schema.yaml")
RESTRICTED = {"setting": "restricted", "groups": "github_c4"}


def configured(methods, swarms):
    """The project's configuration, with an experiment of two sources that compares these methods."""
    config = read_yaml(Path("config.yaml"))
    config["methods"] |= methods
    config["swarms"] |= swarms
    config["experiments"]["pair"] = pair_of_sources(tokens=1_040_000, suites=["world"], methods=list(methods))
    check(config, SCHEMA)
    return config, Experiment(config, "pair")


def test_presets_decide_settings_sizes_and_points_unless_they_are_given():
    methods = {
        "aioli": {"kind": "aioli", "presets": {**RESTRICTED, "setting": "unrestricted"}, "eta": 0.7},
        "doge": {"kind": "doge", "presets": RESTRICTED},
        "dml": {"kind": "dml", "swarm": "ten"},
        "skillit": {"kind": "skillit", "swarm": "alone", "presets": RESTRICTED},
        "doremi": {"kind": "doremi", "swarm": "reference", "presets": RESTRICTED, "tokens": 260_000},
    }
    swarms = {
        "ten": {"points": {"kind": "dirichlet"}, "presets": {"method": "dml", **RESTRICTED}},
        "alone": {"points": {"kind": "corners"}, "presets": {"method": "skillit", **RESTRICTED}},
        "reference": {"points": {"kind": "uniform"}, "presets": {"method": "doremi", **RESTRICTED}},
    }
    _, experiment = configured(methods, swarms)
    entries = experiment.entries
    published = {"rounds": 20, "sweeps": 4, "probe_share": 0.128, "epsilon": 0.75, "eta": 0.7, "decay": 0.5}
    assert entries["aioli"].method == {"kind": "aioli", **published}
    assert entries["doge"].method == {"kind": "doge", "mu": 0.1, "validation_share": 0.25, "act_on": "loss"}
    assert entries["doge-guide"].size.tokens == 520_000 and entries["doge"].size.tokens == 1_040_000
    assert entries["doremi-guide"].size.tokens == 260_000
    assert len(experiment.swarms["ten"].points) == 10 and len(experiment.swarms["alone"].points) == 2
    assert [experiment.size_of_swarm(name).tokens for name in swarms] == [52_000, 260_000, 260_000]


def test_a_given_graph_stands_in_for_the_swarm_of_skillit():
    graph = {each: {"openhermes": 0.1, "magpie": 0.2} for each in ("openhermes", "magpie")}
    _, experiment = configured({"skillit": {"kind": "skillit", "graph": graph}}, {})
    assert not experiment.swarms and experiment.entries["skillit"].swarm is None
    with pytest.raises(UserError, match="kind 'skillit' learns from no runs with these settings; leave it out"):
        configured(
            {"skillit": {"kind": "skillit", "graph": graph, "swarm": "alone"}},
            {"alone": {"points": {"kind": "corners"}}},
        )


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ({"odm": {"kind": "odm", "presets": RESTRICTED}}, "unknown method with published settings 'odm'"),
        ({"aioli": {"kind": "aioli", "presets": {**RESTRICTED, "groups": "github_c5"}}}, "github_c4"),
        ({"aioli": {"kind": "aioli", "presets": {"setting": "restricted"}}}, "presets: 'groups' is missing"),
    ],
)
def test_presets_that_are_not_published_are_refused_with_their_place(methods, words):
    with pytest.raises(UserError, match=words) as refusal:
        configured(methods, {})
    assert f"methods.{next(iter(methods))}.presets" in str(refusal.value)


AIOLI = {"kind": "aioli", "rounds": 5}
SWARMS = {
    "ten": {"points": {"kind": "dirichlet", "count": 10}, "tokens": 52_000},
    "alone": {"points": {"kind": "corners"}, "tokens": 52_000},
    "reference": {"points": {"kind": "uniform"}, "tokens": 52_000},
}


def test_aioli_after_any_method_and_replays_rest_on_others():
    methods = {
        "dml": {"kind": "dml", "swarm": "ten"},
        "skillit": {"kind": "skillit", "swarm": "alone"},
        "doremi": {"kind": "doremi", "swarm": "reference", "tokens": 104_000},
        **{
            f"aioli+{name}".replace("+", "_"): {**AIOLI, "after": {"method": name, "share": 0.05}}
            for name in ("dml", "skillit", "doremi")
        },
        "again": {"kind": "replay", "method": "aioli_skillit"},
        "mean": {"kind": "replay", "method": "doremi", "average": True},
    }
    _, experiment = configured(methods, SWARMS)
    assert files.mixture_before(experiment, "aioli_doremi") == ["mixtures/pair/doremi.json"]
    assert files.deciding_run(experiment, "again") == "models/pair-aioli_skillit/run.json"
    assert files.deciding_run(experiment, "mean") == "models/pair-doremi-guide/run.json"
    assert experiment.replayed() == ["again", "mean"] and {"again", "mean"} <= set(experiment.trained_fixed())
    assert not {"again", "mean"} & {*experiment.fixed(), *experiment.proposed(), *experiment.trained_online()}


@pytest.mark.parametrize(
    ("methods", "words"),
    [
        ({"a": {**AIOLI, "after": {"method": "a", "share": 0.1}}}, "unknown method 'a'"),
        (
            {name: {**AIOLI, "after": {"method": other, "share": 0.1}} for name, other in (("a", "b"), ("b", "a"))},
            "methods.a .of experiments.pair.: rests on itself: a after b after a",
        ),
        ({"a": AIOLI, "r": {"kind": "replay", "method": "equal"}}, "unknown online method 'equal'"),
        (
            {"a": AIOLI, "r": {"kind": "replay", "method": "a"}, "s": {"kind": "replay", "method": "r"}},
            "online method 'r'",
        ),
    ],
)
def test_what_cannot_be_taken_over_from_or_replayed_is_refused(methods, words):
    with pytest.raises(UserError, match=words):
        configured(methods, {})


def test_excess_by_token_needs_the_tokens_of_the_reference_run():
    methods = {"doremi": {"kind": "doremi", "swarm": "reference", "clip": "token"}}
    swarms = {"reference": {"points": {"kind": "uniform"}}}
    with pytest.raises(UserError, match=r"add `token_losses` to swarms\.reference\.measure"):
        configured(methods, swarms)
    swarms["reference"]["measure"] = ["losses", "token_losses"]
    _, experiment = configured(methods, swarms)
    assert experiment.needs("doremi").token_losses
    (trunk,) = experiment.swarms["reference"].trunks
    assert trunk["token_losses"] is True and "sequence_losses" not in trunk


def test_a_reference_of_several_seeds_is_refused_before_it_is_trained():
    methods = {"doremi": {"kind": "doremi", "swarm": "reference"}}
    with pytest.raises(UserError, match=r"one reference run, and 'reference' has 3, .*swarms\.reference\.seeds: first"):
        configured(methods, {"reference": {"points": {"kind": "uniform"}, "seeds": "all"}})


FEW = {"few": {"points": {"kind": "dirichlet", "count": 3}}}


@pytest.mark.parametrize(
    ("method", "swarms", "words"),
    [
        ({"kind": "aioli", "tokens": 300_000}, {}, r"one .*\.tokens: it is of what a method trains to decide"),
        ({"kind": "proportional", "training": "full"}, {}, r"\.training: it is of what a method trains"),
        ({"kind": "aioli", "rounds": 100_000}, {}, r"one .*\.rounds: 100000 do not fit into a run of 2166 steps"),
        ({"kind": "aioli", "rounds": 400}, {}, r"\.probes: .* leave nothing of a round"),
        ({"kind": "odm", "rounds": 5_000}, {}, r"\.rounds: 5000 do not fit"),
        (
            {"kind": "doge", "rounds": 500, "tokens": 104_000},
            {},
            r"one .*\.rounds: 500 do not fit into a run of 216 steps",
        ),
        ({"kind": "regmix", "swarm": "few"}, FEW, r"\.swarm: kind 'regmix' fits 4 runs or more, and 'few' has 3"),
        ({"kind": "direct_search", "evaluations": -5, "tokens": 104_000}, {}, "evaluations: should be a whole number"),
        ({"kind": "law_optimum", "law": ["best"], "swarm": "few"}, FEW, r"unknown law '\['best'\]'"),
    ],
)
def test_what_could_only_fail_in_a_job_is_refused_before_any(method, swarms, words):
    with pytest.raises(UserError, match=words):
        configured({"one": method}, swarms)


@pytest.mark.parametrize(
    ("method", "count", "seeds", "words"),
    [
        ({"kind": "optimum", "objective": "mean_loss"}, 2, [0], r"kind 'optimum' fits 4 runs or more, and 's' has 2;"),
        ({"kind": "dml"}, 2, [0], r"kind 'dml' fits 4 runs or more, and 's' has 2;"),
        ({"kind": "dml"}, 2, [0, 1], None),
        ({"kind": "emulsion"}, 4, [0, 1], r"'emulsion' fits runs on 5 different mixtures or more, and 's' has 4;"),
        ({"kind": "emulsion_online"}, 4, [0, 1], r"fits runs on 5 different mixtures or more, and 's' has 4;"),
        ({"kind": "emulsion"}, 5, [0], None),
        ({"kind": "grid_search"}, 2, [0], None),
    ],
)
def test_runs_to_learn_from_are_counted_over_the_seeds_that_a_swarm_has(method, count, seeds, words):
    config = changed("swarms/s", {"points": {"kind": "spread", "count": count, "bounds": [0, 0.9]}, "seeds": "all"})
    config["methods"]["one"] = {**method, "swarm": "s"}
    config["experiments"]["exp3"] |= {"seeds": seeds, "strategies": [], "methods": ["one"], "ablations": None}
    config["experiments"]["exp3"]["repeat"], config["figures"] = False, []
    if words is None:
        check(config, SCHEMA)
    else:
        with pytest.raises(UserError, match=words) as refusal:
            check(config, SCHEMA)
        assert "methods.one (of experiments.exp3).swarm: " in str(refusal.value)


@pytest.mark.parametrize(
    ("tokens", "strategies", "words"),
    [
        (None, 2, None),
        (None, 1, "'s' has 2, besides 1 of its size on strategies"),
        (20_000, 2, "'s' has 2; three per source"),
    ],
)
def test_strategies_of_the_size_of_a_swarm_are_counted_with_its_runs(tokens, strategies, words):
    swarm = {"points": {"kind": "spread", "count": 2, "bounds": [0, 0.9]}, "measure": ["losses", "capabilities"]}
    config = changed("swarms/s", {**swarm, **({"tokens": tokens} if tokens else {})})
    config["methods"]["optimal"]["swarm"] = "s"
    chosen = config["experiments"]["exp3"]["strategies"][:strategies]
    config["experiments"]["exp3"] |= {"seeds": [0], "strategies": chosen, "methods": ["optimal"], "ablations": None}
    config["figures"] = []
    if words is None:
        check(config, SCHEMA)
    else:
        with pytest.raises(UserError, match=words):
            check(config, SCHEMA)


@pytest.mark.parametrize(
    ("share", "words"),
    [
        (0.0001, r"after\.share: 0\.0001 of a run of 2166 steps is less than one step"),
        (0.9999, r"after\.share: 0\.9999 of a run of 2166 steps leaves none to decide in"),
    ],
)
def test_a_method_takes_over_between_the_first_step_and_the_last(share, words):
    methods = {"dml": {"kind": "dml", "swarm": "ten"}}
    methods["after"] = {"kind": "aioli", "after": {"method": "dml", "share": share}}
    swarms = {"ten": {"points": {"kind": "dirichlet", "count": 10}}}
    with pytest.raises(UserError, match=words):
        configured(methods, swarms)


def test_a_grid_search_needs_no_more_than_the_runs_it_chooses_from():
    configured({"grid": {"kind": "grid_search", "swarm": "few"}}, FEW)


def test_a_method_that_learns_from_the_course_of_runs_is_said_to_have_their_ends_alone():
    config = changed("methods/own", {"kind": "emulsion", "swarm": "small"})
    config["experiments"]["exp3"]["methods"].append("own")
    said = "methods.own.swarm: 'small' measures its runs at their ends alone"
    assert any(note.startswith(said) for note in check(copy.deepcopy(config), SCHEMA))
    config["swarms"]["small"]["measure"].append("curve")
    assert not any(note.startswith(said) for note in check(config, SCHEMA))


@pytest.mark.parametrize("own", [{}, {"weights": {"magpie": 1.0}}])
def test_emulsion_weighs_losses_as_they_are_judged_unless_it_says_otherwise(own):
    config = read_yaml(Path("config.yaml"))
    config["methods"]["emulsion"] = {"kind": "emulsion", "swarm": "ten", **own}
    config["swarms"]["ten"] = {"points": {"kind": "dirichlet", "count": 10}}
    judged = {"judge": "losses", "loss_weights": {"openhermes": 3}, "methods": ["emulsion"]}
    config["experiments"]["pair"] = pair_of_sources(tokens=1_040_000, **judged)
    check(config, SCHEMA)
    made = Experiment(config, "pair").method("emulsion")
    assert dict(zip(made.names, made.weights.tolist(), strict=True)) == {
        "magpie": float(bool(own)),
        "openhermes": float(not own),
    }
