"""Checks on studies of mixing laws."""

from __future__ import annotations

from collections.abc import Iterator

from emulsion.study.catalogue import Config
from emulsion.study.told import known


def studies(config: Config) -> Iterator[str]:
    for study, chosen in config["law_studies"].items():
        where = f"law_studies.{study}"
        if study in config["experiments"]:
            yield f"{where}: an experiment has this name too, and their files would lie in one folder; choose another."
        for table in chosen["tables"]:
            for label, name in table["settings"].items():
                place = f"{where}: '{table['title']}', '{label}'"
                yield from known("experiment", name, config["experiments"], place)
                if name in config["experiments"] and not config["experiments"][name]["laws"]:
                    yield f"{place}: experiment '{name}' has no `laws`."
