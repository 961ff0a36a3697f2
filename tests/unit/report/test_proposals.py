"""`proposals.md`: what methods propose from one table, side by side."""

from emulsion.report.proposals import proposals_page

LAW = {
    "ratios": {"code": 0.25, "web": 0.75},
    "prediction": 2.5,
    "interval": [2.4, 2.6],
    "set": {"ranges": {"code": [0.2, 0.4], "web": [0.6, 0.8]}},
    "uniform": {"predicted": 2.625},
    "best_sampled": {"run": "r7", "observed": 2.55},
    "surrogate": "log_linear",
    "surrogates": {"log_linear": {"loo_rmse": 0.0123}},
    "hull_distance": 0.1,
    "warnings": ["It is a guess."],
    "runs": 1200,
}


def test_a_page_has_shares_with_ranges_and_what_laws_expect():
    page = proposals_page("mine", {"dml": LAW, "unimax": {"ratios": {"code": 0.5, "web": 0.5}, "runs": 1200}})
    assert page.startswith("# What 1,200 finished runs say: mine\n")
    assert "`dml` and `unimax` are furthest apart: 25 % of the tokens would have to move" in page
    assert "| code | 25.0 % (20 to 40) | 50.0 % |" in page
    assert "| dml | 2.500 (2.400 to 2.600) | 2.625 | 2.550 (run r7) | 0.012 | 0.10 |" in page
    assert "| unimax |  |" not in page and "- `dml`: It is a guess." in page
    assert '  dml: {ratios: {"code": 0.25, "web": 0.75}}' in page
    for said in (
        "of the nearest that its bounds",
        "as often as the run that is proposed for",
        "weights do not compare",
    ):
        assert said in page


def test_the_two_proposals_that_are_furthest_apart_are_named():
    codes = {"even": 0.5, "most": 0.9, "least": 0.2}
    page = proposals_page("mine", {name: {"ratios": {"code": x, "web": 1 - x}, "runs": 3} for name, x in codes.items()})
    assert "`most` and `least` are furthest apart: 70 % of the tokens" in page


def test_one_method_is_not_compared_and_one_without_a_law_expects_nothing():
    page = proposals_page("mine", {"unimax": {"ratios": {"code": 0.5, "web": 0.5}, "runs": 3}})
    assert "furthest apart" not in page and "runs left out |" not in page and "## Warnings" not in page


def test_sources_without_a_share_are_left_out_of_the_strategies():
    page = proposals_page("mine", {"best": {"ratios": {"code": 1.0, "web": 1e-6}, "runs": 3}})
    assert '  best: {ratios: {"code": 1.0}}' in page and "| web | 0.0 % |" in page
