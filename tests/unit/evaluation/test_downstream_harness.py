"""lm-eval itself on items of our own; skipped where it is not installed, for it is optional."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("lm_eval", reason="lm-eval is optional and not installed")

from emulsion.errors import UserError
from emulsion.evaluation.downstream import DownstreamSettings, TaskAnswers, differences
from emulsion.evaluation.harness import TOO_LONG, ask, load_tasks
from emulsion.files import write_jsonl

SCRIPTS = Path(__file__).resolve().parents[3] / "workflow" / "scripts"

CAPITALS = {
    "task": "capitals",
    "output_type": "multiple_choice",
    "doc_to_text": "{{question}}",
    "doc_to_choice": "{{choices}}",
    "doc_to_target": "answer",
    "metric_list": [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in ("acc", "acc_norm")],
    "metadata": {"version": 1.0},
}
LAST_WORD = {
    "task": "last_word",
    "output_type": "loglikelihood",
    "doc_to_text": "{{text}}",
    "doc_to_target": "{{' ' + word}}",
    "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    "metadata": {"version": 2.0},
}
QUESTIONS = [
    {"question": "The capital of France is", "choices": ["Paris.", "rain."], "answer": 0},
    {"question": "The city was free of ", "choices": ["rain.", "one plus three", "four"], "answer": 0},
    {
        "question": "One plus three is four: 1 + 3 = 4. " * 8 + "One plus three is",
        "choices": ["four", "one"],
        "answer": 0,
    },
    {"question": "One plus", "choices": ["three is four " * 40, "four"], "answer": 1},
    {"question": "The capital of", "choices": ["rain", "France"], "answer": 1},
]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for definition in (CAPITALS, LAST_WORD):
        path = tmp_path / "tasks" / f"{definition['task']}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(yaml.safe_dump(definition))
    write_jsonl(tmp_path / "tasks/capitals.jsonl", QUESTIONS)
    write_jsonl(tmp_path / "tasks/last_word.jsonl", [{"text": "The capital of France is", "word": "Paris."}] * 2)
    return tmp_path / "tasks"


def asked(model: Any, tokenizer: Any, folder: Path, task: str = "capitals", **others: Any) -> TaskAnswers:
    (answers,) = ask(model, tokenizer, DownstreamSettings(tasks=(task,), task_files=folder, **others), seed=0)
    return answers


def test_lm_eval_and_our_own_code_find_the_same_log_likelihoods(model: Any, tokenizer: Any, folder: Path) -> None:
    for task in ("capitals", "last_word"):
        answers = asked(model, tokenizer, folder, task).answers
        nats, others = differences(model, tokenizer, answers, batch=4)
        assert len(nats) + others == sum(len(answer.pairs) for answer in answers)
        assert len(nats) >= 2
        assert nats.max() < 1e-3


def test_an_item_is_right_where_its_answer_is_likeliest(gpt2: Any, tokenizer: Any, folder: Path) -> None:
    for answer in asked(gpt2, tokenizer, folder).answers:
        likeliest = max(range(len(answer.pairs)), key=answer.log_likelihoods.__getitem__)
        assert answer.metrics["acc"] == float(likeliest == QUESTIONS[answer.item]["answer"])


def test_an_item_that_cannot_be_asked_is_counted_and_a_long_context_is_cut(
    gpt2: Any, tokenizer: Any, folder: Path
) -> None:
    task = asked(gpt2, tokenizer, folder)
    assert [answer.item for answer in task.answers] == [0, 1, 2, 4]
    assert (task.left_out, task.cut) == ({TOO_LONG: 1}, 1)


def test_the_limit_counts_items_that_are_asked(gpt2: Any, tokenizer: Any, folder: Path) -> None:
    assert [answer.item for answer in asked(gpt2, tokenizer, folder, limit=4).answers] == [0, 1, 2, 4]
    fewer = asked(gpt2, tokenizer, folder, limit=2)
    assert ([answer.item for answer in fewer.answers], fewer.left_out) == ([0, 1], {})


def test_a_task_says_its_version_its_data_and_whether_chance_is_known(gpt2: Any, tokenizer: Any, folder: Path) -> None:
    word, choice = asked(gpt2, tokenizer, folder, "last_word"), asked(gpt2, tokenizer, folder)
    assert (word.version, word.chance) == (2.0, None)
    assert choice.chance == pytest.approx((1 / 2 + 1 / 3 + 1 / 2 + 1 / 2) / 4)
    assert choice.data.startswith("capitals.jsonl, sha256 ")


def test_examples_stand_in_front_of_an_item_and_are_not_the_item(gpt2: Any, tokenizer: Any, folder: Path) -> None:
    for answer in asked(gpt2, tokenizer, folder, shots=1, limit=2).answers:
        example, question = answer.pairs[0][0].split("\n\n")
        assert question.strip() == QUESTIONS[answer.item]["question"].strip()
        assert not example.startswith(question)


@pytest.mark.slow
def test_a_task_that_there_is_not_is_refused_with_the_nearest_name(folder: Path) -> None:
    with pytest.raises(UserError, match=r"downstream.tasks: unknown task 'hellaswagg'. Did you mean 'hellaswag'"):
        load_tasks(DownstreamSettings(tasks=("hellaswagg",), task_files=folder))


def test_a_task_that_writes_is_refused(folder: Path) -> None:
    (folder / "capitals.yaml").write_text(yaml.safe_dump({**CAPITALS, "output_type": "generate_until"}))
    with pytest.raises(UserError, match="'capitals' is a task of kind generate_until"):
        load_tasks(DownstreamSettings(tasks=("capitals",), task_files=folder))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "capitals.jsonl: no items"),
        ([QUESTIONS[0], {"question": "What?"}], r"capitals.jsonl:2: columns \['question'\]"),
        ([{"prompt": "What?", "choices": ["a", "b"], "answer": 0}], "cannot read these items.*question"),
        ([QUESTIONS[3]] * 2, "no item can be asked"),
    ],
)
def test_items_that_cannot_be_read_are_refused_in_words(
    gpt2: Any, tokenizer: Any, folder: Path, rows: list[Any], message: str
) -> None:
    write_jsonl(folder / "capitals.jsonl", rows)
    with pytest.raises(UserError, match=message):
        asked(gpt2, tokenizer, folder)


def test_the_script_writes_both_files_beside_the_scripts_whose_names_lm_eval_knows(
    gpt2: Any, tokenizer: Any, folder: Path, tmp_path: Path
) -> None:
    for each in (gpt2, tokenizer):
        each.save_pretrained(tmp_path / "model")
    options = {
        "model": tmp_path / "model",
        "settings": json.dumps({"tasks": ["capitals", "last_word"], "task_files": str(folder)}),
        "evaluation": json.dumps({"resamples": 100}),
        "output": tmp_path / "lm_eval.json",
        "items": tmp_path / "items.jsonl",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_CACHE": str(tmp_path / "cache")}
    subprocess.run([sys.executable, SCRIPTS / "evaluate_downstream.py", *words], check=True, env=os.environ | offline)
    scores = json.loads((tmp_path / "lm_eval.json").read_text())
    assert list(scores["tasks"]) == ["capitals", "last_word"]
    assert (scores["context"], scores["shots"], scores["tasks"]["capitals"]["items"]) == (48, 0, 4)
    assert len((tmp_path / "items.jsonl").read_text().splitlines()) == 6


@pytest.mark.slow
def test_a_task_of_lm_evals_own_keeps_its_prompt_and_takes_the_items_of_a_file(
    gpt2: Any, tokenizer: Any, tmp_path: Path
) -> None:
    rows = [{"goal": "eat", "sol1": "chew", "sol2": "hop", "label": 0}] * 2
    write_jsonl(tmp_path / "piqa.jsonl", rows)
    task = asked(gpt2, tokenizer, tmp_path, "piqa")
    assert task.answers[0].pairs == (("Question: eat\nAnswer:", " chew"), ("Question: eat\nAnswer:", " hop"))
