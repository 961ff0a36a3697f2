"""Draw what each source contributes to capabilities and losses, from contributions.json."""

from emulsion import command
from emulsion.figures.contributions import draw_contributions
from emulsion.figures.run_files import Record


def main(*, record: Record) -> None:
    record.draw(draw_contributions)


if __name__ == "__main__":
    command.run(main)
