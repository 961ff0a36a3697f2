from html import unescape

import pytest
from docutils.core import publish_parts

from decision_cases import HOSTILE, conclusions
from emulsion.report.front_page import front_page_rst


def html_of(found):
    return publish_parts(front_page_rst(found), writer="html")["html_body"]


def test_the_first_page_states_question_and_answer_and_links_to_the_decision():
    html = html_of(conclusions())
    assert "<h1>Which mixture?</h1>" in html
    assert "No clear winner between optimal and even." in html
    assert "results/exp9/decision.html" in html


@pytest.mark.parametrize("hostile", HOSTILE)
def test_texts_of_the_configuration_are_shown_and_never_read_as_markup(hostile):
    html = html_of(conclusions(title=hostile, note=hostile))
    assert unescape(html).count(" ".join(hostile.split())) == 2
    assert "system-message" not in html
    for tag in ("<img", "<script", "<b>"):
        assert tag not in html
