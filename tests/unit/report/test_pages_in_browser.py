"""The decision's page in a real browser, at the sizes of laptops and of a phone."""

from pathlib import Path

import pytest

from browser import ABSENT, WANTED, WINDOWS, Browser, box, out_of_reach
from decision_cases import HOSTILE, conclusions, evidence
from emulsion.report.decision_page import decision_page

pytestmark = pytest.mark.skipif(ABSENT, reason=WANTED)

TEMPLATE = (Path(__file__).parents[3] / "report/decision.html.jinja").read_text()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with Browser(tmp_path_factory.mktemp("profile")) as opened:
        yield opened


@pytest.fixture(scope="module", params=["capabilities", "losses"])
def page(request, tmp_path_factory):
    """A page with texts that would break one which trusted them, and with long names."""
    found = conclusions(
        title="x" * 300 + HOSTILE[0], judged_by=request.param, note=" ".join(HOSTILE) + "long_name" * 40
    )
    file = tmp_path_factory.mktemp("page") / "decision.html"
    file.write_text(decision_page(TEMPLATE, found, evidence("y" * 300)))
    return file


@pytest.mark.parametrize(("width", "height"), WINDOWS)
def test_the_page_starts_at_the_top_and_stays_within_the_window(browser, page, width, height):
    browser.window(width, height)
    browser.open(page)
    heading = box(browser, "h1")
    assert 0 <= heading["top"] < height / 2 and heading["left"] >= 0 and heading["right"] <= width
    assert browser.value("document.documentElement.scrollWidth") <= width
    assert out_of_reach(browser) == []
    assert browser.errors() == []


def test_text_of_the_configuration_becomes_no_element(browser, page):
    browser.open(page)
    assert browser.value("document.scripts.length") == 0
    assert browser.value("[...document.images].map(each => each.src.slice(0, 5))") == ["data:"]
    assert browser.value("document.title") == "exp9: " + "x" * 300 + HOSTILE[0]


def test_the_page_follows_the_colour_scheme_and_is_dark_on_white_in_print(browser, page):
    paper = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.body).color"
    browser.window(1280, 720, "light")
    browser.open(page)
    light = browser.value(f"[{paper}, {ink}]")
    browser.window(1280, 720, "dark")
    dark = browser.value(f"[{paper}, {ink}]")
    assert light != dark
    browser.window(700, 1000, "dark", media="print")
    assert browser.value(ink) == light[1]
    # The width of A4 between its margins: no column of a table is cut off.
    assert browser.value("Math.max(...[...document.querySelectorAll('table')].map(each => each.offsetWidth))") <= 700
    browser.window(1280, 720)


def test_the_page_prints(browser, page, tmp_path):
    browser.open(page)
    browser.print(tmp_path / "page.pdf")
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
