"""Set the leaderboards of several settings side by side."""

from pathlib import Path

from emulsion import command
from emulsion.analysis.across_settings import across_settings
from emulsion.command import Json, Some
from emulsion.files import read_object, write_json, write_text
from emulsion.report.settings_board import markdown


def main(*, title: Json, settings: Json, prefixes: Json, boards: Some[Path], json: Path, page: Path) -> None:
    """
    :param title: of the study, as JSON
    :param settings: {label: experiment}, as JSON
    :param prefixes: {experiment: what tables leave out of the names of its methods}, as JSON
    :param boards: methods.json of every experiment, in the same order
    :param json: for programs
    :param page: for people
    """
    contents = [read_object(board) for board in boards]
    found = across_settings(title, settings, dict(zip(settings.values(), contents, strict=True)), prefixes)
    write_json(json, found)
    write_text(page, markdown(found))


if __name__ == "__main__":
    command.run(main)
