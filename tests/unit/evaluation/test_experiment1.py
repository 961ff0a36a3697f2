"""The suite of experiment 1: every prompt to write to passes a plain reply and refuses deliberate wrong ones."""

from __future__ import annotations

from pathlib import Path

from emulsion.evaluation.checks import passes
from emulsion.evaluation.suites import load_suite

GENERATED = {
    item.id: item
    for item in load_suite(Path(__file__).parents[3] / "resources" / "suites" / "experiment1.yaml").items
    if item.kind == "generation"
}
REPLIES: dict[str, tuple[str, tuple[str, ...]]] = {
    "sleep": (
        "1. Go to bed early.\n2. Drink no coffee.\n3. Keep the room dark.\n4. Read a book.\n5. Stay calm.",
        ("Go to bed early.", "a\nb\nc\nd\ne"),
    ),
    "factorial": (
        "def factorial(n):\n    return 1 if n < 2 else n * factorial(n - 1)",
        ("def factorial(n):\n    return n", "A factorial is a product."),
    ),
    "photosynthesis": ("Plants use the light of the sun to make sugar.", ("light plant", "It is about light.")),
    "colours": ("Red, blue and yellow.", ("Red and blue.", "Green.")),
    "letter": ("Dear Ann, thank you for the lovely book. I read it in a day. Yours, Tom", ("Thank.", "thank " * 9)),
    "tea": (
        "Boil some water, pour it over the tea and wait for three minutes.",
        ("water tea", "tea water " * 9, "Tea is made of water."),
    ),
    "months": (
        "January, February, March, April, May, June, July, August, September, October, November and December.",
        ("January, June, December", "December, June, January"),
    ),
    "summary": (
        "The museum of 1901 shows paintings and coins, free on Sundays.",
        ("museum", "The museum is a house in the town.", "museum " * 9),
    ),
    "story": (
        "A small dog was lost in the woods. It followed the river for two days and found its way home at last.",
        ("dog home", "dog home " * 20, "The dog went home."),
    ),
    "poem": (
        "The sea is wide and deep,\nThe wind is in the sail,\nThe sailors are asleep,\nAnd no one sees the whale.",
        ("The sea is wide and deep.", "sea\nsea\nsea\nsea", "I had a cat\nand it was fat\nand on a mat\nit always sat"),
    ),
    "exercise": ("It keeps your heart healthy and helps you sleep.", ("heart", "It is fun for all of us.")),
    "email": (
        "Dear Lea, could we move our meeting to Friday? I am away on Thursday. Best, Tom",
        ("meeting", "meeting " * 12, "I like meeting you."),
    ),
    "gravity": (
        "It is the force that pulls everything down to the ground.",
        ("gravity", "gravity " * 9, "It is a thing in the sky that we like."),
    ),
    "cities": ("Rome, Milan and Venice.", ("Rome", "Paris, London and Berlin.", "Rome, Rome, Rome")),
    "saving": (
        "1. Cook at home.\n2. Walk to work.\n3. Buy less of what you do not need.",
        ("Cook at home.", "a\nb\nc"),
    ),
    "library": ("It is a quiet house that is full of books.", ("books", "It is a house with a roof.")),
}  # fmt: skip


def accepted(name: str, text: str) -> bool:
    return all(passes(check, text) for check in GENERATED[name].checks)


def test_a_plain_reply_passes_and_wrong_ones_do_not() -> None:
    assert set(REPLIES) == set(GENERATED)
    assert [name for name, (right, _) in REPLIES.items() if not accepted(name, right)] == []
    assert [(name, text) for name, (_, wrong) in REPLIES.items() for text in wrong if accepted(name, text)] == []


def test_no_reply_passes_that_repeats_the_prompt() -> None:
    repeated = [(item, text) for item in GENERATED.values() for text in (item.prompt, f"{item.prompt} " * 3)]
    assert [item.id for item, text in repeated if accepted(item.id, text)] == []
