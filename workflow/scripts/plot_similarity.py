"""Draw how alike methods' effects and the fitted ones are against how much better than stratified sampling they are."""

from emulsion import command
from emulsion.figures.method_similarity import draw_method_similarity
from emulsion.figures.run_files import Record


def main(*, record: Record) -> None:
    record.draw(draw_method_similarity)


if __name__ == "__main__":
    command.run(main)
