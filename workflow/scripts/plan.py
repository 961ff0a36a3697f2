"""Print the plans of experiments, one after another."""

from collections.abc import Sequence
from pathlib import Path

from emulsion import command


def main(*, plans: Sequence[Path] = ()) -> None:
    """
    :param plans: plan.md of each experiment; none where the configuration is about none
    """
    print("\n".join(plan.read_text(encoding="utf-8") for plan in plans) or "The configuration is about no experiment.")


if __name__ == "__main__":
    command.run(main)
