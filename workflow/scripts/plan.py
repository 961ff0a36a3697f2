"""Print the plans of experiments, one after another."""

from pathlib import Path

from emulsion import command
from emulsion.command import Some


def main(*, plans: Some[Path]) -> None:
    """
    :param plans: plan.md of each experiment
    """
    print("\n".join(plan.read_text(encoding="utf-8") for plan in plans))


if __name__ == "__main__":
    command.run(main)
