import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from training_cases import MIXTURE, SPEC

from emulsion.data.tokenizers import fingerprint
from emulsion.errors import UserError
from emulsion.files import read_json, sha256, write_json
from emulsion.models import build_model
from emulsion.spec import RunSpec
from emulsion.training.initial_weights import InitialWeights, initial_weights
from emulsion.training.inputs import RunInputs
from emulsion.training.run import prepare, train_run
from emulsion.training.runtime import Runtime

GPT2 = SPEC["model"]
NEOX = {**GPT2, "architecture": "gpt_neox"}
LLAMA = {**GPT2, "architecture": "llama", "kv_heads": 1, "rope_theta": 100_000}
VOCABULARY = 300


def saved(folder, model=GPT2, vocab_size=VOCABULARY, seed=3):
    """A model in a folder, as the hub has it; returns the model."""
    torch.manual_seed(seed)
    made = build_model(model, vocab_size, 0)
    made.save_pretrained(folder)
    return made


def load(folder, model=GPT2, vocab_size=VOCABULARY):
    return InitialWeights(folder, "").load(model, vocab_size, 0)


@pytest.mark.parametrize("model", [GPT2, NEOX, LLAMA], ids=["gpt2", "gpt_neox", "llama"])
def test_a_model_starts_with_the_weights_in_single_precision_and_ready_to_train(tmp_path, model):
    made = saved(tmp_path, model)
    made.to(torch.bfloat16).save_pretrained(tmp_path)
    loaded = load(tmp_path, model)
    assert loaded.training and not loaded.config.use_cache
    for (name, ours), theirs in zip(loaded.named_parameters(), made.parameters(), strict=True):
        assert ours.dtype == torch.float32 and torch.equal(ours, theirs.float()), name


def test_names_as_the_hub_has_them_are_understood(tmp_path):
    """GPT-2 without the prefix of its body, Pythia with the buffers of older versions."""
    made = saved(tmp_path / "gpt2")
    made.transformer.save_pretrained(tmp_path / "gpt2")
    assert torch.equal(load(tmp_path / "gpt2").transformer.wpe.weight, made.transformer.wpe.weight)
    made = saved(tmp_path / "pythia", NEOX)
    file = tmp_path / "pythia" / "model.safetensors"
    old = {"gpt_neox.layers.0.attention.bias": torch.ones(1), "gpt_neox.layers.0.attention.masked_bias": torch.ones(1)}
    save_file({**load_file(file), **old}, file, metadata={"format": "pt"})
    loaded = load(tmp_path / "pythia", NEOX)
    assert torch.equal(loaded.get_output_embeddings().weight, made.get_output_embeddings().weight)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers": 2}, r"lack 12 of the model's tensors: transformer\.h\.1\.\S+, .*, \.\.\.\. See `layers`"),
        ({"layers": 0}, r"have 11 tensors that the model has no place for: transformer\.h\.0"),
        ({"heads": 4}, r"model\.heads: is 4 here, but the weights in .* were trained with 2"),
        ({"architecture": "gpt_neox"}, r"model\.architecture: is gpt_neox, but .* has a gpt2"),
        ({"context": 20}, r"other sizes than the model's: transformer\.wpe\.weight is \(24, 16\) there and \(20, 16\)"),
        ({"intermediate_size": 48}, r"c_fc\.bias is \(32,\) there and \(48,\) here; .*"),
        ({"hidden_size": 32}, r"other sizes .*; and \d+ more\."),
    ],
)
def test_weights_of_another_model_are_refused_in_words(tmp_path, change, message):
    saved(tmp_path)
    with pytest.raises(UserError, match=message):
        load(tmp_path, {**GPT2, **change})


@pytest.mark.parametrize("model", [GPT2, NEOX], ids=["gpt2", "gpt_neox"])
def test_weights_for_another_vocabulary_are_refused_and_the_tokenizer_named(tmp_path, model):
    saved(tmp_path, model)
    with pytest.raises(UserError, match=r"vocabulary of 300 tokens, the model for 512 .*Take the tokenizer"):
        load(tmp_path, model, vocab_size=512)


