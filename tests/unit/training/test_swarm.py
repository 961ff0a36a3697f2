import json
import signal
import subprocess
import sys
import time

import pytest
from swarm_cases import EARLY, POINTS, REST, SOURCES, STEP, TRUNKS, WHOLE
from training_cases import SPEC, Killed

from emulsion.data.tokens import TokenStore
from emulsion.errors import UserError
from emulsion.files import read_json
from emulsion.methods.designs import points as design_points
from emulsion.spec import RunSpec
from emulsion.training.evidence import read_evidence
from emulsion.training.job import Job
from emulsion.training.journal import unpacked
from emulsion.training.judge import Judge
from emulsion.training.runtime import Runtime
from emulsion.training.swarm import BranchSet, train_swarm


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(each) for key, each in value.items() if key != "seconds"}
    return [without_times(each) for each in value] if isinstance(value, list) else value


def kept_seconds(swarm, row):
    """What the journal has of a trunk without its branches."""
    kept = [read_json(file) for file in swarm["checkpoints"].glob("*.json")]
    own = [each for each in kept if each["what"]["trunk"] == row["identity"] and "mixture" not in each["what"]]
    return sum(each["row"]["seconds"] for each in own)


def test_a_swarm_gives_a_row_for_each_trunk_with_all_of_its_branches(swarm):
    found = train_swarm(**swarm)
    assert found["sources"] == SOURCES
    assert found["peak_memory_bytes"] > 2**20
    first, second, third = found["runs"]
    assert [row["run"] for row in found["runs"]] == ["sweep_00", "sweep_01-seed1", "stratified"]
    assert (first["tokens"], first["finished"], first["seed"]) == (12 * STEP, True, 0)
    sizes = {store.source: store.count("train", 24) for store in map(TokenStore.open, swarm["stores"])}
    assert second["epochs"] == pytest.approx({s: second["realised"][s] * 12 * 8 / sizes[s] for s in SOURCES})
    assert list(first["test"]) == list(first["validation"]) == SOURCES
    assert second["weights"] == {"alpha": 0.0, "beta": 0.25, "gamma": 0.75} and second["branches"] == {}
    assert (third["tokens"], third["finished"], third["validation"], third["test"]) == (4 * STEP, False, None, None)
    assert list(first["branches"]) == ["early", "rest"] and list(third["branches"]) == ["early"]
    early, rest = first["branches"].values()
    assert (early["after"], early["tokens"]) == (4 * STEP, 2 * STEP)
    assert [(end["mixture"], end["corner"]) for end in early["ends"]] == [
        ("sweep_00", False),
        ("sweep_01", False),
        ("only_alpha", True),
    ]
    assert early["ends"][2]["weights"] == {"alpha": 1.0, "beta": 0.0, "gamma": 0.0}
    assert [end["test"] for end in early["ends"]] == [None] * 3
    assert (rest["after"], rest["tokens"]) == (6 * STEP, 6 * STEP)
    assert all(list(end["test"]) == SOURCES for end in rest["ends"])
    assert len({row["identity"] for row in found["runs"]}) == 3
    # Validation losses at three branch points, of eight branches and of two ends; test losses of two branches and ends.
    assert found["evaluation_tokens"] == (3 + 8 + 2 + 2 + 2) * 3 * SPEC["validation_sequences"] * 24


