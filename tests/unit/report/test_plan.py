from emulsion.report.plan_page import data_text, epochs_text

PLAN = {"mixtures": {"even": {"a": 0.5, "b": 0.5}}, "tokens": {"even": 100}, "max_epochs": 4}


def test_a_source_too_small_for_its_share_is_named_with_tokens_wanted_and_there():
    text = epochs_text(PLAN, {"a": 1000, "b": 10})
    assert "`even` reads 'b' 5.00 times: 50 tokens wanted, 10 there." in text
    assert "reads 'a'" not in text


def test_a_plan_that_can_be_had_says_so():
    assert "No source is too small for its share." in epochs_text(PLAN, {"a": 1000, "b": 1000})


def header(source, **tokens):
    splits = {split: {"tokens": count, "documents": 1} for split, count in tokens.items()}
    return {"source": source, "splits": splits}


def test_splits_too_small_and_rows_lost_or_removed_are_named():
    headers = [header("a", train=900, validation=90, test=20), header("b", train=900, validation=90, test=90)]
    accounts = {
        "a": {"read": 100, "set_aside": {"not JSON": 2}, "removed": {"not JSON": 2}},
        "b": {"read": 100, "set_aside": {}, "removed": {"c4: curly bracket": 90, "c4: too few sentences": 9}},
    }
    small, lost, removed = data_text(headers, accounts, 80)
    assert small == "- source 'a' has no test sequence of 80 tokens: its test split has 20 tokens in 1 documents."
    assert lost.endswith("- a: 2 of 100 rows (2.0 %) are no documents: 2 x not JSON.")
    assert removed.endswith(
        "- b: 99 of 100 rows (99.0 %) were removed by cleaning: 90 x c4: curly bracket; 9 x c4: too few sentences."
    )
    assert data_text(headers, {}, 10) == ["Every split of every source has a sequence of 10 tokens."]
    assert data_text([], {}, 10) == []
