"""Runs on online methods: what a method sees and decides, what is recorded, charged and refused."""

import json
import time

import numpy as np
import pytest
import torch
from rounds_cases import LOSSES, REFERENCE, SOURCES, UNEVEN, Ascent, Prober, RunOn, begun, follow, weights
from training_cases import SPEC

from emulsion.data.batches import read_batch
from emulsion.errors import UserError
from emulsion.files import read_json, read_jsonl, write_json
from emulsion.methods import create
from emulsion.mixture import Mixture
from emulsion.training.evidence import Reference
from emulsion.training.rounds import Prelude
from emulsion.training.run import train_run
from emulsion.training.runtime import Runtime


@pytest.mark.parametrize("rounds", [1, 3])
def test_to_follow_one_mixture_is_the_run_on_that_mixture_byte_for_byte(train, settings, tmp_path, rounds):
    train("followed", follow(*[UNEVEN] * rounds))
    schedule = [{"until": 1.0, "weights": UNEVEN}]
    write_json(tmp_path / "mixture.json", {"experiment": "exp9", "name": "fixed", "schedule": schedule})
    train_run(mixture_file=tmp_path / "mixture.json", **settings("fixed"))
    assert weights(tmp_path / "followed") == weights(tmp_path / "fixed")


def test_to_follow_what_a_method_decided_is_its_run_byte_for_byte(train, tmp_path):
    decided = [stage["weights"] for stage in train("online", Ascent())["schedule"]]
    assert len({json.dumps(each) for each in decided}) == 4
    train("followed", follow(*decided))
    assert weights(tmp_path / "online") == weights(tmp_path / "followed")


def test_the_schedule_of_a_run_can_be_trained_as_a_mixture_file_and_draws_the_same_shares(train, settings, tmp_path):
    online = train("online", Ascent(), tokens=40 * 8 * 24)
    write_json(tmp_path / "mixture.json", {"experiment": "exp9", "name": "frozen", "schedule": online["schedule"]})
    train_run(mixture_file=tmp_path / "mixture.json", **settings("frozen", tokens=40 * 8 * 24))
    frozen = read_json(tmp_path / "frozen" / "run.json")
    assert frozen["mixing_ratios"] == pytest.approx(online["mixing_ratios"])
    for source, drawn in online["sequences_per_source"].items():
        assert abs(frozen["sequences_per_source"][source] - drawn) <= 2
    assert [stage["first_sequence"] for stage in frozen["stages"]] == [0, 80, 160, 240]
    assert "identity" in frozen and frozen["identity"] != online["identity"]


def test_a_method_sees_each_round_by_source_name(train):
    method = Ascent(rounds=4)
    record = train("run", method)
    assert [seen.step for seen in method.seen] == [3, 6, 9]
    assert {seen.steps for seen in method.seen} == {12}
    assert [seen.tokens for seen in method.seen] == [3 * 8 * 24, 6 * 8 * 24, 9 * 8 * 24]
    assert all(sum(seen.counts.values()) == 3 * 8 for seen in method.seen)
    assert all(set(seen.losses) == set(seen.counts) == set(SOURCES) for seen in method.seen)
    drawn = [stage["sequences_per_source"] for stage in record["stages"]]
    assert drawn[:3] == [seen.counts for seen in method.seen]


def test_the_losses_it_sees_are_the_run_s_own_validation_losses(train, tmp_path):
    method = Ascent(rounds=3)
    train("run", method, validations=3)
    rows = read_jsonl(tmp_path / "run" / "training_log.jsonl")
    assert [seen.losses for seen in method.seen] == [rows[3]["validation"], rows[7]["validation"]]


