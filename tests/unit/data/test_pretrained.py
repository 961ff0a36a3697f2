import json
import logging
from pathlib import Path

import numpy as np
import pytest
from tokenizers import normalizers, processors

from emulsion.data.encoding import encoder
from emulsion.data.pretrained import fetch_pretrained
from emulsion.data.tokenizers import changing_settings, end_of_text, read_definition, save_tokenizer, vocabulary
from emulsion.errors import UserError
from tokenizer_kinds import KINDS, TEXTS, byte_bpe, save_kind, wordpiece


def fetch(folder, output, vocab_size=400):
    fetch_pretrained("mine", str(folder), None, output, vocab_size)
    return output


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_of_any_kind_is_taken_from_a_folder_and_does_the_same(tmp_path, kind):
    original = save_kind(kind, tmp_path / "original")
    copy = fetch(original, tmp_path / "copy", max(vocabulary(original).values()) + 1)
    for ours, theirs in zip(encoder(copy)(TEXTS), encoder(original)(TEXTS), strict=True):
        assert np.array_equal(ours, theirs)
    assert vocabulary(copy) == vocabulary(original)
    assert end_of_text(copy) == end_of_text(original)


def test_settings_that_would_change_the_text_are_switched_off(tmp_path, caplog):
    tokenizer = byte_bpe()
    tokenizer.enable_truncation(6)
    tokenizer.enable_padding(length=64, pad_token="<|end|>")
    tokenizer.model.dropout = 0.2
    tokenizer.post_processor = processors.TemplateProcessing(
        "<|im_start|> $A", special_tokens=[("<|im_start|>", tokenizer.token_to_id("<|im_start|>"))]
    )
    (tmp_path / "made").mkdir()
    save_tokenizer(tokenizer, tmp_path / "made", "<|end|>")
    assert len(changing_settings(read_definition(tmp_path / "made"))) == 4
    with caplog.at_level(logging.WARNING):
        copy = fetch(tmp_path / "made", tmp_path / "copy")
    assert changing_settings(read_definition(copy)) == {}
    assert "cuts documents to 6 tokens; switched off" in caplog.text
    plain = save_kind("byte_bpe", tmp_path / "plain")
    assert np.array_equal(encoder(copy)(TEXTS)[0], encoder(plain)(TEXTS)[0])


def test_a_tokenizer_with_more_tokens_than_stated_is_refused(tmp_path):
    original = save_kind("byte_bpe", tmp_path / "original")
    size = len(vocabulary(original))
    with pytest.raises(UserError, match=rf"tokenizers\.mine\.pretrained\.vocab_size: 299, but .* has {size} tokens"):
        fetch(original, tmp_path / "copy", 299)
    assert not (tmp_path / "copy").exists()


def test_a_tokenizer_with_fewer_tokens_than_stated_is_taken_with_a_warning(tmp_path, caplog):
    original = save_kind("byte_bpe", tmp_path / "original")
    with caplog.at_level(logging.WARNING):
        fetch(original, tmp_path / "copy", 1000)
    assert f"1000, but '{original}' has {len(vocabulary(original))} tokens" in caplog.text


def test_a_separator_ends_documents_where_there_is_no_end_of_text_token(tmp_path):
    from transformers import PreTrainedTokenizerFast

    saved = PreTrainedTokenizerFast(tokenizer_object=wordpiece(), sep_token="[SEP]", unk_token="[UNK]")
    saved.save_pretrained(tmp_path / "bert")
    copy = fetch(tmp_path / "bert", tmp_path / "copy")
    assert end_of_text(copy) == vocabulary(copy)["[SEP]"]


def test_a_tokenizer_without_any_separator_is_refused(tmp_path):
    from transformers import PreTrainedTokenizerFast

    PreTrainedTokenizerFast(tokenizer_object=wordpiece()).save_pretrained(tmp_path / "none")
    with pytest.raises(UserError, match="no end-of-text token to separate documents"):
        fetch(tmp_path / "none", tmp_path / "copy")


def test_text_that_a_vocabulary_drops_in_silence_is_warned_of(tmp_path, caplog):
    folder = save_kind("byte_bpe", tmp_path / "bpe")
    definition = json.loads((folder / "tokenizer.json").read_text())
    lost = definition["model"]["vocab"].pop("\u00f0")
    definition["model"]["vocab"]["\u00f0\u00f0"] = lost
    (folder / "tokenizer.json").write_text(json.dumps(definition))
    with caplog.at_level(logging.WARNING):
        fetch(folder, tmp_path / "copy")
    assert "drops 1 of the 256 bytes" in caplog.text


