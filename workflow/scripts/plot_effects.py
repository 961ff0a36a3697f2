"""Draw what each source does to the losses over a run, and how it looks with a diagonal, from dynamic_law.json."""

from emulsion import command
from emulsion.figures.effects import draw_effects
from emulsion.figures.run_files import Record


def main(*, record: Record) -> None:
    record.draw(draw_effects)


if __name__ == "__main__":
    command.run(main)
