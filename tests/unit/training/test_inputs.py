import pytest
from training_cases import SPEC

from emulsion.data.tokens import write_store
from emulsion.errors import UserError
from emulsion.mixture import Mixture
from emulsion.schedule import Schedule
from emulsion.spec import RunSpec
from emulsion.training.inputs import RunInputs


def test_a_source_without_held_out_text_is_refused_before_anything_is_trained(tmp_path, store_folders, tokenizer):
    notes = tmp_path / "notes"
    write_store(notes, [(["a"], ["few words"])], tokenizer, 0.05, {"source": "notes"})
    spec = RunSpec.from_json(SPEC)
    inputs = RunInputs.open([*store_folders.values(), notes], tokenizer, spec, None)
    with pytest.raises(UserError, match=r"source 'notes' has no validation sequence of \d+ tokens.*no test sequence"):
        inputs.plan(spec, Schedule.constant(Mixture(dict.fromkeys(inputs.stores, 1.0))))
    whole = RunInputs.open(list(store_folders.values()), tokenizer, spec, None)
    assert whole.plan(spec, Schedule.constant(Mixture(dict.fromkeys(whole.stores, 1.0)))).sizes