def test_training_losses_are_means_over_what_was_drawn_since_the_last_update_and_cost_nothing(train, tmp_path):
    method = Ascent(held_out=False, rounds=3)
    record = train("run", method)
    rows = read_jsonl(tmp_path / "run" / "training_log.jsonl")
    assert record["method"]["evaluation_tokens"] == record["method"]["validations"] == 0
    for number, seen in enumerate(method.seen):
        steps = rows[4 * number : 4 * number + 4]
        total = sum(seen.losses[source] * seen.counts[source] for source in seen.losses)
        assert total / sum(seen.counts.values()) == pytest.approx(np.mean([row["loss"] for row in steps]))
        assert set(seen.losses) == {source for source, count in seen.counts.items() if count}


def test_excess_losses_are_those_over_the_reference(train):
    method = Ascent("excess_losses")
    train("run", method, reference=REFERENCE)
    for seen in method.seen:
        assert seen.excess_losses == {source: seen.losses[source] - LOSSES[source] for source in SOURCES}


def test_a_reference_that_lacks_a_source_is_refused(train):
    with pytest.raises(UserError, match="reference run: has no validation loss of source 'gamma'"):
        train("run", Ascent("excess_losses"), reference=Reference(losses={"alpha": 1.0, "beta": 1.0}))


def test_the_log_tells_where_a_round_begins_what_was_seen_and_what_was_decided(train, tmp_path):
    record = train("run", Ascent())
    rows = read_jsonl(tmp_path / "run" / "training_log.jsonl")
    turns = [row for row in rows if "mixture" in row]
    assert [row["step"] for row in turns] == [1, 4, 7, 10]
    assert [row["round"] for row in turns] == [1, 2, 3, 4]
    assert [row["mixture"] for row in turns] == [stage["weights"] for stage in record["schedule"]]
    assert "observed" not in turns[0] and set(turns[1]["observed"]) == set(SOURCES)
    assert set(turns[1]["effects"]["alpha"]) == set(SOURCES)
    assert [stage["until"] for stage in record["schedule"]] == [0.25, 0.5, 0.75, 1.0]


def test_the_record_has_the_method_its_rounds_and_what_it_cost(train):
    values = {"kind": "ascent", "settings": {"rate": 2.0}}
    record = train("run", Ascent(), values)
    validated = 3 * (3 * SPEC["validation_sequences"]) * 24
    assert record["method"] == {
        "values": values,
        "rounds": 4,
        "observes": "losses",
        "average": None,
        "validations": 3,
        "evaluation_tokens": validated,
        "probe_tokens": 0,
        "notices": [],
    }
    own = {"tokens": SPEC["tokens"], "evaluations": 3, "evaluation_tokens": validated, "probe_tokens": 0}
    assert record["cost"] == {**own, "needed": [], "extra_tokens": 0, "extra_evaluation_tokens": 0}


def test_probes_are_charged_as_part_of_the_run_with_all_that_was_needed_before(train):
    needed = [{"what": "swarm small", "runs": 3, "tokens": 500, "evaluation_tokens": 70}]
    cost = train("run", Prober(), needed=needed)["cost"]
    # Of two rounds of six steps three are probes, each of one step of 8 sequences of 24 tokens.
    assert cost["probe_tokens"] == 6 * 8 * 24 and cost["evaluations"] == 2 * (3 + 1)
    assert (cost["needed"], cost["extra_tokens"], cost["extra_evaluation_tokens"]) == (needed, 500, 70)


def test_probes_come_before_each_update_and_are_told_with_what_they_drew(train):
    method = Prober(rounds=2)
    record = train("run", method, tokens=24 * 8 * 24)
    assert [seen.step for seen in method.seen] == [6, 18]
    for seen in method.seen:
        assert len(seen.probes) == 3
        assert all(sum(probe.counts.values()) == 2 * 8 for probe in seen.probes)
        assert seen.probes[0].after == seen.probes[1].before
        assert seen.probes[-1].after == seen.losses
        assert all(
            max(probe.counts, key=probe.counts.get) == max(probe.mixture, key=probe.mixture.get)
            for probe in seen.probes
        )
    assert sum(method.seen[1].counts.values()) == 12 * 8
    assert len(record["schedule"]) == 8
    assert record["method"]["validations"] == 8