def test_what_is_computed_differently_is_refused_though_the_sizes_are_the_same(tmp_path):
    saved(tmp_path, NEOX)
    config = read_json(tmp_path / "config.json")
    write_json(tmp_path / "config.json", {**config, "use_parallel_residual": False})
    with pytest.raises(UserError, match=r"use_parallel_residual: is True here, but .* trained with False"):
        load(tmp_path, NEOX)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kv_heads": 2}, r"model\.kv_heads: is 2 here, but .* trained with 1"),
        ({"rope_theta": 10_000}, r"model\.rope_theta: is \{.*10000.*\} here, but .* trained with \{.*100000"),
        ({"tied": False}, r"model\.tied: is False here, but .* trained with True"),
    ],
)
def test_settings_of_llama_have_to_be_those_of_the_weights(tmp_path, change, message):
    saved(tmp_path, LLAMA)
    with pytest.raises(UserError, match=message):
        load(tmp_path, {**LLAMA, **change})


def test_the_published_name_of_the_activation_is_taken_and_another_function_refused(tmp_path):
    made = saved(tmp_path)
    config = read_json(tmp_path / "config.json")
    write_json(tmp_path / "config.json", {**config, "activation_function": "gelu_new"})
    ids = torch.arange(20)[None]
    theirs = type(made).from_pretrained(tmp_path).eval()
    assert theirs.config.activation_function == "gelu_new"
    with torch.no_grad():
        assert torch.allclose(load(tmp_path).eval()(ids).logits, theirs(ids).logits, atol=1e-6)
    write_json(tmp_path / "config.json", {**config, "activation_function": "relu"})
    with pytest.raises(UserError, match=r"activation_function: is gelu_pytorch_tanh here, but .* trained with relu"):
        load(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_a_pointer_of_git_lfs_in_the_place_of_a_file_is_called_so(tmp_path, name):
    saved(tmp_path)
    (tmp_path / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n")
    with pytest.raises(UserError, match=rf"{name}: it is a pointer of git-lfs .* by `git lfs pull`"):
        initial_weights({**GPT2, "weights": {"folder": str(tmp_path)}}, tmp_path)


def test_a_file_that_is_cut_off_is_refused(tmp_path):
    saved(tmp_path)
    file = tmp_path / "model.safetensors"
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(UserError, match="these weights cannot be read"):
        load(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda tensor: tensor.fill_(float("nan")),
            "1 tensors with numbers that are not finite: transformer.wpe.weight",
        ),
        (lambda tensor: tensor.double() + 1e300, "numbers that are not finite"),
        (
            lambda tensor: tensor.to(torch.int8),
            "1 tensors of numbers that only their quantisation reads: transformer.wpe",
        ),
        (lambda tensor: tensor.to(torch.float8_e4m3fn), "only their quantisation reads"),
    ],
)
def test_tensors_that_no_training_can_start_from_are_refused(tmp_path, change, message):
    saved(tmp_path)
    file = tmp_path / "model.safetensors"
    tensors = load_file(file)
    tensors["transformer.wpe.weight"] = change(tensors["transformer.wpe.weight"])
    save_file(tensors, file, metadata={"format": "pt"})
    with pytest.raises(UserError, match=message):
        load(tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("config.json", [], r"config\.json: is no object\.$"),
        ("config.json", {"a": 1}, r"config\.json: is no object with model_type\.$"),
        ("config.json", {"model_type": "gpt2", "n_head": "x"}, r"config\.json: is not of a model that can be"),
        ("generation_config.json", [], r"generation_config\.json: is no object\.$"),
        ("provenance.json", [], r"provenance\.json: is no object with sha256"),
        ("provenance.json", {"sha256": {"other": "0"}}, r"provenance\.json: has no SHA-256 of model\.safetensors"),
    ],
)
def test_what_another_program_wrote_beside_weights_is_refused_in_words(tmp_path, name, content, message):
    saved(tmp_path)
    (tmp_path / name).write_text(json.dumps(content))
    named = {**GPT2, "weights": {"folder": str(tmp_path)}}
    with pytest.raises(UserError, match=message):
        initial_weights(named, tmp_path).load(GPT2, VOCABULARY, 0)


