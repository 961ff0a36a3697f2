"""Draw the conclusions of an experiment, for people and for programs."""

import argparse
import json
from pathlib import Path
from typing import Any

from emulsion import command
from emulsion.analysis.compare import winner
from emulsion.analysis.criteria import success_criteria
from emulsion.analysis.improvement import improvement
from emulsion.analysis.pareto import pareto, points_of
from emulsion.analysis.scores import MEAN, all_item_scores
from emulsion.analysis.summary import combine
from emulsion.files import read_json, sha256, write_json, write_text
from emulsion.report.exports import SourceSize
from emulsion.report.landing import answer_rst
from emulsion.report.markdown import markdown
from emulsion.report.recommendations import recommendations
from emulsion.study.experiments import by_mixture


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--experiment", required=True)
    parser.add_argument("--title", required=True, help="the question it answers")
    parser.add_argument(
        "--groups", required=True, type=json.loads, help="{candidates, singles: [mixtures], models}, as JSON"
    )
    parser.add_argument("--runs", required=True, nargs="+")
    parser.add_argument("--capabilities", required=True, nargs="+", type=Path, help="capabilities.json of each run")
    parser.add_argument("--records", required=True, nargs="+", type=Path, help="run.json of each run")
    parser.add_argument("--first-seed", required=True, type=int)
    parser.add_argument("--stores", required=True, nargs="+", type=Path, help="headers of the token stores")
    parser.add_argument("--contributions", nargs="*", type=Path, default=[])
    parser.add_argument("--optimum", nargs="*", type=Path, default=[], help="optimal_mix.json")
    parser.add_argument("--repeated", nargs="*", type=Path, default=[], help="run.json of a run and of its repetition")
    parser.add_argument("--heatmap", required=True, type=Path, help="PNG to show beside the answer")
    parser.add_argument("--json", required=True, type=Path)
    parser.add_argument("--markdown", required=True, type=Path)
    parser.add_argument("--answer", required=True, type=Path, help="reStructuredText for the report's first page")
    return parser.parse_args()


def recipe(record: Path) -> dict[str, Any]:
    """What identifies a run, and the fingerprint of the weights it ended with."""
    weights = sha256(record.parent / "model.safetensors")
    return {"run": record.parent.name, "identity": read_json(record)["identity"], "weights": weights}


def source_size(header: Path) -> SourceSize:
    store = read_json(header)
    train, source = store["splits"]["train"], store["source"]
    return SourceSize(tokens=train["tokens"], documents=train["documents"], path=f"data/normalized/{source}.parquet")


def main() -> None:
    arguments = parse()
    records = dict(zip(arguments.runs, arguments.records, strict=True))
    results = by_mixture(arguments.runs, map(read_json, arguments.capabilities), arguments.first_seed)
    scores, candidates = all_item_scores(results), arguments.groups["candidates"]
    contenders = {mixture: scores[mixture] for mixture in candidates}
    summary, compared = combine(scores), combine(contenders)
    groups = next(iter(contenders.values())).groups
    winners = {group: winner(contenders, group) for group in groups}
    best, front = winners[MEAN]["leader"], pareto(points_of(compared))
    singles = arguments.groups["singles"]
    repeated = [recipe(record) for record in arguments.repeated]
    criteria = success_criteria(
        winners[MEAN],
        improvement(scores, best, singles) if singles else None,
        front,
        repeated[0] if repeated else recipe(records[best]),
        repeated[1] if repeated else None,
    )
    optimum = next(map(read_json, arguments.optimum), None)
    found = recommendations(
        arguments.experiment,
        arguments.title,
        summary,
        winners,
        {mixture: read_json(records[mixture])["mixing_ratios"] for mixture in candidates},
        {read_json(header)["source"]: source_size(header) for header in arguments.stores},
        contributions=next(map(read_json, arguments.contributions), None),
        pareto=front,
        optimum=optimum and {**optimum, "comparable": arguments.groups["proxies_are_full_size"]},
        criteria=criteria,
        tokens=read_json(records[best])["tokens"],
        prefer="optimal",
        schedules={mixture: read_json(records[mixture])["schedule"] for mixture in candidates},
        models=arguments.groups["models"],
    )
    write_json(arguments.json, found)
    write_text(arguments.markdown, markdown(found))
    write_text(arguments.answer, answer_rst(found, arguments.heatmap.read_bytes()))


if __name__ == "__main__":
    command.run(main)