def test_the_published_proxies_draw_as_at_first_and_weigh_losses(train, tmp_path):
    values = {"kind": "doremi", "rounds": 4, "eta": 3.0}
    for act_on in ("loss", "sampling"):
        method = create(**values, act_on=act_on, sources=SOURCES)
        train(act_on, method, {**values, "act_on": act_on}, reference=REFERENCE)
    weighed, sampled = (read_json(tmp_path / name / "run.json") for name in ("loss", "sampling"))
    assert weighed["sequences_per_source"] == dict.fromkeys(SOURCES, 32)
    assert sampled["sequences_per_source"] != weighed["sequences_per_source"]
    assert weighed["schedule"][1] == sampled["schedule"][1] and weighed["schedule"][2] != sampled["schedule"][2]


@pytest.mark.parametrize("prelude", [None, Prelude(mixture=Mixture.uniform(SOURCES), share=0.3)])
def test_a_published_proxy_with_a_prior_draws_by_it_and_weighs_by_what_it_decides_over_it(inputs, tmp_path, prelude):
    method = create(kind="doremi", rounds=3, eta=3.0, act_on="loss", prior=UNEVEN, sources=SOURCES)
    folder, runtime = tmp_path / "checkpoints", Runtime(micro_batch=3)
    rounds = RunOn(made=method, spec=SPEC, reference=REFERENCE, prelude=prelude).rounds(inputs, folder, runtime)
    training, before = rounds.training, 4 if prelude else 0
    rounds.run(before + 1)
    assert training.loss_weights == {}
    rounds.run()
    decided = rounds.decided[-1]
    assert training.loss_weights == pytest.approx({source: decided[source] / UNEVEN[source] for source in SOURCES})
    drawn = training.plan.counts(12 * 8) - training.plan.counts(before * 8)
    assert drawn / drawn.sum() == pytest.approx(list(UNEVEN.values()), abs=0.02)
    assert [stage["until"] * 12 for stage in rounds.schedule()][:1] == [before or 4]


def test_a_weighed_step_goes_down_the_gradient_of_the_weighed_mean(inputs, tmp_path):
    training = begun(inputs, tmp_path / "checkpoints", 1)
    training.loss_weights = {"alpha": 3.0, "beta": 0.5, "gamma": 0.0}
    batch = read_batch(training.plan, training.stores, 24, 8, 16)
    sources = training.plan.sources(8, 16)
    weights = training._weights(sources)
    assert weights.mean() == pytest.approx(1) and weights[sources == 2].tolist() == [0] * sum(sources == 2)
    training._accumulate(batch, weights)
    taken = [parameter.grad.clone() for parameter in training.model.parameters()]
    training.model.zero_grad()
    losses = training.losses(torch.from_numpy(batch).long())
    (losses * torch.as_tensor(weights) / torch.as_tensor(weights).sum()).sum().backward()
    for one, parameter in zip(taken, training.model.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.grad, rtol=1e-4, atol=1e-7)


def test_a_batch_of_sources_that_weigh_nothing_any_more_is_weighed_alike(inputs, tmp_path):
    training = begun(inputs, tmp_path / "checkpoints", 1)
    training.loss_weights = {"alpha": 3.0, "beta": 0.0, "gamma": 0.0}
    assert training._weights(np.array([1, 2, 2, 1])).tolist() == [1, 1, 1, 1]