def test_settings_and_folder_come_together_or_not_at_all(tmp_path):
    named = {**GPT2, "weights": {"folder": "models/x"}}
    assert initial_weights(GPT2, None) is None
    with pytest.raises(UserError, match=r"model\.weights: \{'folder': 'models/x'\} is asked for, .*--weights"):
        initial_weights(named, None)
    with pytest.raises(UserError, match="names no `weights`"):
        initial_weights(GPT2, tmp_path)
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UserError, match=r"no model\.safetensors here"):
        initial_weights(named, tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"x")
    found = InitialWeights(tmp_path, sha256(tmp_path / "model.safetensors"))
    assert initial_weights(named, tmp_path) == initial_weights(named, tmp_path / "model.safetensors") == found


def test_fetched_weights_that_are_not_those_of_their_provenance_are_refused(tmp_path):
    named = {**GPT2, "weights": {"id": "some/model"}}
    saved(tmp_path / "start")
    file = tmp_path / "start/model.safetensors"
    write_json(tmp_path / "start/provenance.json", {"id": "some/model", "sha256": {file.name: sha256(file)}})
    assert initial_weights(named, file).sha256 == sha256(file)
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"model\.safetensors: damaged or edited.*provenance\.json.*snakemake"):
        initial_weights(named, file)


@pytest.fixture
def told(tmp_path, store_folders, tokenizer):
    """What `train_run` takes for a run that starts from a model in `tmp_path / "start"`."""
    torch.set_num_threads(1)
    write_json(tmp_path / "mixture.json", MIXTURE)
    settings = {"id": "some/model", "revision": "step7"}
    return {
        "mixture_file": tmp_path / "mixture.json",
        "store_folders": list(store_folders.values()),
        "tokenizer": tokenizer,
        "spec_values": {**SPEC, "model": {**GPT2, "weights": settings}},
        "output": tmp_path / "out",
        "checkpoints": tmp_path / "checkpoints",
        "runtime": Runtime(micro_batch=8),
        "weights": tmp_path / "start",
    }


def opened(told):
    spec = RunSpec.from_json(told["spec_values"])
    return RunInputs.open(told["store_folders"], told["tokenizer"], spec, told["weights"])


def test_a_run_from_weights_starts_where_they_are_and_its_record_says_so(tmp_path, told):
    made = saved(tmp_path / "start")
    inputs = opened(told)
    training = prepare(told["mixture_file"], inputs, told["spec_values"], told["checkpoints"], told["runtime"])
    assert torch.equal(training.model.get_input_embeddings().weight, made.get_input_embeddings().weight)
    train_run(**told)
    record = read_json(tmp_path / "out/run.json")
    hashed = sha256(tmp_path / "start/model.safetensors")
    assert record["initial_weights"] == {"sha256": hashed, "id": "some/model", "revision": "step7"}
    assert record["identity"] == training.identity
    assert "weights of `some/model` at `step7`" in (tmp_path / "out/README.md").read_text()


def test_other_weights_make_another_run(tmp_path, told):
    identities = []
    for seed in (3, 3, 4):
        saved(tmp_path / "start", seed=seed)
        inputs = opened(told)
        identities.append(inputs.identity(told["spec_values"], MIXTURE))
    assert identities[0] == identities[1] != identities[2]


@pytest.mark.parametrize(
    "record", [{"tokenizer": "0123456789abcdef"}, {"tokenizer": None}, {}, ["of another program"], None]
)
def test_weights_of_a_run_with_another_tokenizer_are_refused(tmp_path, told, record):
    """Vocabularies of one size fit, so that only the record of the run tells; other weights have none."""
    saved(tmp_path / "start")
    if record is not None:
        write_json(tmp_path / "start/run.json", record)
    if record == {"tokenizer": "0123456789abcdef"}:
        with pytest.raises(UserError, match=r"start/run\.json says that the run had tokenizer 0123456789abcdef, but "):
            opened(told)
    else:
        assert opened(told).weights
    write_json(tmp_path / "start/run.json", {"tokenizer": fingerprint(told["tokenizer"])})
    assert opened(told).weights


def test_a_run_from_random_weights_says_so(tmp_path, told):
    train_run(**{**told, "spec_values": SPEC, "weights": None})
    assert json.loads((tmp_path / "out/run.json").read_text())["initial_weights"] is None
    assert "started from random weights" in (tmp_path / "out/README.md").read_text()
