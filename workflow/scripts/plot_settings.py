"""Draw methods over several settings: differences to stratified sampling with intervals, from settings.json."""

from emulsion import command
from emulsion.figures.run_files import Record
from emulsion.figures.setting_differences import draw_setting_differences


def main(*, record: Record) -> None:
    record.draw(draw_setting_differences)


if __name__ == "__main__":
    command.run(main)