def test_excess_is_cut_token_by_token_where_the_method_says_so(train, inputs, tmp_path):
    training = begun(inputs, tmp_path / "first", 3)
    tokens = training.token_losses("validation")
    assert {source: each.mean() for source, each in tokens.items()} == pytest.approx(training.validate(), rel=1e-5)
    seen = {}
    for clip in ("token", "source"):
        method = create("doremi", sources=SOURCES, rounds=4, clip=clip)
        method.update = keeping(seen.setdefault(clip, []), method.update)
        losses = {source: float(each.mean()) for source, each in tokens.items()}
        train(clip, method, {"kind": "doremi", "clip": clip}, reference=Reference(losses=losses, token_losses=tokens))
    # After the same first round losses are alike, and what is cut at each token is more than what is cut in the mean.
    cut, mean = (seen[clip][0] for clip in ("token", "source"))
    assert cut.losses == pytest.approx(mean.losses, rel=1e-5)
    for source in SOURCES:
        assert cut.excess_losses[source] > max(mean.excess_losses[source], 0) >= 0
    with pytest.raises(UserError, match="has no losses of the tokens of source 'alpha'"):
        train("lacks", create("doremi", sources=SOURCES, clip="token", rounds=4), {}, reference=REFERENCE)


def keeping(seen, update):
    """The same update, which keeps what it saw."""

    def kept(observation):
        seen.append(observation)
        return update(observation)

    return kept


def test_no_notice_is_of_a_mixture_that_only_probes_or_that_another_method_chose(train):
    class Corners(Prober):
        def probe_mixtures(self):
            return [Mixture({source: float(source == name) for source in SOURCES}) for name in SOURCES]

    alone = Mixture({"alpha": 1.0}).over(SOURCES)
    kept = train("kept", Corners(rate=0.0), prelude=Prelude(mixture=alone, share=0.3), tokens=16 * 8 * 24)
    assert kept["method"]["notices"] == []
    assert train("collapsed", Ascent(rate=100.0), {"rate": 100.0})["method"]["notices"]


def test_the_time_that_a_method_takes_to_decide_is_the_runs(train):
    class Slow(Ascent):
        def update(self, seen):
            time.sleep(0.5)
            return super().update(seen)

    assert train("run", Slow())["seconds"] > 3 * 0.5


def test_a_source_that_a_decision_repeats_too_often_is_refused_with_the_round(train):
    with pytest.raises(UserError, match=r"round 2, up to step 80: source 'alpha' would be read \d+\.\d+ times"):
        train("run", follow(UNEVEN, {"alpha": 1.0}), tokens=80 * 8 * 24, max_epochs=1)


def test_a_source_that_a_decision_names_and_nobody_has_is_refused(train):
    method = follow(UNEVEN, UNEVEN)
    method.mixtures[1] = Mixture({"delta": 1.0})
    with pytest.raises(UserError, match="delta"):
        train("run", method)


@pytest.mark.parametrize("rounds", [0, 13])
def test_rounds_that_do_not_fit_into_the_run_are_refused(train, rounds):
    with pytest.raises(UserError, match=rf"rounds: {rounds} do not fit into a run of 12 steps; 1 to 12 do"):
        train("run", Ascent(rounds=rounds))


def test_probes_that_leave_nothing_of_a_round_are_refused(train):
    with pytest.raises(UserError, match="probes: 3 of 1 steps leave nothing of a round of 3 steps"):
        train("run", Prober(rounds=4))


def test_an_observation_that_nobody_can_make_is_refused_with_the_nearest_name(train):
    with pytest.raises(UserError, match=r"unknown kind of observation 'gradient'\. Did you mean 'gradients'"):
        train("run", Ascent("gradient"))


def test_a_method_that_observes_probes_and_has_none_is_refused(train):
    with pytest.raises(UserError, match="method: observes probes"):
        train("run", Ascent("probes"))


def test_a_method_that_gives_another_number_of_probes_than_it_said_is_refused(train, monkeypatch):
    monkeypatch.setattr(Prober, "probe_count", 2)
    with pytest.raises(UserError, match="method: gives 3 mixtures for the 2 probes of a round"):
        train("run", Prober())


def test_the_model_card_says_that_a_method_decided(train, tmp_path):
    train("run", Ascent())
    card = (tmp_path / "run" / "README.md").read_text()
    assert "An online method decided the mixture during the run, in 4 rounds" in card
