"""Hold the runs of an experiment against its limits and against published results, and collect what they wrote."""

import argparse
import json
from pathlib import Path

from emulsion import command
from emulsion.analysis.metrics import criteria, reproducibility, run_metrics
from emulsion.analysis.published import load_published
from emulsion.evaluation.quality import DEFINITIONS
from emulsion.files import read_json, read_jsonl, write_json, write_text
from emulsion.report.metrics import generations_text, metrics_markdown

KINDS = ("records", "perplexity", "capabilities", "generations", "logs")


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--title", required=True, help="the question it answers")
    parser.add_argument("--limits", required=True, type=json.loads, help="{perplexity, coherent, spread}, as JSON")
    parser.add_argument("--published", nargs="*", type=Path, default=[], help="YAML file of published results")
    parser.add_argument("--runs", required=True, nargs="+")
    for kind in KINDS:
        parser.add_argument(f"--{kind}", required=True, nargs="+", type=Path, help="one file per run, in their order")
    parser.add_argument("--tasks", nargs="*", default=[], type=Path, help="lm_eval.json per run, where there are any")
    parser.add_argument("--json", required=True, type=Path)
    parser.add_argument("--markdown", required=True, type=Path)
    parser.add_argument("--texts", required=True, type=Path, help="every generation, as text")
    return parser.parse_args()


def main() -> None:
    arguments = parse()
    generations = dict(zip(arguments.runs, map(read_jsonl, arguments.generations), strict=True))
    files = zip(
        arguments.runs, arguments.records, arguments.perplexity, arguments.capabilities, arguments.logs, strict=True
    )
    runs = {
        run: run_metrics(
            read_json(record), read_json(losses), read_json(scores), generations[run], read_jsonl(log), arguments.limits
        )
        for run, record, losses, scores, log in files
    }
    for run, tasks in zip(arguments.runs, map(read_json, arguments.tasks), strict=False):
        runs[run]["tasks"] = tasks["tasks"]
    over_seeds = reproducibility(runs, arguments.limits["spread"])
    found = {
        "experiment": arguments.experiment,
        "title": arguments.title,
        "limits": arguments.limits,
        "criteria": criteria(runs, over_seeds, arguments.limits),
        "runs": runs,
        "reproducibility": over_seeds,
        "published": next(map(load_published, arguments.published), None),
        "definitions": DEFINITIONS,
    }
    write_json(arguments.json, found)
    write_text(arguments.markdown, metrics_markdown(found))
    write_text(arguments.texts, generations_text(generations))


if __name__ == "__main__":
    command.run(main)
