"""What sweeps say of what online methods assume, in sentences over settings."""

from emulsion.laws.study.assumptions import greedy, similarity


def test_each_method_has_the_mean_over_the_settings_that_compare_it():
    row = {"degenerate": False, "note": ""}
    settings = {
        "Web": {"similarity": {"methods": {"doge": {**row, "similarity": 0.2}, "aioli": {**row, "similarity": 0.9}}}},
        "Code": {"similarity": {"methods": {"doge": {**row, "similarity": 0.4, "degenerate": True, "note": "few"}}}},
        "Bare": {},
    }
    found = similarity(settings)
    assert [(each["label"], each["method"]) for each in found["rows"]] == [
        ("Web", "doge"),
        ("Web", "aioli"),
        ("Code", "doge"),
    ]
    assert "mean of settings: doge 0.30 (2 settings), aioli 0.90 (1 setting)" in found["text"]
    assert "in 1 of 3 rows the rank correlation says little (few)" in found["text"].lower()
    assert similarity({"Bare": {}}) is None


def test_greedy_choices_are_counted_with_the_most_that_they_lose():
    def seed(chosen, best):
        perplexity = {"greedy": {"test_perplexity": chosen}, "optimal": {"test_perplexity": best}}
        return {**perplexity, "same": chosen == best}

    rounds = {"rest": {"seeds": [seed(10.0, 10.0), seed(10.5, 10.0), seed(9.9, 10.0)]}}
    text = greedy({"Web": {"greedy": {"rounds": rounds}}, "Bare": {}})["text"]
    assert "optimal ones in 1 of 3 sweeps; their test perplexity is at most 5 % above" in text
    assert "in 1 of them the greedy choice has the lower test perplexity all the same" in text.lower()
