"""The look of every figure: size, type, colour-blind-safe colours, labels, and how a figure is saved."""

from __future__ import annotations

import functools
import logging
import re
import textwrap
import unicodedata
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from math import ceil, floor, log10
from pathlib import Path
from typing import Any, Literal, ParamSpec, TypeVar

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.scale import SymmetricalLogScale
from matplotlib.textpath import text_to_path
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from emulsion.errors import UserError
from emulsion.files import whole_file

log = logging.getLogger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

WIDTH = 7.0  # inches: the text width of a page, so that figures are printed unscaled
SMALL = 8.0  # points: nothing is set smaller
CHARACTER = 0.066  # inches: a character of a short label at 8 points; running text is a tenth narrower
INK, FAINT, GRID = "#1a1a1a", "#595959", "#d9d9d9"

# Okabe and Ito's palette, told apart under the common forms of colour blindness; yellow, weak on white, last.
PALETTE: Mapping[str, str] = {
    "blue": "#0072B2",
    "orange": "#E69F00",
    "green": "#009E73",
    "purple": "#CC79A7",
    "sky": "#56B4E9",
    "vermillion": "#D55E00",
    "black": "#000000",
    "yellow": "#F0E442",
}
OTHER = "#bdbdbd"
MOST = 60  # mixtures in a figure: more are not looked at, and a PNG has no more than 65,535 rows of pixels
FAR = 5  # times what most values are within: one beyond it would flatten them, so the axis is logarithmic there
GAP = 100  # between methods that learned and those that diverged
DASHES = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (5, 1.2, 1, 1.2)))
MARKERS = "osD^vPX*"

SETTINGS: dict[str, Any] = {
    "font.size": SMALL,
    "text.parse_math": False,  # a name with a dollar sign is a name
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": FAINT,
    "axes.linewidth": 0.6,
    "axes.labelsize": SMALL,
    "axes.titlesize": 9.0,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": GRID,
    "grid.linewidth": 0.5,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.markersize": 4.0,  # points
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "figure.titlesize": 10.0,
    "figure.dpi": 300,
    "savefig.dpi": 300,
}


# The first comes with matplotlib, so every machine draws the same; the others are for characters that it lacks.
_FONTS = (
    "DejaVu Sans",
    *(f"Noto Sans CJK {region}" for region in ("SC", "TC", "JP", "KR")),
    *(f"Noto Sans {script}" for script in ("SC", "TC", "JP", "KR", "Thai", "Devanagari", "Bengali", "Tamil")),
    *("Source Han Sans SC", "WenQuanYi Zen Hei", "WenQuanYi Micro Hei", "Droid Sans Fallback"),
    *("IPAexGothic", "IPAGothic", "TakaoGothic", "VL Gothic", "NanumGothic", "Baekmuk Gulim", "UnDotum"),
    *("Microsoft YaHei", "SimHei", "Yu Gothic", "MS Gothic", "Malgun Gothic"),
    *("PingFang SC", "Heiti TC", "Hiragino Sans", "Apple SD Gothic Neo", "Arial Unicode MS", "FreeSans", "Unifont"),
)


# What matplotlib warns of each character that none of these has.
_MISSING = r"Glyph (\d+) "


def _settings() -> dict[str, Any]:
    there = {font.name for font in fontManager.ttflist}
    return {**SETTINGS, "font.family": [name for name in _FONTS if name in there]}