@pytest.mark.parametrize(
    ("name", "message"), [("nobody/nothing", "could not be loaded"), ("./no/where", r"'\./no/where': no such folder")]
)
def test_a_tokenizer_that_cannot_be_had_is_an_error_in_words(tmp_path, name, message):
    with pytest.raises(UserError, match=rf"tokenizers\.mine\.pretrained\.id: .*{message}"):
        fetch(name, tmp_path / "copy")


def test_a_broken_definition_is_an_error_in_words(tmp_path):
    folder = save_kind("byte_bpe", tmp_path / "bpe")
    (folder / "tokenizer.json").write_text('{"version": "1.0", "model": {"type": "Nothing"}}')
    with pytest.raises(UserError, match=r"could not be loaded: .* is no object with version, model, added_tokens\.$"):
        fetch(folder, tmp_path / "copy")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("tokenizer.json", "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 7\n", r"by `git lfs pull`"),
        ("tokenizer_config.json", '{"eos_token": ', r"config\.json: not valid JSON: [^.]*\.$"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_named_and_is_the_users_to_mend(tmp_path, name, content, message):
    folder = save_kind("byte_bpe", tmp_path / "bpe")
    (folder / name).write_text(content)
    with pytest.raises(UserError, match=message) as error:
        fetch(folder, tmp_path / "copy")
    assert str(folder / name) in str(error.value)
    assert "delete" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "name"), [("unigram", "T5Tokenizer"), ("unigram", "AlbertTokenizer"), ("spaced_bpe", "LlamaTokenizer")]
)
def test_a_tokenizer_is_what_its_file_says_and_not_what_its_class_is_called(tmp_path, kind, name):
    original = save_kind(kind, tmp_path / "original")
    config = json.loads((original / "tokenizer_config.json").read_text())
    (original / "tokenizer_config.json").write_text(json.dumps({**config, "tokenizer_class": name}))
    texts = ["the   gulls\n  follow it out", *TEXTS[:3]]
    copy = fetch(original, tmp_path / "copy")
    assert np.array_equal(encoder(copy)(texts)[0], encoder(original)(texts)[0])


def test_a_refused_tokenizer_is_called_as_the_configuration_calls_it(tmp_path):
    from tokenizers import Tokenizer, models

    save_tokenizer(Tokenizer(models.Unigram([("</s>", 0.0), ("a", -1.0)])), tmp_path / "own", "</s>")
    with pytest.raises(UserError, match=r"pretrained\.id: '.*/own': the tokenizer cannot encode every text"):
        fetch(tmp_path / "own", tmp_path / "copy")
    panicking = byte_bpe()
    panicking.normalizer = normalizers.Strip()  # leaves nothing of the token of blanks
    save_tokenizer(panicking, tmp_path / "strips", "<|end|>")
    with pytest.raises(UserError, match=r"pretrained\.id: '.*/strips': the tokenizer cannot encode every text"):
        fetch(tmp_path / "strips", tmp_path / "copy")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "tokenizer.model").write_bytes(b"\n\x0b")
    with pytest.raises(UserError, match=r"/old' could not be loaded: (?s:.*) It has no tokenizer\.json: load it"):
        fetch(tmp_path / "old", tmp_path / "copy")


@pytest.mark.parametrize(("given", "sent"), [("hf_mine\n", "hf_mine"), (None, False)])
def test_the_token_of_the_environment_is_sent_without_its_line_end_and_no_other_one(monkeypatch, given, sent):
    """A line end would end up with the token in the log, as a header that is refused."""
    import transformers
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    tokens = []

    def refuse(name: str, **options):
        tokens.append(options["token"])
        raise OSError("no connection")

    for kind in (transformers.PreTrainedTokenizerFast, transformers.AutoTokenizer):
        monkeypatch.setattr(kind, "from_pretrained", refuse)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    if given:
        monkeypatch.setenv("HF_TOKEN", given)
    with pytest.raises(UserError, match="could not be loaded"):
        fetch_pretrained("mine", "owner/name", None, Path("none"), 300)
    assert tokens == [sent, sent]
    assert constants.HF_HUB_DISABLE_IMPLICIT_TOKEN is (not sent)
