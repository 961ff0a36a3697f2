"""Draw how alike methods' effects and the fitted ones are against how much better than stratified sampling they are."""

from emulsion import command
from emulsion.figures.command import Record
from emulsion.figures.method_similarity import draw_method_similarity


def main(*, record: Record) -> None:
    record.draw(draw_method_similarity)


if __name__ == "__main__":
    command.run(main)
