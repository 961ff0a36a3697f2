from docutils.core import publish_parts

from emulsion.report.landing import answer_rst

FOUND = {
    "experiment": "exp9",
    "title": "Which mixture?",
    "answer": "No significant difference between a and b.",
    "note": "One run per mixture.",
    "recommended": {"mixture": "a", "ratios": {"web": 0.7, "chats": 0.3}},
    "criteria": [{"criterion": "Clear winner", "verdict": "not met", "evidence": "p = 0.4"}],
}


def test_a_heatmap_of_real_size_is_embedded_without_complaint():
    html = publish_parts(answer_rst(FOUND, bytes(300_000)), writer="html")["html_body"]
    assert "system-message" not in html and "exceeds" not in html
    assert html.count("A" * 70) > 4000


def test_the_first_page_states_question_answer_shares_and_criteria_and_embeds_the_heatmap():
    html = publish_parts(answer_rst(FOUND, b"\x89PNG"), writer="html")["html_body"]
    for words in ("exp9: Which mixture?", FOUND["answer"], "70.0%", "Clear winner", "not met", "p = 0.4"):
        assert words in html
    assert 'src="data:image/png;base64,iVBORw=="' in html
    assert "system-message" not in html
