"""Right replies to the generation items of the suite of experiment 3, and deliberate wrong ones."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from emulsion.evaluation.item_tables import table_items
from emulsion.evaluation.suites import Item

FILE = Path(__file__).parents[1] / "resources" / "suites" / "experiment3.yaml"

Values = dict[str, Any]
TABLES = yaml.safe_load(FILE.read_text())["tables"]
VALUES: dict[str, Values] = {item["id"]: values for table in TABLES for item, values in table_items(table, "t")}

# Of single items: right replies and wrong ones.
SINGLE: dict[str, tuple[list[str], list[str]]] = {
    "factorial": (
        [
            "def factorial(n):\n    return 1 if n < 2 else n * factorial(n - 1)",
            "factorial = lambda n: 1 if n < 2 else n * factorial(n - 1)",
            "from math import prod\ndef compute_factorial(n):\n    return prod(range(1, n + 1))",
        ],
        [
            "The undefined factorial function", "def square(n):\n    return n * n", "factorial factorial def",
            "def factorial(n):\n    return n",
        ],
    ),
    "sleep-tips": (
        [
            "1. Go to bed early.\n2. Avoid caffeine.\n\n3. Keep your bedroom dark.\n4. No screens.\n5. Relax.",
            "First, no caffeine. Second, a dark room. Third, no naps. Fourth, a quiet bed. Fifth, relax.",
            "1. Sleep in a quiet room. 2. Avoid naps. 3. No coffee. 4. Put the phone away. 5. Keep a regular bedtime.",
        ],
        [
            "bed\nbed\nsleep\nsleep\nbed", "1. sleep\n2. bed\n3. dark\n4. quiet", "Go to bed early and sleep well.",
            "red\nblue\ngreen\nwhite\nblack",
        ],
    ),
    "photosynthesis": (
        ["Plants use the light of the sun to make sugar from water and air."],
        ["The planet is lightning fast.", "light plant food", "Plants like the light in my kitchen window."],
    ),
    "capital-of-france": (
        ["It is Paris.", "Paris", "The capital of France is Paris, a city on the Seine."],
        ["A parisian would know.", "Madrid, not Paris.", "Paris or London.", "Is it Paris?", "Paris. No, Lyon."],
    ),
    "end-of-world-war-2": (
        [
            "In September 1945.",
            "World War II ended in 1945, after six years.",
            "It began in 1939 and ended in 1945.",
            "World War II (1939-1945) ended in 1945.",
        ],
        ["In 1944.", "1944 or 1945", "It did not end in 1945.", "1939 to 1945 and 1918", "It began in 1945."],
    ),
    "speed-of-light": (
        [
            "It is 299,792 km/s.", "299792458 m/s", "about 300,000 km/s", "3×10⁸ m/s", "3 x 10^8 metres per second",
            "2.998×10^8 m/s", "The speed of light is 299 792 458 metres per second.",
            "About 186,000 miles per second.",
        ],
        [
            "It is 1299 km/s or 3000.", "300 km/h", "299 apples", "Not 299,792 km/s.", "It is very fast.",
            "300,000 years", "300,000 km per hour",
        ],
    ),
    "roses": (
        [
            "No, that does not follow.", "We cannot conclude that.", "Not necessarily.", "No.",
            "The conclusion is not valid.", "This cannot be concluded from the premises.",
            "It is not possible to conclude that.",
        ],
        [
            "I know they do.", "Yes, some roses fade.", "There is no doubt that they do.", "Yes, no question.",
            "No doubt about it.", "No roses are flowers.", "No, wait, yes.",
        ],
    ),
    "apples": (
        ["3 - 1 + 2 = 4.", "You have four apples.", "4", "I had 3, ate 1 and bought 2, so I have 4 apples."],
        ["You have 14.", "4 or 5", "It is not 4.", "5. Not 4.", "Four? No, 5.", "You have 3 - 1 = 2."],
    ),
    "taller": (
        ["Carl is shorter than Anna and Ben.\nSo the shortest is Carl.", "Carl", "Carl, because Ben is taller."],
        [
            "Carl is the tallest.",
            "Ben, not Carl.",
            "Anna, Ben, Carl",
            "Carl or Ben",
            "Is it Carl?",
            "The shortest is Ben, then Carl.",
        ],
    ),
    "greeting": (
        ["Hi, I am fine.", "Hello! I'm doing well, thank you. How are you?", "Fine, thanks.", "Great! And you?"],
        [
            "The mitochondria are small.",
            "Hello!",
            "Hello, I am a brick.",
            "You are a good table.",
            "Good great fine well",
        ],
    ),
    "bad-day": (
        [
            "I am sorry to hear that. Do you want to talk about it?",
            "That sounds tough. What happened?",
            "Sorry to hear that.",
        ],
        [
            "sorry you you you",
            "Sorry, you are wrong about that.",
            "The recipe calls for flour.",
            "Congratulations! You must feel great.",
            "I had a bad day.",
            "Good for you!",
        ],
    ),
    "weekend-plans": (
        ["Enjoy the trails!  Which mountain will you climb?", "That sounds fun! I hope you have nice weather."],
        [
            "Paris.",
            "Mountains are high.",
            "mountain fun fun fun",
            "I like soup, and so do you.",
            "I am going hiking in the mountains this weekend!",
        ],
    ),
    "rain-poem": (
        [
            "Soft rain upon the roof,\nA whisper on the glass,\nThe garden drinks its fill,\n"
            "And green returns to the grass."
        ],
        ["rain rain rain\n" * 10, "The rain falls on the roof of the old house.", "Red\nRain\nBlue", "The sun is out."],
    ),
    "dragon-story": (
        [
            "Once a small green dragon named Ash shook whenever he saw fire. One night the village grew cold, and he "
            "breathed gently until every child was warm, which made him brave at last."
        ],
        ["dragon fire " * 30, "The dragon was afraid of fire.", "A dragon afraid fire the of was and to in a scared"],
    ),
    "brick-uses": (
        [
            "A doorstop for heavy gates, a bookend on your shelf, and a canvas to paint upon.",
            "1. Use it as a doorstop.\n2. Make a bookend of it.\n3. Carve it into a small sculpture.",
        ],
        [
            "brick " * 30,
            "A brick is red, heavy, and made of clay.",
            "You can build a wall.",
            "1. brick\n2. brick\n3. brick",
        ],
    ),
}  # fmt: skip

_POOL = (
    "I have always liked {0}.",
    "There is something about {0} that makes people happy.",
    "My mother told me a lot about {0} when I was small.",
    "We talked about {0} at dinner.",
    "Nobody in our street knows more about {0} than she does.",
    "In the end we all came back to {0}.",
    "Every child has a question about {0}.",
)
_LINES = (
    "The wind is in the trees",
    "and nothing else is heard",
    "but one long quiet note",
    "of a late and lonely bird",
    "x",
)
_WITHOUT = {
    ("e", "a cat"): "My cat sat on a soft mat and did not stir.",
    ("e", "snow"): "Snow is falling on our roof and on our lawn.",
    ("e", "a ship"): "A ship is sailing to a far port at dawn.",
    ("z", "a zoo"): "The lions sleep in the sun while children watch.",
    ("q", "a king"): "The king gave his crown to a poor farmer.",
    ("k", "a book"): "This is a long story about a brave girl and her dog.",
    ("o", "water"): "The river runs past the mill and never rests.",
    ("a", "trees"): "Trees grow in the deep woods over the hill.",
}
_SHORT = {
    "the sea": "Blue water and white waves everywhere.",
    "a garden": "Green plants and flowers in the sun.",
    "a holiday": "We rest and travel to the beach.",
    "the moon": "A white light in the dark sky.",
}
_FRAMED = "I am writing to tell you about {0}, and it was all that we had hoped for."


def _story(v: Values) -> str:
    return (
        f"A {v['hero']} lived near the {v['place']} and was never afraid. One evening she found an old {v['thing']} "
        "behind the door, and nobody could say who had left it there. She took it home and slept well."
    )


def _answers(right: str, wrong: list[str]) -> tuple[list[str], list[str]]:
    """Replies that name a right answer, and those that name others, or take it back."""
    good = [right, f"{right}.", f"The answer is {right}."]
    bad = [f"It is {each}." for each in wrong]
    bad += [f"{wrong[0]}, not {right}.", f"{right} or {wrong[0]}.", f"Is it {right}?", f"It is not {right}."]
    bad += [f"{right}. No, {wrong[0]}.", ", ".join([*wrong, right]), f"Maybe {right}."]
    return good, bad


def _numbers(right: int) -> tuple[list[str], list[str]]:
    good = [f"{right}", f"{right}.", f"The answer is {right}.", f"There were more before, so the answer is {right}."]
    bad = [
        f"{right + 1}",
        f"{right}1",
        f"1{right}",
        f"{right} or {right + 2}",
        f"It is not {right}.",
        f"Is it {right}?",
    ]
    return good, [*bad, f"{right + 1} or {right}", f"{right}. No, {right + 3}.", f"Maybe {right}.", "many"]


def _with(replies: tuple[list[str], list[str]], right: list[str], wrong: list[str]) -> tuple[list[str], list[str]]:
    return [*replies[0], *right], [*replies[1], *wrong]


def _exactly(right: str, wrong: list[str]) -> tuple[list[str], list[str]]:
    return [right, f"{right}\n"], [*wrong, f"{right} {right}", f"Sure! {right} is it", right[:-1], f"x{right}"]


def _filled(text: str, values: Values) -> str:
    return re.sub(
        r"\{(\w+)\}", lambda match: str(values[match[1]]), re.sub(r"\{(\w+)\}", lambda m: str(values[m[1]]), text)
    )


def _choices(v: Values) -> list[str]:
    return [_filled(str(v[key]), v) for key in ("w1", "w2", "w3") if key in v]


def _rewriting(item: Item, v: Values) -> tuple[list[str], list[str]]:
    right = item.checks[0]["equals"]
    return _exactly(
        right, [text for text in (v["low"], v["up"], v["cap"], v["other"], f"_{v['low']}_") if text != right]
    )


def _lines(item: Item, v: Values) -> tuple[list[str], list[str]]:
    text = [line.format(v["topic"]) for line in _POOL]
    n = v["count"]
    return ["\n".join(text[:n])], [
        "\n".join(text[: n - 1]),
        " ".join(text[:n]),
        "\n".join([text[0]] * n),
        "\n".join([*text, "No."][: n + 1]),
    ]


def _bullets(item: Item, v: Values) -> tuple[list[str], list[str]]:
    n = v["count"]
    words = v["words"][::2][:n]
    good = "\n".join(f"- {word}" for word in words)
    bad = ["\n".join(f"- {word}" for word in v["words"][::2][: n + 1]), "\n".join(words), ", ".join(words)]
    return [good], [
        *bad,
        "\n".join(["- " + words[0]] * n),
        "\n".join(["- " + " ".join(words[:3])] * n),
        "\n".join(["- thing", "- stuff", "- item", "- other", "- more"][:n]),
    ]


def _json(item: Item, v: Values) -> tuple[list[str], list[str]]:
    first, name, second, value = v["first"], v["name"], v["second"], v["value"]
    good = f'{{"{first}": "{name}", "{second}": {value}}}'
    bad = [good[:-1], f'{{"{first}": "{name}"}}', f'{{"{first}": "{v["wrong_name"]}", "{second}": {value}}}']
    bad += [f'{{"{first}": "{name}", "{second}": {value + 1}}}', f"{first}: {name}, {second}: {value}", f"[{good}]"]
    bad.append(f'{{"{first}": "{v["wrong_name"]}", {good[1:]}')
    return [good, f"```json\n{good}\n```"], [*bad, f"Here it is: {good}", good.replace(second, "other"), "[" * 5000]


def _no_letter(item: Item, v: Values) -> tuple[list[str], list[str]]:
    good = _WITHOUT[v["letter"], v["topic"]]
    return [good], [
        f"{good} {v['letter']}",
        "no " * 8,
        "of the of a in to",
        f"A {v['letter'].upper()} is here in my room.",
    ]


def _lengths(item: Item, v: Values) -> tuple[list[str], list[str]]:
    good = _SHORT[v["topic"]]
    return [good], [
        f"{good} " * 3,
        good.split()[0],
        "We had some more of the same soup.",
        "sea moon garden holiday sea moon",
    ]


def _frames(item: Item, v: Values) -> tuple[list[str], list[str]]:
    body = _FRAMED.format(v["topic"])
    good = f"{v['begin']}, {body} {v['end']}"
    other = f"{v['begin']}, the bricks of a house are made of clay, and the cat of my aunt was one of them. {v['end']}"
    return [good], [other, body, f"{v['begin']}, {body}", f"{body} {v['end']}", f"{v['begin']} {v['end']}", f"x{good}"]


def _replies(item: Item, v: Values) -> tuple[list[str], list[str]]:
    others = [row[1] for table in TABLES if table["table"] == "replies" for row in table["rows"]]
    unfit = [text for text in others if not any(re.search(rf"(?i)\b{word}\b", text) for word in v["words"])]
    return [v["reply"]], [*unfit, item.prompt, "You.", f"{v['words'][0]} you " * 9, v["words"][0]]


def _rhymes(item: Item, v: Values) -> tuple[list[str], list[str]]:
    return v["all"], [
        v["word"],
        f"not {v['right']}",
        "table",
        f"The word {v['right']} rhymes with it",
        "ight",
        "none",
        "orange window",
    ]


def _tale(item: Item, v: Values) -> tuple[list[str], list[str]]:
    good = _story(v)
    bad = [
        good.replace(v["thing"], "box"),
        f"{v['hero']} {v['thing']} {v['place']} " * 12,
        f"A {v['hero']} and a {v['thing']}.",
    ]
    return [good], [*bad, " ".join(sorted(good.split()))]


def _poems(item: Item, v: Values) -> tuple[list[str], list[str]]:
    one, two = v["words"][:2]
    four = [
        f"I walked alone and saw the {one}",
        "that no one else could see",
        f"and all the {two} of the world",
        "were calling out to me",
    ]
    bad = ["\n".join(four[:3]), " ".join(four), "\n".join(_LINES[:4]), "\n".join([*four, "and that is the end of it"])]
    return ["\n".join(four)], [*bad, "\n".join([f"{one} {two} {one}"] * 4)]


ANSWERS: dict[str, Callable[[Item, Values], tuple[list[str], list[str]]]] = {
    "capitals": lambda item, v: _answers(v["capital"], [c for c in ("Oslo", "Lima", "Tokyo") if c != v["capital"]]),
    "general": lambda item, v: _answers(str(v["right"]), _choices(v)),
    "counts": lambda item, v: _numbers(v["right"]),
    "arithmetic": lambda item, v: _numbers(v["right"]),
    "problems": lambda item, v: _numbers(v["right"]),
    "sequences": lambda item, v: _numbers(v["right"]),
    "syllogisms": lambda item, v: (
        [v["right"], f"{v['right']}.", f" {v['right'].lower()}"],
        [v["wrong"], f"{v['wrong']}, {v['right']}.", f"{v['right']}. No wait, {v['wrong']}.", "Maybe."],
    ),
    "orders": lambda item, v: _with(_answers(v["r"], [v["p"], v["q"]]), [], [f"{v['r']} is the {v['least']}."]),
    "days": lambda item, v: _with(
        _answers(v["later"], [v["today"], v["tomorrow"], v["yesterday"]]), [], [f"before {v['later']}"]
    ),
    "rewriting": _rewriting,
    "word_lists": lambda item, v: _with(
        _exactly(str(v["right"]), _choices(v)), [str(v["right"]).capitalize(), str(v["right"]).replace(",", "")], []
    ),
    "lines": _lines,
    "bullets": _bullets,
    "json": _json,
    "no_letter": _no_letter,
    "lengths": _lengths,
    "frames": _frames,
    "recall": lambda item, v: _answers(_filled(v["right"], v), _choices(v)),
    "corrections": lambda item, v: _with(_answers(v["corrected"], [v["old"], v["w2"], v["w3"]]), [v["digits"]], []),
    "replies": _replies,
    "rhymes": _rhymes,
    "stories": _tale,
    "poems": _poems,
}  # fmt: skip


GROUPS = [*SINGLE, *ANSWERS]


def group(item: Item) -> str:
    return item.id if item.id in SINGLE else item.id.rsplit("-", 1)[0]


def answers(item: Item) -> tuple[list[str], list[str]]:
    """Right and wrong replies to a generation item."""
    return SINGLE[item.id] if item.id in SINGLE else ANSWERS[group(item)](item, VALUES[item.id])
