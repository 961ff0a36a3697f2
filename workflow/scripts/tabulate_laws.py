"""Set the laws of a study's settings beside each other in tables."""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command
from emulsion.command import Json
from emulsion.files import read_object, write_json, write_text
from emulsion.laws.study.published_tables import study as tabulate
from emulsion.report.law_tables import law_tables


def main(
    *,
    study: str,
    title: Json,
    tables: Json,
    static: Sequence[Path] = (),
    dynamic: Sequence[Path] = (),
    greedy: Sequence[Path] = (),
    similarity: Sequence[Path] = (),
    json: Path,
    markdown: Path,
) -> None:
    """
    :param study: name of the study
    :param title: title of it, as JSON
    :param tables: the study's tables, as JSON
    :param static: files of any of the settings
    :param dynamic: files of any of the settings
    :param greedy: files of any of the settings
    :param similarity: files of any of the settings
    :param json: for programs
    :param markdown: for people
    """
    kinds = {"static": static, "dynamic": dynamic, "greedy": greedy, "similarity": similarity}
    results = {kind: [read_object(file) for file in files] for kind, files in kinds.items()}
    found = tabulate(study, title, tables, results)
    write_json(json, found)
    write_text(markdown, law_tables(found))


if __name__ == "__main__":
    command.run(main)
