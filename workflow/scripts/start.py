"""From folders of text to a configuration: looks at them, measures this machine, says what it chose and why.

A configuration that is there already for the same request is kept, so that interrupted work resumes.
"""

import logging
import os
import re
import sys
from pathlib import Path

from cyclopts.types import PositiveFloat, PositiveInt

from emulsion import command
from emulsion.command import Some
from emulsion.data.sources.folders import flattened, look
from emulsion.data.sources.memory import bound_memory
from emulsion.errors import UserError
from emulsion.fields import read_yaml
from emulsion.files import write_jsonl, write_text
from emulsion.report.start import looks_table, reasons_table, unread_lines
from emulsion.study.proposal import first_model, names_of, notes_of, propose, written
from emulsion.training.speed import measure

SCHEMA = Path(__file__).parents[1] / "schemas/config.schema.yaml"
BASE = Path(__file__).parents[2] / "config.yaml"


def main(
    *,
    texts: Some[str],
    minutes: PositiveFloat = 15,
    cores: PositiveInt = 2,
    name: str = "mix",
    columns: list[str] | None = None,
    flatten: list[str] | None = None,
    seconds: PositiveFloat = 4,
    output: Path | None = None,
) -> None:
    """
    :param texts: folders of text, or files; each is a source with the folder's name
    :param minutes: time until the decision
    :param cores: trainings at once
    :param name: name of the experiment
    :param columns: SOURCE=COLUMN: what to read of records, where a dot leads into records
    :param flatten: sources of nested JSON whose fields are all read, a line each
    :param seconds: to measure the speed for
    :param output: configuration to write; by default {name}.yaml
    """
    bound_memory()
    output = output or Path(f"{name}.yaml")
    request = f"# Written by start.py for: {' '.join([name, *texts, *(columns or []), *(flatten or [])])}"
    if output.exists():
        if output.read_text(encoding="utf-8").partition("\n")[0] != request:
            raise UserError(f"{output}: is there already, for another request; delete it, or take another name.")
        print(f"{output} is there already for these folders, and is kept; delete it to choose anew.")
        return
    form = read_yaml(SCHEMA)
    names = form["$defs"]["file_name"]
    if not re.search(names["pattern"], name):
        raise UserError(f"--name: '{name}' cannot be a name here. {names['description']}")
    # What is written is laid over this one, and entries of the same name would be read as one.
    below = read_yaml(Path("config.yaml") if Path("config.yaml").exists() else BASE)
    for section in ("experiments", "tokenizers", "models", "training"):
        if name in (below.get(section) or {}):
            raise UserError(f"--name: '{name}' is one of `{section}` in config.yaml, and would be read; take another.")
    sources = names_of(texts, names["pattern"], below.get("sources") or {})
    if cores > (most := max(2, os.cpu_count() or 2)):
        raise UserError(
            f"--cores: {cores} trainings at once are more than this machine has processors: {most} at most."
        )
    if len(sources) == 1:
        raise UserError(f"--texts: {texts[0]} alone leaves nothing to mix; name two folders or more.")
    chosen = dict(each.partition("=")[::2] for each in columns or [])
    for source in (*chosen, *(flatten or [])):
        if source not in sources:
            raise UserError(f"'{source}' is not one of the sources: {', '.join(sources)}.")
    for source in chosen:
        if not chosen[source]:
            raise UserError(f"--columns: '{source}' has no column; write {source}=COLUMN.")
    for source in flatten or []:
        flat = Path("texts/flattened", source, "records.jsonl")
        write_jsonl(flat, flattened(sources[source], source))
        sources[source] = str(flat.parent)
    looks = {source: look(folder, source, chosen.get(source)) for source, folder in sources.items()}
    notes = notes_of(looks)
    print("\n".join([looks_table(looks), *unread_lines(looks), *notes, "", "Measuring the speed of this machine ..."]))
    sys.stdout.flush()
    proposal = propose(name, looks, minutes, cores, measure(*first_model(looks), cores, seconds), SCHEMA)
    print("\n".join([reasons_table(proposal.reasons), "", f"Written to {output}."]))
    write_text(output, written(proposal, name, request, notes))
    logging.info("%s: written", output)


if __name__ == "__main__":
    command.run(main)
