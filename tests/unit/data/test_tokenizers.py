import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.data.encoding import encoder
from emulsion.data.tokenizers import (
    byte_lengths,
    control_tokens,
    end_of_text,
    fingerprint,
    train_bpe,
    unknown_token,
    vocabulary,
)
from emulsion.errors import UserError
from tokenizer_kinds import KINDS, save_kind


def test_training_twice_gives_the_same_tokenizer(tokenizer, tmp_path):
    from small_corpus import WORDS, corpus

    train_bpe((text for source in WORDS for text in corpus(source)[1]), 300, tmp_path / "again")
    assert fingerprint(tmp_path / "again") == fingerprint(tokenizer)
    assert (tmp_path / "again" / "tokenizer.json").read_bytes() == (tokenizer / "tokenizer.json").read_bytes()


def test_the_vocabulary_has_the_size_asked_for_and_an_end_of_text(tokenizer):
    assert len(vocabulary(tokenizer)) == 300
    assert vocabulary(tokenizer)["<|endoftext|>"] == end_of_text(tokenizer)


@pytest.fixture(scope="module")
def encode_and_sizes(tokenizer):
    return encoder(tokenizer), byte_lengths(tokenizer)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_byte_lengths_of_tokens_add_up_to_the_text(encode_and_sizes, text):
    encode, sizes = encode_and_sizes
    ids, lengths = encode([text])
    assert sizes[ids].sum() == len(text.encode())
    assert lengths.tolist() == [len(ids)]


def test_the_end_of_text_stands_for_no_bytes(tokenizer):
    assert byte_lengths(tokenizer)[end_of_text(tokenizer)] == 0


@pytest.mark.parametrize(
    ("kind", "text", "spelt"),
    [
        ("unigram", " the boats\u6771", len(" the boats")),  # an unknown character spells nothing
        ("wordpiece", "follow the gulls", len("followthegulls")),  # white space between words is dropped
        ("wordlevel", "the harbour at nine", len("theharbourat")),
        ("byte_bpe", "the    \u6771 <tool>", len("the    \u6771 <tool>".encode())),
        ("spaced_bpe", " the\u6771 an", len(" the\u6771 an".encode())),
    ],
)
def test_tokens_spell_the_bytes_of_their_text_in_every_kind_of_vocabulary(tmp_path, kind, text, spelt):
    folder = save_kind(kind, tmp_path / kind)
    assert byte_lengths(folder)[encoder(folder)([text])[0]].sum() == spelt


@pytest.mark.parametrize("kind", KINDS)
def test_control_tokens_and_the_unknown_token_spell_nothing(tmp_path, kind):
    folder = save_kind(kind, tmp_path / kind)
    silent = [vocabulary(folder)[name] for name in control_tokens(folder)]
    assert not byte_lengths(folder)[silent].any()
    assert (unknown := unknown_token(folder)) is None or byte_lengths(folder)[unknown] == 0


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("unigram", ["<unk>", "</s>", "<s>"]),
        ("wordpiece", ["[UNK]", "[CLS]", "[SEP]"]),
        ("byte_bpe", ["<|end|>", "<|im_start|>", "<tool>"]),
    ],
)
def test_control_tokens_are_the_special_ones_and_added_tokens_that_are_no_words(tmp_path, kind, expected):
    assert control_tokens(save_kind(kind, tmp_path / kind)) == expected


def test_an_end_of_text_token_may_be_saved_with_its_settings(tmp_path):
    folder = save_kind("unigram", tmp_path / "unigram")
    (folder / "tokenizer_config.json").write_text('{"eos_token": {"content": "</s>", "lstrip": false}}')
    assert end_of_text(folder) == 1


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("{}", "no `eos_token`"),
        ('{"eos_token": {}}', "no `eos_token`"),
        ('{"eos_token": 5}', "`eos_token` is 5, where the text of a token stands"),
        ("[]", "tokenizer_config.json: is no object"),
        ('{"eos_token": "<|over|>"}', "'<|over|>' is not in its vocab"),
    ],
)
def test_a_tokenizer_without_end_of_text_is_refused_in_words(tmp_path, config, message):
    folder = save_kind("unigram", tmp_path / "unigram")
    (folder / "tokenizer_config.json").write_text(config)
    with pytest.raises(UserError, match=re.escape(message)):
        end_of_text(folder)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "tokenizer.json: is no object with version, model, added_tokens"),
        ({"version": "1.0", "model": {"vocab": {}}}, "is no object with version, model, added_tokens"),
        ({"version": "1.0", "added_tokens": [], "model": {}}, "its `model` has no `vocab`"),
        ({"version": "1.0", "added_tokens": [], "model": []}, "its `model` has no `vocab`"),
    ],
)
def test_a_definition_that_is_of_no_tokenizer_is_refused_in_words(tmp_path, content, message):
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=re.escape(message)):
        vocabulary(tmp_path)


def test_a_folder_without_tokenizer_is_named(tmp_path):
    with pytest.raises(UserError, match="no tokenizer here"):
        fingerprint(tmp_path)


def test_the_fingerprint_changes_with_what_the_tokenizer_does(tokenizer, tmp_path):
    definition = json.loads((tokenizer / "tokenizer.json").read_text())
    definition["model"]["merges"] = definition["model"]["merges"][:-1]
    (tmp_path / "tokenizer.json").write_text(json.dumps(definition))
    assert fingerprint(tmp_path) != fingerprint(tokenizer)


def test_a_vocabulary_that_the_text_does_not_fill_is_told(tmp_path, caplog):
    train_bpe(["one two"], 10_000, tmp_path / "large")
    assert "tokens, of 10,000 that the vocabulary may have" in caplog.text
