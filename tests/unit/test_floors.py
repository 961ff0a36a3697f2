"""The house: which room may lean on which."""

import re
from collections import Counter
from pathlib import Path

import pytest

from emulsion.study.imports import modules_of

LIBRARY = Path(__file__).parents[2] / "workflow/scripts/emulsion"
FLOORS = {
    "report": 6,
    "figures": 6,
    "study": 5,
    "analysis": 4,
    "training": 3,
    "evaluation": 3,
    "methods": 2,
    "data": 1,
    "synthetic": 1,
    "laws": 1,
    "merging": 1,
    "world": 1,
}
FILES = sorted(LIBRARY.rglob("*.py"))


def room(file: Path) -> str:
    return file.relative_to(LIBRARY).parts[0]


def floor(file: Path) -> int:
    return FLOORS.get(room(file), 0)


def imported(file: Path) -> list[Path]:
    """What a file imports; the packages on the way to a module of its own room do not count."""
    return [module for module in modules_of(file) if module != LIBRARY / "__init__.py" and module != file]


def test_every_room_has_a_floor():
    assert {room(file) for file in FILES if file.parent != LIBRARY} == set(FLOORS)


def test_a_file_of_the_library_is_named_once():
    counts = Counter(file.name for file in FILES if file.name != "__init__.py")
    assert [name for name, count in counts.items() if count > 1] == []


def test_no_file_is_longer_than_a_reader_wants_it_whole():
    house = LIBRARY.parents[2]
    files = [file for part in ("workflow", "tests", "benchmarks") for file in (house / part).rglob("*.py")]
    lengths = {file: len(file.read_text("utf-8").splitlines()) for file in [*files, *house.glob("rules/*.smk")]}
    assert {str(file.relative_to(house)): length for file, length in lengths.items() if length > 400} == {}


def test_the_page_of_the_house_and_the_library_name_every_room_on_its_floor():
    page = (LIBRARY.parents[2] / "docs/architecture.md").read_text()
    rooms: dict[int, set[str]] = {number: set() for number in range(7)}
    for name, number in FLOORS.items():
        rooms[number].add(name)
    below = {file.stem for file in LIBRARY.glob("*.py")} - {"__init__"}
    for number, names in rooms.items():
        [row] = re.findall(rf"(?m)^\| {number} \| (.*?) \|", page)
        assert set(re.findall(r"`(\w+)`", row)) == (names or below)
        [line] = re.findall(rf"(?m)^{number}  (.*?)  ", (LIBRARY / "__init__.py").read_text())
        assert not names or set(line.split(", ")) == names


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(LIBRARY)))
def test_no_module_imports_from_a_floor_above(file):
    assert [str(each.relative_to(LIBRARY)) for each in imported(file) if floor(each) > floor(file)] == []


def test_no_modules_import_one_another_in_a_circle():
    graph = {file: [each for each in imported(file) if each.name != "__init__.py"] for file in FILES}
    done: set[Path] = set()

    def visit(file: Path, way: list[Path]) -> None:
        assert file not in way, " -> ".join(each.stem for each in [*way[way.index(file) :], file])
        if file not in done:
            for each in graph[file]:
                visit(each, [*way, file])
            done.add(file)

    for file in FILES:
        visit(file, [])


def test_no_module_imports_snakemake():
    assert [file.name for file in FILES if "import snakemake" in file.read_text()] == []
