import json
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

import emulsion.data.encoding as encoding
from emulsion.data.encoding import awkward_texts, encoder, text_backend, text_definition, text_of_control_tokens
from emulsion.data.tokenizers import (
    byte_lengths,
    control_tokens,
    end_of_text,
    read_definition,
    save_tokenizer,
    unknown_token,
    vocabulary,
)
from emulsion.errors import UserError
from tokenizer_kinds import KINDS, TEXTS, edit_definition, save_kind

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
CUTTING = {"direction": "Right", "max_length": 8, "strategy": "LongestFirst", "stride": 0}
FILLING = {
    "strategy": {"Fixed": 64},
    "direction": "Right",
    "pad_to_multiple_of": None,
    "pad_id": 0,
    "pad_type_id": 0,
    "pad_token": "<|end|>",
}
CLOSING = {"type": "RobertaProcessing", "sep": ["<|end|>", 0], "cls": ["<|im_start|>", 1]}
CLOSING |= {"trim_offsets": True, "add_prefix_space": False}


@pytest.fixture(scope="module", params=KINDS)
def kind(request, tmp_path_factory):
    return save_kind(request.param, tmp_path_factory.mktemp("kinds") / request.param)


@pytest.fixture(scope="module")
def byte_bpe(tmp_path_factory):
    return save_kind("byte_bpe", tmp_path_factory.mktemp("tokenizer") / "bpe")


@pytest.fixture(scope="module")
def both(tokenizer):
    """The encoder in use, and the reference."""
    return encoder(tokenizer), encoding._reference_encoder(text_definition(tokenizer))


@settings(deadline=None)
@given(texts=st.lists(TEXT, max_size=5))
def test_the_encoder_in_use_gives_the_ids_of_the_reference(both, texts):
    for chosen, expected in zip(*(encode(texts) for encode in both), strict=True):
        assert np.array_equal(chosen, expected)


def test_a_control_token_written_in_a_text_is_text(kind):
    names = control_tokens(kind)
    control = {vocabulary(kind)[name] for name in names} - {unknown_token(kind)}
    texts = [each for name in names for each in (name, f"a {name} b", f"a{name}b{name}", f"{name} {name}")]
    assert not control & set(encoder(kind)(texts)[0].tolist())


def test_an_unknown_token_that_was_not_added_is_text_where_it_is_written(tmp_path):
    pieces = [("<unk>", 0.0), ("</s>", 0.0), ("\u2581", -2.0), *((character, -3.0) for character in "<>abknu")]
    model = Tokenizer(models.Unigram(pieces, unk_id=0))
    model.pre_tokenizer = pre_tokenizers.Metaspace()
    save_tokenizer(model, tmp_path / "pieces", "</s>")
    assert "<unk>" in control_tokens(tmp_path / "pieces")
    ids, lengths = encoder(tmp_path / "pieces")(["a <unk> b", "a ? b"])
    assert 0 not in ids[: lengths[0]] and 0 in ids[lengths[0] :]


def test_the_text_of_a_control_token_is_spelt_whole(byte_bpe):
    text = "a <|im_start|>user <tool> b<|end|>"
    ids, _ = encoder(byte_bpe)([text])
    assert text_backend(byte_bpe).decode(ids.tolist()) == text
    assert byte_lengths(byte_bpe)[ids].sum() == len(text)


def test_a_text_without_control_tokens_is_encoded_as_by_the_tokenizer_itself(kind):
    from tokenizers import Tokenizer

    texts = [TEXTS[0], TEXTS[1], TEXTS[3], "   \u6771\u4eac 12"]
    itself = Tokenizer.from_file(str(kind / "tokenizer.json"))
    expected = [itself.encode(text, add_special_tokens=False).ids for text in texts]
    ids, lengths = encoder(kind)(texts)
    assert [part.tolist() for part in np.split(ids, np.cumsum(lengths)[:-1])] == expected


