"""The model card: what a model was trained on, how much, and what came out."""

from __future__ import annotations

from typing import Any


def model_card(record: dict[str, Any]) -> str:
    """Markdown with the front matter of the Hugging Face hub, from the record of a run (`run.json`)."""
    licences = sorted({" ".join(source.get("licence", "unstated").split()) for source in record["sources"].values()})
    lines = [
        "---",
        "library_name: transformers",
        "pipeline_tag: text-generation",
        "license: other",
        "tags: [data-mixing, emulsion]",
        "---",
        "",
        f"# {record['experiment']}-{record['mixture']}",
        "",
        f"A {record['parameters']:,}-parameter {record['spec']['model']['architecture']} model trained on "
        f"{record['tokens']:,} tokens of the mixture `{record['mixture']}`.",
        "",
        "## Mixture",
        "",
        "| source | ratio | realised share | tokens | epochs | validation loss (nats/token) | origin | licence |",
        "|---|---|---|---|---|---|---|---|",
        *(_source_row(name, record) for name in record["mixing_ratios"]),
        "",
        _decided(record["method"]) if "method" in record else _stages(record["schedule"]),
        "",
        "## Training",
        "",
        f"{record['steps']:,} steps of {record['tokens'] // record['steps']:,} tokens, peak learning rate "
        f"{record['spec']['learning_rate']:g}, seed {record['spec']['seed']}, precision "
        f"{'fp32' if record['precision'] == 'no' else record['precision']}, "
        f"on {record['devices']} x {record['device']}. Run identity `{record['identity']}`; tokenizer "
        f"`{record['tokenizer']}`. {_start(record['initial_weights'])} "
        "All of it is in `run.json`, the loss at every step in `training_log.jsonl`.",
        "",
        f"Licences of the data: {', '.join(licences)}.",
        "",
    ]
    return "\n".join(lines)


def _source_row(name: str, record: dict[str, Any]) -> str:
    origin = record["sources"][name]
    where = origin.get("id") or origin.get("like") or ", ".join(origin.get("addresses", ())) or "local files"
    revision = f" at `{origin['revision']}`" if "revision" in origin else ""
    cells = [
        name,
        f"{record['mixing_ratios'][name]:.4f}",
        f"{record['realised_shares'][name]:.4f}",
        f"{record['tokens_per_source'][name]:,}",
        f"{record['epochs_per_source'][name]:.2f}",
        f"{record['validation'][name]:.4f}",
        f"{origin.get('kind', 'unstated')}: {where}{revision}",
        origin.get("licence", "unstated"),
    ]
    texts = [" ".join(cell.split()).replace("|", "\\|") for cell in cells]
    return f"| {' | '.join(texts)} |"


def _start(weights: dict[str, Any] | None) -> str:
    if weights is None:
        return "It started from random weights."
    revision = f" at `{weights['revision']}`" if "revision" in weights else ""
    return f"It started from the weights of `{weights.get('id', weights.get('folder'))}`{revision}."


def _decided(method: dict[str, Any]) -> str:
    weighs = method["values"].get("act_on") == "loss"
    ratios = "it weighed losses by it, and ratios are what was drawn" if weighs else "ratios are means over the run"
    return (
        f"An online method decided the mixture during the run, in {method['rounds']} rounds: {ratios}. "
        "`run.json` has its settings and its schedule, `training_log.jsonl` what it saw."
    )


def _stages(schedule: list[dict[str, Any]]) -> str:
    if len(schedule) == 1:
        return "The mixture is constant over the run."
    parts = [
        f"until {100 * stage['until']:.0f} %: "
        + ", ".join(f"{name} {weight:.3f}" for name, weight in stage["weights"].items())
        for stage in schedule
    ]
    return "The mixture changes over the run: " + "; ".join(parts) + "."
