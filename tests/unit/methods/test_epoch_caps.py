from emulsion.methods.baselines import epoch_caps


def test_a_source_is_capped_where_its_epochs_run_out_and_nowhere_above_one():
    assert epoch_caps({"small": 10, "large": 1000}, tokens=100, max_epochs=4) == {"small": 0.4, "large": 1.0}
