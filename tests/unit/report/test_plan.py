from emulsion.report.plan_page import CHECKPOINTS, checkpoints_text, data_text, epochs_text
from emulsion.training.checkpoint import KEPT

PLAN = {"mixtures": {"even": {"a": 0.5, "b": 0.5}}, "tokens": {"even": 100}, "max_epochs": 4}


def test_a_source_too_small_for_its_share_is_named_with_tokens_wanted_and_there():
    text = epochs_text(PLAN, {"a": 1000, "b": 10})
    assert "`even` reads 'b' 5.00 times: 50 tokens wanted, 10 there." in text
    assert "reads 'a'" not in text


def test_a_plan_that_can_be_had_says_so():
    assert "No source is too small for its share." in epochs_text(PLAN, {"a": 1000, "b": 1000})


def test_checkpoints_of_a_large_model_take_disk_while_it_is_trained():
    costs = {"swarms": {"runs": 20, "disk_bytes": 0}, "strategies": {"runs": 6, "disk_bytes": 6 * 1.4e9}}
    assert checkpoints_text({"costs": costs}) == [
        "Beside these models, checkpoints take up to 12.6 GB for each training that runs."
    ]
    assert checkpoints_text({"costs": {"strategies": {"runs": 6, "disk_bytes": 6 * 0.5e6}}}) == []
    assert CHECKPOINTS == KEPT + 1


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
