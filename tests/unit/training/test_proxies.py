"""Results of small trainings, and those of a direct search read again from its cache."""

from emulsion.files import fingerprint, write_json
from emulsion.mixture import Mixture
from emulsion.training.options import TrainingOptions
from emulsion.training.proxies import Proxies, result

CAPABILITIES = {
    "capabilities": {"code": {"score": 0.9, "items": 4}},
    "selection": {"capabilities": {"code": {"score": 0.5, "items": 4}}},
}
PERPLEXITY = {"sources": {"web": {"loss": 1.0, "tokens": 8}}, "validation": {"web": {"loss": 2.0, "tokens": 8}}}


def test_a_result_is_the_selection_half_and_the_validation_loss():
    expected = {"run": "proxy_000", "capabilities": {"code": 0.5}, "losses": {"web": 2.0}}
    assert result("proxy_000", CAPABILITIES, PERPLEXITY) == expected
    without = result("proxy_000", {**CAPABILITIES, "selection": None}, PERPLEXITY)
    assert without == expected | {"capabilities": {}}


def test_a_mixture_trained_before_is_not_trained_again(tmp_path):
    training = TrainingOptions(stores=[], tokenizer=tmp_path, spec={"tokens": 8}, micro_batch=1)
    proxies = Proxies(experiment="exp", training=training, suites=[], evaluation={}, cache=tmp_path)
    mixture = Mixture({"web": 1.0})
    kept = result("x", CAPABILITIES, PERPLEXITY)
    write_json(tmp_path / fingerprint([training.spec, {}, dict(mixture)]) / "result.json", kept)
    assert proxies.result(mixture) == kept
