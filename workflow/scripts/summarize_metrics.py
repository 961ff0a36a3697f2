"""Hold the runs of an experiment against its limits and against published results, and collect what they wrote."""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.analysis.metrics import criteria, reproducibility, run_metrics
from emulsion.analysis.published import load_published
from emulsion.command import Json, Some
from emulsion.evaluation.quality import DEFINITIONS
from emulsion.files import read_jsonl, read_object, write_json, write_text
from emulsion.report.metrics_page import generations_text, metrics_markdown
from emulsion.training.log import read_log
from emulsion.trust import check_file


def main(
    *,
    experiment: str,
    title: Json,
    limits: Json,
    published: Sequence[Path] = (),
    runs: Some[str],
    records: Some[Path],
    perplexity: Some[Path],
    capabilities: Some[Path],
    generations: Some[Path],
    logs: Some[Path],
    tasks: Sequence[Path] = (),
    json: Path,
    markdown: Path,
    texts: Path,
) -> None:
    """
    :param experiment: name of the experiment
    :param title: the question it answers, as JSON
    :param limits: {perplexity, coherent, spread}, as JSON
    :param published: YAML file of published results
    :param runs: names of the runs, in the order of their files
    :param records: one file per run, in their order
    :param perplexity: one file per run, in their order
    :param capabilities: one file per run, in their order
    :param generations: one file per run, in their order
    :param logs: one file per run, in their order
    :param tasks: lm_eval.json per run, where there are any
    :param json: for programs
    :param markdown: for people
    :param texts: every generation, as text
    """
    written = {}
    for run, scores, file in zip(runs, capabilities, generations, strict=True):
        if wanted := read_object(scores).get("generations_sha256"):
            check_file(file, wanted, scores)
        written[run] = read_jsonl(file)
    found = {
        run: run_metrics(
            read_object(record), read_object(losses), read_object(scores), written[run], read_log(log), limits
        )
        for run, record, losses, scores, log in zip(runs, records, perplexity, capabilities, logs, strict=True)
    }
    for run, answers in zip(runs, map(read_object, tasks), strict=False):
        found[run]["tasks"] = answers["tasks"]
    over_seeds = reproducibility(found, limits["spread"])
    metrics = {
        "experiment": experiment,
        "title": title,
        "limits": limits,
        "criteria": criteria(found, over_seeds, limits),
        "runs": found,
        "reproducibility": over_seeds,
        "published": next(map(load_published, published), None),
        "definitions": DEFINITIONS,
    }
    write_json(json, metrics)
    write_text(markdown, metrics_markdown(metrics))
    write_text(texts, generations_text(written))


if __name__ == "__main__":
    command.run(main)
