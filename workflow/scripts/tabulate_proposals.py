"""Set what methods propose from one table of finished runs side by side."""

from pathlib import Path

from emulsion import command
from emulsion.command import Some
from emulsion.files import read_json, write_text
from emulsion.report.proposals import proposals_page


def main(*, table: str, proposals: Some[Path], output: Path) -> None:
    """
    :param table: name of the table
    :param proposals: what each method wrote; a file's name is the method's
    :param output: page to write
    """
    write_text(output, proposals_page(table, {file.stem: read_json(file) for file in proposals}))


if __name__ == "__main__":
    command.run(main)