def styled(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function under the house settings and no others: a user's matplotlibrc changes nothing."""

    @functools.wraps(function)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> T:
        with matplotlib.style.context(["default", _settings()]), warnings.catch_warnings():
            warnings.filterwarnings("ignore", _MISSING)  # `save` says it once
            return function(*args, **kwargs)

    return wrapper


@styled
def save(figure: Figure, path: Path | str) -> None:
    """Write a PNG, whole or not at all; no software's name in it, so that equal figures are equal bytes.

    Characters that no font of the machine has are boxes, and the log says so.
    """
    if Path(path).suffix != ".png":
        raise UserError(f"{path}: figures are written as .png.")
    with whole_file(path) as part, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(part, format="png", metadata={"Software": None})
    matches = [re.match(_MISSING, str(each.message)) for each in caught]
    for each, missing in zip(caught, matches, strict=True):
        if not missing:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
    if characters := "".join(dict.fromkeys(chr(int(missing[1])) for missing in matches if missing)):
        log.warning(
            "%s: no font that is known here has %s, drawn as boxes. Install one that has, such as Noto Sans CJK, and "
            "delete fontlist-*.json in %s and this figure.",
            path,
            characters,
            matplotlib.get_cachedir(),
        )


def colours(names: Iterable[str]) -> dict[str, str]:
    """A colour per name, given in order; past the eighth they repeat."""
    wheel = list(PALETTE.values())
    return {name: wheel[i % len(wheel)] for i, name in enumerate(names)}


def lines(names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Line properties per name: where colours repeat the dashes change, so that 32 lines differ."""
    return {
        name: {"color": colour, "linestyle": DASHES[i // len(PALETTE) % len(DASHES)]}
        for i, (name, colour) in enumerate(colours(names).items())
    }


def markers(names: Iterable[str]) -> dict[str, str]:
    """A marker per name, so that lines differ in print without colour too; where colours repeat it is another one."""
    return {name: MARKERS[(i + i // len(PALETTE)) % len(MARKERS)] for i, name in enumerate(names)}


# Methods and laws as their papers write them.
_SPELLED = {
    "ado": "ADO",
    "autoscale": "AutoScale",
    "bimix": "BiMix",
    "dml": "DML",
    "doge": "DoGE",
    "doremi": "DoReMi",
    "lightgbm": "LightGBM",
    "mixmin": "MixMin",
    "odm": "ODM",
    "regmix": "RegMix",
    "skillit": "Skill-It",
    "unimax": "UniMax",
}


def pretty(name: str) -> str:
    """A name as people read it.

    >>> pretty("instruction_heavy")
    'Instruction heavy'
    """
    text = " ".join(_SPELLED.get(word, word) for word in name.replace("_", " ").replace("-", " ").split()) or name
    return text[0].upper() + text[1:]


def pretty_all(names: Iterable[str]) -> list[str]:
    """Names that stand beside one another, as people read them; those that read alike stay as they are written.

    >>> pretty_all(["a-b", "a_b", "a_c"])
    ['a-b', 'a_b', 'A c']
    """
    written = list(names)
    read = [pretty(name) for name in written]
    return [text if read.count(text) == 1 else name for name, text in zip(written, read, strict=True)]


def fit(text: str, width: int, rows: int = 2) -> str:
    """Wrap to `rows` rows of `width` characters; a longer text loses its middle, as ends tell names apart."""
    wrapped, keep = _wrap(text, width), min(len(text), width * rows)
    while len(wrapped) > rows:
        keep -= 1
        head = keep // 2
        wrapped = _wrap(text[:head].rstrip() + "…" + text[len(text) - (keep - head) :].lstrip(), width)
    return "\n".join(wrapped)


def _wrap(text: str, width: int) -> list[str]:
    """Rows of at most `width` characters, broken where possible after spaces and joints of identifiers."""
    rows = [""]
    for word in re.split(r"(?<=[ _/.:-])", text):
        if _breadth(rows[-1]) + _breadth(word.rstrip()) > width:
            rows.append("")
        while _breadth(word.rstrip()) > width:
            stop = max(place for place in range(1, width + 1) if place == 1 or _breadth(word[:place]) <= width)
            rows[-1], word = word[:stop], word[stop:]
            rows.append("")
        rows[-1] += word
    return [row.rstrip() for row in rows if row.strip()]


def _breadth(text: str) -> int:
    """How many characters of Latin a text is as wide as: those of East Asia are as wide as two."""
    return sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in text)


def text_on(colour: Any) -> str:
    """Black or white, whichever contrasts more with the colour (relative luminance of WCAG 2)."""
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour))
    return "black" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 else "white"


def most_of(names: Sequence[str], which: str, verb: str = "Shown") -> tuple[list[str], str]:
    """The first of the mixtures that a figure has room for; and where there are more, a sentence on which those are."""
    if len(names) <= MOST:
        return list(names), ""
    return list(names[:MOST]), f" {verb} are {MOST} of {len(names):,} mixtures, {which}."


def legend_columns(labels: Sequence[str], handle: float = 0.55) -> int:
    """How many legend entries fit beside each other in a figure. handle: inches of what stands before a label."""
    rows = [row for label in labels for row in label.splitlines()]
    longest = max((max(CHARACTER * _breadth(row), _inches(row)) for row in rows), default=CHARACTER)
    return max(1, min(len(labels), int(WIDTH / (longest + handle))))


def _inches(text: str) -> float:
    """How wide a row of a text is: capitals are wider than most."""
    return float(text_to_path.get_text_width_height_descent(text, FontProperties(size=SMALL), False)[0]) / 72


def logarithmic_beyond(axes: Axes, which: Literal["x", "y"], values: Iterable[float]) -> float | None:
    """Make an axis logarithmic beyond what most of the values are within, where one is so far off as to flatten them.

    Returns how far from 0 that begins, None for an axis that stays as it was.
    """
    apart = sorted(abs(value) for value in values)
    if not apart:
        return None
    # A fifth of them may be far off, and up to half where a gap sets them apart.
    most, half = int(0.8 * (len(apart) - 1)), (len(apart) - 1) // 2
    gap = (low for low, high in pairwise(apart[half : most + 1]) if 0 < GAP * low < high)
    near = 1.5 * next(gap, apart[most])
    if not 0 < FAR * near < apart[-1]:
        return None
    axis = axes.xaxis if which == "x" else axes.yaxis
    axes.set(**{f"{which}scale": SymmetricalLogScale(axis, linthresh=near, linscale=4)})
    axes.autoscale_view()  # with margins of the new scale
    inside = [value for value in MaxNLocator(5).tick_values(-near, near) if abs(value) < 0.8 * near]
    powers = [10.0**power for power in range(floor(log10(apart[-1])), floor(log10(near)), -1)]
    # As many as have room on half a page.
    beyond = powers[:: max(1, ceil(len(powers) / 2))] or [float(f"{apart[-1]:.0e}")]
    axis.set_major_locator(FixedLocator(sorted([*(-each for each in beyond), *inside, *beyond])))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}".replace("-", "\N{MINUS SIGN}")))
    return near


def note(figure: Figure, text: str) -> None:
    """A remark under the figure, wrapped to its width; the layout makes room for it."""
    room = 0.97 * figure.get_figwidth()
    width = int(room / (CHARACTER * 0.9))
    together = text.replace(" %", "\N{NO-BREAK SPACE}%")
    rows = textwrap.wrap(together, width)
    while any(_inches(row) > room for row in rows):
        width -= 1  # names in wide letters
        rows = textwrap.wrap(together, width)
    figure.supxlabel("\n".join(rows), x=0.01, ha="left", fontsize=SMALL, color=FAINT)