def test_added_tokens_that_are_white_space_or_words_are_still_used(byte_bpe):
    assert "    " not in control_tokens(byte_bpe)
    ids, _ = encoder(byte_bpe)(["x\n    y"])
    assert vocabulary(byte_bpe)["    "] in ids


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"truncation": CUTTING}, "`truncation` cuts documents to 8 tokens"),
        ({"padding": FILLING}, "`padding` fills documents up"),
        ({"post_processor": CLOSING}, "`post_processor` adds control tokens"),
        ({"model_dropout": 0.1}, "`dropout` makes the tokens of the same text differ"),
    ],
)
def test_a_tokenizer_that_would_change_the_text_is_refused(tmp_path, setting, message):
    folder = save_kind("byte_bpe", tmp_path / "bpe")
    edit_definition(folder, **setting)
    with pytest.raises(UserError, match=message):
        encoder(folder)


def test_a_tokenizer_without_an_unknown_token_is_refused_in_words(tmp_path):
    folder = save_kind("unigram", tmp_path / "unigram")
    edit_definition(folder, model_unk_id=None)
    with pytest.raises(UserError, match="cannot encode every text"):
        encoder(folder)


def test_the_sample_has_every_added_token_and_depends_on_the_tokenizer_alone(byte_bpe):
    texts = awkward_texts(byte_bpe)
    for token in read_definition(byte_bpe)["added_tokens"]:
        assert any(token["content"] in text for text in texts)
    assert texts == awkward_texts(byte_bpe)


def test_without_the_fast_encoder_the_tokens_are_the_same(byte_bpe, monkeypatch):
    texts = [*awkward_texts(byte_bpe), *TEXTS]
    chosen = encoder(byte_bpe)(texts)
    monkeypatch.setitem(sys.modules, "gigatoken", None)
    for each, plain in zip(chosen, encoder(byte_bpe)(texts), strict=True):
        assert np.array_equal(each, plain)


def wrong_at(wrong):
    """A fast encoder that is wrong on the texts with these characters in them."""

    def make(definition):
        right = encoding._reference_encoder(definition)

        def encode(texts):
            flat, lengths = right(texts)
            return (flat + 1 if any(wrong in text for text in texts) else flat), lengths

        return encode

    return make


@pytest.mark.parametrize("wrong", ["<tool>", "\u6771\u4eac", "\x00"])
def test_a_fast_encoder_that_is_wrong_on_a_rare_text_is_left_alone(byte_bpe, monkeypatch, wrong):
    pytest.importorskip("gigatoken")
    monkeypatch.setattr(encoding, "_gigatoken_encoder", wrong_at(wrong))
    expected = encoding._reference_encoder(text_definition(byte_bpe))([wrong])[0]
    assert np.array_equal(encoder(byte_bpe)([wrong])[0], expected)


def test_a_fast_encoder_that_is_wrong_on_a_document_is_found_out(byte_bpe, monkeypatch):
    pytest.importorskip("gigatoken")
    monkeypatch.setattr(encoding, "_gigatoken_encoder", wrong_at("quinquereme"))
    encode = encoder(byte_bpe)
    encode(["a trireme"])
    with pytest.raises(UserError, match="gigatoken encodes 'a quinquereme' otherwise"):
        encode(["a quinquereme"])


@given(
    texts=st.lists(st.text("ab<|>", max_size=12), max_size=4), tokens=st.sets(st.text("ab<|>", min_size=1), max_size=4)
)
def test_a_text_has_a_control_token_if_it_contains_its_name(texts, tokens):
    found = text_of_control_tokens(tokens)
    assert [found(text) for text in texts] == [any(token in text for token in tokens) for text in texts]


def test_the_ids_of_a_definition_stay_where_they_are(kind):
    control = control_tokens(kind)
    before, after = read_definition(kind), text_definition(kind)
    assert len(after["model"]["vocab"]) == len(before["model"]["vocab"])
    assert [token["id"] for token in after["added_tokens"]] == [token["id"] for token in before["added_tokens"]]
    assert not any(json.dumps(name) in json.dumps(after) for name in control)
    assert end_of_text(kind) == vocabulary(kind)[KINDS[kind.name][1]]
