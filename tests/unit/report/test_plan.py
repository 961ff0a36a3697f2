from emulsion.report.plan import epochs_text

PLAN = {"mixtures": {"even": {"a": 0.5, "b": 0.5}}, "tokens": 100, "max_epochs": 4}


def test_a_source_too_small_for_its_share_is_named_with_tokens_wanted_and_there():
    text = epochs_text(PLAN, {"a": 1000, "b": 10})
    assert "`even` reads 'b' 5.00 times: 50 tokens wanted, 10 there." in text
    assert "reads 'a'" not in text


def test_a_plan_that_can_be_had_says_so():
    assert "No source is too small for its share." in epochs_text(PLAN, {"a": 1000, "b": 1000})