def test_runs_that_stand_for_longer_ones_read_sources_as_often(swarm):
    long = {**swarm, "branches": {}, "trunks": [{**TRUNKS[1], "seed": 0}]}
    short = {**long, "spec": {**SPEC, "tokens": SPEC["tokens"] // 3, "part": 1 / 3}}
    [whole], [third] = (train_swarm(**each)["runs"] for each in (long, short))
    assert third["tokens"] == whole["tokens"] / 3 and third["identity"] != whole["identity"]
    assert third["epochs"] == pytest.approx(whole["epochs"], rel=0.15)
    [repeated] = train_swarm(**short)["runs"]
    assert without_times(repeated) == without_times(third)


def test_training_on_a_source_lowers_its_own_loss_most(swarm):
    [row] = train_swarm(**{**swarm, "trunks": TRUNKS[:1]})["runs"]
    sources, corner = row["branches"]["early"], row["branches"]["early"]["ends"][2]
    fall = {source: sources["before"][source] - corner["validation"][source] for source in SOURCES}
    assert max(fall, key=fall.get) == "alpha" and fall["alpha"] > 0


def test_a_branch_on_its_trunks_own_mixture_is_the_trunk(swarm):
    [row] = train_swarm(**{**swarm, "trunks": TRUNKS[:1]})["runs"]
    same = row["branches"]["rest"]["ends"][0]
    assert (same["validation"], same["test"]) == (row["validation"], row["test"])


def test_losses_of_single_sequences_are_kept_where_they_are_asked_for_and_have_the_mean_of_the_row(swarm, steps):
    asked = [
        {**trunk, "branches": [], "sequence_losses": number == 0, "token_losses": number == 0}
        for number, trunk in enumerate(TRUNKS[:2])
    ]
    first, second = train_swarm(**{**swarm, "trunks": asked})["runs"]
    assert "sequence_losses" not in second and first["seconds"] == pytest.approx(kept_seconds(swarm, first))
    for source, losses in first["sequence_losses"].items():
        tokens = unpacked(first["token_losses"][source])
        assert tokens.shape == (len(losses), 24) and tokens.mean(axis=1) == pytest.approx(losses, rel=1e-5)
        assert len(losses) == 4 and sum(losses) / 4 == pytest.approx(first["validation"][source])
    done = len(steps)
    assert without_times(train_swarm(**{**swarm, "trunks": asked})["runs"]) == without_times([first, second])
    assert len(steps) == done


def test_losses_on_the_way_are_kept_where_they_are_asked_for_and_change_nothing_else(swarm):
    asked = [{**TRUNKS[0], "curve": number == 0, "run": f"run {number}"} for number in range(2)]
    first, second = train_swarm(**{**swarm, "trunks": asked})["runs"]
    assert "curve" not in second and first["validation"] == second["validation"]
    tokens = [each["tokens"] for each in first["curve"]]
    assert tokens == [step * STEP for step in (0, 1, 4, 7)]  # of twelve steps, nearest to the shares of CURVE
    for each in first["curve"]:
        assert set(each["validation"]) == set(first["validation"])
    before = {each["tokens"]: each["validation"] for each in first["curve"]}
    for branch in first["branches"].values():
        assert before.get(branch["after"], branch["before"]) == branch["before"]


def test_a_trunk_is_trained_once_and_no_further_than_its_last_branch_point(swarm, steps):
    train_swarm(**swarm)
    assert len(steps) == WHOLE


def test_what_is_in_the_journal_is_not_trained_again_and_only_small_files_are_left(swarm, steps):
    first = train_swarm(**swarm)
    done = len(steps)
    assert train_swarm(**swarm)["runs"] == first["runs"]
    assert len(steps) == done
    assert all(path.suffix == ".json" and path.stat().st_size < 2000 for path in swarm["checkpoints"].iterdir())


def test_a_further_branch_set_point_or_seed_trains_only_what_is_new(swarm, steps):
    train_swarm(**{**swarm, "branches": {"early": EARLY}, "trunks": [{**TRUNKS[0], "branches": ["early"]}]})
    done = len(steps)
    [row] = train_swarm(**{**swarm, "trunks": TRUNKS[:1]})["runs"]
    assert len(steps) - done == 6 + 2 * 6  # the trunk again, as far as the later point
    wider = {**EARLY, "mixtures": [*POINTS, "stratified"]}
    done = len(steps)
    again = train_swarm(**{**swarm, "branches": {"early": wider, "rest": REST}, "trunks": TRUNKS[:2]})["runs"]
    assert len(steps) - done == (4 + 2) + 12
    assert again[0]["branches"]["rest"] == row["branches"]["rest"]
    assert [end["mixture"] for end in again[0]["branches"]["early"]["ends"]][2] == "stratified"


@pytest.mark.parametrize("save", [0.0, 1e9], ids=["every step saved", "points saved"])
def test_a_sweep_killed_again_and_again_ends_with_the_same_rows(swarm, steps, tmp_path, save):
    whole = train_swarm(**swarm)
    killed = {
        **swarm,
        "checkpoints": tmp_path / "other",
        "runtime": Runtime(micro_batch=8, checkpoint_seconds=save),
    }
    for more in (2, 3, 5, 6, 9, 14):
        steps.dies = len(steps) + more
        with pytest.raises(Killed):
            train_swarm(**killed)
    steps.dies = None
    assert without_times(train_swarm(**killed)["runs"]) == without_times(whole["runs"])
    assert {path.name for path in (tmp_path / "other").iterdir()} == {
        path.name for path in swarm["checkpoints"].iterdir()
    }


def test_a_sweep_short_of_time_saves_and_says_of_which_trunk_and_goes_on(swarm, steps, tmp_path):
    whole = train_swarm(**swarm)
    late = {**swarm, "checkpoints": tmp_path / "other", "runtime": Runtime(micro_batch=8, job=Job(minutes=1e-9))}
    for step in (1, 2, 3):
        with pytest.raises(UserError, match=rf"trunk sweep_00: stopped at step {step} of 12, saved; start again"):
            train_swarm(**late)
    done = len(steps)
    late["runtime"] = Runtime(micro_batch=8)
    assert without_times(train_swarm(**late)["runs"]) == without_times(whole["runs"])
    assert len(steps) - done == done - 3 - 3


def test_the_time_of_a_job_counts_over_all_of_its_trainings(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    job = Job(minutes=10)
    now[0] += 0.94 * 600
    assert not job.short_of_time()
    now[0] += 0.02 * 600
    assert job.short_of_time() and not Job().short_of_time()


def test_a_process_told_to_end_saves_and_the_next_one_goes_on(swarm, tmp_path):
    spec = {**SPEC, "tokens": 100 * STEP}
    points = {"kind": "dirichlet", "count": 2, "concentration": 1.0, "oversampling": 4, "seed": 0}
    values = {
        "experiment": "laws",
        "swarm": "sweep",
        "tokenizer": swarm["tokenizer"],
        "spec": json.dumps(spec),
        "points": json.dumps(points),
        "trunks": json.dumps(TRUNKS[:1]),
        "branches": json.dumps(swarm["branches"]),
        "evaluation": "{}",
        "tokens": 1000,
        "max-epochs": 4,
        "checkpoints": swarm["checkpoints"],
        "micro-batch": 8,
        "output": tmp_path / "out.json",
    }
    options = [part for key, value in values.items() for part in (f"--{key}", str(value))]
    stores = ["--stores", *map(str, swarm["stores"])]
    lists = ["--sources", *SOURCES, *stores, "--weights", "--suites"]
    command = [sys.executable, "workflow/scripts/train_swarm.py", *options, *lists]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    while not list(swarm["checkpoints"].glob("*.json")):
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    errors = process.communicate()[1]
    assert process.returncode == 1 and "start again to go on" in errors
    assert not (tmp_path / "out.json").exists()
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr.count("\n") == 1 and "sweep_00: measured" in done.stderr
    found = read_json(tmp_path / "out.json")
    assert list(found) == ["experiment", "swarm", "sources", "peak_memory_bytes", "evaluation_tokens", "runs"]
    given = read_evidence(swarm["stores"], 1000, 4)
    mixtures = {**swarm["mixtures"], **dict(zip(POINTS, design_points(points, SOURCES, given), strict=True))}
    again = {**swarm, "mixtures": mixtures, "checkpoints": tmp_path / "other", "spec": spec, "trunks": TRUNKS[:1]}
    assert without_times(found["runs"]) == without_times(train_swarm(**again)["runs"])


def test_capabilities_are_measured_of_finished_trunks_and_kept(swarm, steps, tmp_path):
    asked = []

    class Asked(Judge):
        def check(self, context):
            pass

        def scores(self, model):
            asked.append(sum(parameter.numel() for parameter in model.parameters()))
            return {"facts": 0.25}

    (tmp_path / "suite.yaml").write_text("suite: any")
    judge = Asked(suites=[tmp_path / "suite.yaml"], settings={}, tokenizer=swarm["tokenizer"])
    rows = train_swarm(**swarm, judge=judge)["runs"]
    assert [row["capabilities"] for row in rows] == [{"facts": 0.25}, {"facts": 0.25}, None]
    assert [row["seconds"] for row in rows] == pytest.approx([kept_seconds(swarm, row) for row in rows])
    assert len(asked) == 2 and train_swarm(**swarm, judge=judge)["runs"] == rows and len(asked) == 2
    plain = train_swarm(**{**swarm, "checkpoints": tmp_path / "plain"})["runs"]
    assert [row["validation"] for row in plain] == [row["validation"] for row in rows]
    # Another suite is asked anew, of models that are trained again as only losses were kept.
    (tmp_path / "suite.yaml").write_text("suite: other")
    done = len(steps)
    train_swarm(**swarm, judge=Asked(suites=[tmp_path / "suite.yaml"], settings={}, tokenizer=swarm["tokenizer"]))
    assert len(asked) == 4 and len(steps) - done == 12 + 12


def test_losses_before_the_first_step_are_measured_where_they_are_asked_for_and_change_nothing(swarm, tmp_path):
    plain = train_swarm(**swarm)["runs"]
    initial = train_swarm(**{**swarm, "checkpoints": tmp_path / "other"}, initial=True)["runs"]
    assert all(row["initial"] is None for row in plain)
    assert all(set(row["initial"]) == set(SOURCES) for row in initial)
    # An untrained model knows nothing: its loss is near that of guessing among 300 tokens.
    assert all(abs(loss - 5.7) < 0.3 for row in initial for loss in row["initial"].values())
    assert [(a["validation"], a["test"]) for a in plain] == [(b["validation"], b["test"]) for b in initial]
    assert [without_times(row["branches"]) for row in plain] == [without_times(row["branches"]) for row in initial]


def test_branches_of_a_set_leave_and_end_where_the_run_spec_says_and_errors_name_the_set():
    spec = RunSpec.from_json(SPEC)
    assert BranchSet.of("rest", REST, spec) == BranchSet(start=6, end=12, mixtures=POINTS, corners=[])
    with pytest.raises(UserError, match=r"^branches\.late\.after: 2,304 tokens are step 12 of 12; .* the last step"):
        BranchSet.of("late", {**REST, "after": 12 * STEP}, spec)
