"""Draw the conclusions of an experiment, for people and for programs."""

from pathlib import Path

from emulsion import command
from emulsion.files import write_json, write_text
from emulsion.report.conclusion import ConclusionFiles
from emulsion.report.front_page import front_page_rst
from emulsion.report.markdown import markdown as in_markdown
from emulsion.report.recommendations import recommendations


def main(*, files: ConclusionFiles, json: Path, markdown: Path, answer: Path) -> None:
    """
    :param json: for programs
    :param markdown: for people
    :param answer: reStructuredText for the report's first page
    """
    found = recommendations(files.read())
    write_json(json, found)
    write_text(markdown, in_markdown(found))
    write_text(answer, front_page_rst(found))


if __name__ == "__main__":
    command.run(main)
