"""Every benchmark that needs no data from elsewhere runs in its smallest form, and refuses what it cannot measure."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# What it is called with -> lines of its table, or of JSON.
QUICK = {
    "asked_twice --pairs 2": 9,
    "checkpoints --steps 2 --saves 1": 8,
    "claims losses --repetitions 1": 5,
    "claims noisy --repetitions 1": 11,
    "cleaning --megabytes 0.5": 4,
    "dag --strategies 2": 1,
    "dag --shards 2 3": 2,
}
LONGER = {
    "activation": 0,
    "claims coverage --repetitions 1": 8,
    "claims predictions --repetitions 1": 12,
    "claims sets --repetitions 1": 12,
    "claims text --repetitions 1": 7,
    "claims winners --repetitions 1": 7,
    "data_path --megabytes 2": 10,
    "guards --worlds 1 --guards 1": 3,
    "law_fitting --starts 2": 4,
    "loading --rounds 1": 1,
    "methods --tokens 40000 --batch 2 --megabytes 2": 9,
    "optimizer --trials 1 --sources 3": 4,
    "plan --sequences 1000000 --sources 10 --samples 2": 3,
    "training --steps 8 --rounds 1": 4,
    "worlds": 11,
}


def run(words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    script, *options = words.split()
    command = [sys.executable, str(ROOT / f"benchmarks/{script}.py"), *options]
    without_gpu = {**os.environ, "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.run(command, cwd=folder, env=without_gpu, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("words", "lines"), [*QUICK.items(), *(pytest.param(*each, marks=pytest.mark.slow) for each in LONGER.items())]
)
def test_a_benchmark_runs_in_its_smallest_form(words, lines, tmp_path):
    done = run(words, tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    found = [line for line in done.stdout.splitlines() if line.startswith(("|", "{"))]
    assert done.stdout and len(found) == lines, done.stdout
    assert not re.search(r"\bnan\b", done.stdout)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("asked_twice --seeds 8", "--seeds: of 16 recorded seeds, two sets of 8 leave none to judge them by."),
        ("asked_twice --results nowhere", "--results: nowhere/recommendations.json: no such file."),
        ("left_out --tokens 0 --tokenizer t nowhere", "--tokens: 0 are no run; it takes 1 or more."),
        ("left_out --tokens 1 --tokenizer t nowhere", "nowhere: no files of a swarm"),
        ("real_text --packages . --output out", "--packages: .: no file matches 'chitchat_dataset-*.whl'"),
        ("training --steps 7", "--steps: 7 leave none to be timed; it takes 8 or more."),
        ("training --loops Trainers", "invalid choice: 'Trainers'"),
        ("washout .", "no runs of studywashout; config/washout.yaml says how to train them."),
        ("worlds nowhere.json", "nowhere.json: no such file"),
    ],
)
def test_a_benchmark_refuses_what_it_cannot_measure(words, told, tmp_path):
    done = run(words, tmp_path)
    assert done.returncode == 2
    assert told in done.stderr and "Traceback" not in done.stderr


def test_studies_with_and_without_an_optimum_are_compared(tmp_path):
    told = {"decision": {"winner": "a", "tied": ["a"]}}
    told["recommended"] = {"mixture": "a", "ratios": {"x": 0.5, "y": 0.5}, "score": 0.6}
    optimum = {"predicted": 0.7, "predicted_interval": [0.6, 0.8], "realised": 0.65, "validation": None}
    for name, found in (("with", optimum), ("without", None)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "recommendations.json").write_text(json.dumps({**told, "optimum": found}))
    said = run("asked_twice --results with without", tmp_path).stdout
    assert "| with | a | a: 50, 50 % | 0.600 | 0.700 (0.600 to 0.800) | 0.650 |" in said
    assert "| without | a | a: 50, 50 % | 0.600 | none |  |" in said


def test_what_lasts_of_a_share_is_read_off_the_curves_of_runs(tmp_path):
    for part in ("code", "docstrings", "tables"):
        for way, sign in (("up", -1), ("down", 1)):
            for held in ("round", "fifth"):
                for seed, noise in enumerate((0.0, 0.002)):
                    folder = tmp_path / f"studywashout-{part}_{way}_{held}{f'-seed{seed}' * (seed > 0)}"
                    folder.mkdir()
                    rows = []
                    for number in range(1, 21):  # half of what a share did is gone later
                        left = 1.0 if number < 11 else 0.5
                        losses = dict.fromkeys(("stdlib_code", "stdlib_docstrings", "stdlib_tables"), 3.0)
                        losses[f"stdlib_{part}"] += sign * (0.02 * left + noise)
                        rows.append(json.dumps({"step": 10 * number, "validation": losses}))
                    (folder / "training_log.jsonl").write_text("\n".join(rows))
    done = run(f"washout {tmp_path}", tmp_path)
    assert done.returncode == 0, done.stderr
    [code] = [line for line in done.stdout.splitlines() if line.startswith("| a round | code | itself")]
    means = [float(cell.split()[0]) for cell in code.split("|")[4:8]]
    assert means == [-42.0, -22.0, -22.0, -22.0]
    others = [line for line in done.stdout.splitlines() if "| others |" in line]
    assert len(others) == 6 and all("| +0.0 [+0.0, +0.0] |" in line for line in others)


def test_what_lasts_of_a_share_takes_pairs_of_two_seeds(tmp_path):
    def train(name, steps=20):
        (tmp_path / name).mkdir(exist_ok=True)
        losses = dict.fromkeys(("stdlib_code", "stdlib_docstrings", "stdlib_tables"), 3.0)
        rows = [json.dumps({"step": number, "validation": losses}) for number in range(1, steps + 1)]
        (tmp_path / name / "training_log.jsonl").write_text("\n".join(rows))

    def told():
        done = run(f"washout {tmp_path}", tmp_path)
        assert done.returncode == 2 and "Traceback" not in done.stderr
        return done.stderr

    train("studywashout-code_up_round")
    assert "studywashout-code_down_round/training_log.jsonl: no such file" in told()
    train("studywashout-code_down_round")
    assert "1 seeds of studywashout-code_up_round; an interval takes two or more." in told()
    train("studywashout-code_up_round-seed1")
    train("studywashout-code_down_round-seed1", steps=7)
    assert "was evaluated at other shares of the run than" in told()


def test_runs_left_out_are_of_a_swarm_that_has_enough_of_them(tmp_path, store_folders):
    swarm, tokens = tmp_path / "results/e/swarms/s", tmp_path / "data/tokens/t"
    swarm.mkdir(parents=True)
    tokens.mkdir(parents=True)
    losses, rows = dict.fromkeys(store_folders, 3.0), []
    for source, folder in store_folders.items():
        (tokens / source).symlink_to(folder)
        shares = {name: 0.9 if name == source else 0.1 for name in store_folders}
        row = {"run": source, "weights": shares, "epochs": shares, "validation": losses, "capabilities": None}
        rows.append(
            {**row, "finished": True, "initial": None, "tokens": 9, "curve": [{"tokens": 4, "validation": losses}]}
        )
    (swarm / "000.json").write_text(json.dumps({"runs": rows}))
    done = run(f"left_out --tokens 9 --tokenizer t {swarm}", tmp_path)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"{swarm}: emulsion: runs on {len(rows) - 1} different mixtures are not enough" in done.stderr
