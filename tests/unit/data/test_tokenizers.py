import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulsion.data.tokenizers import (
    byte_lengths,
    encoder,
    end_of_text,
    fetch_pretrained,
    fingerprint,
    train_bpe,
    vocabulary,
)
from emulsion.errors import UserError

SAMPLE = ["one two three", "", "naïve café — 東京 🙂\n\ttabs", "  spaces  "]


def test_training_twice_gives_the_same_tokenizer(tokenizer, tmp_path):
    from small_corpus import WORDS, corpus

    train_bpe((text for source in WORDS for text in corpus(source)[1]), 300, tmp_path / "again")
    assert fingerprint(tmp_path / "again") == fingerprint(tokenizer)
    assert (tmp_path / "again" / "tokenizer.json").read_bytes() == (tokenizer / "tokenizer.json").read_bytes()


def test_the_vocabulary_has_the_size_asked_for_and_an_end_of_text(tokenizer):
    assert len(vocabulary(tokenizer)) == 300
    assert vocabulary(tokenizer)["<|endoftext|>"] == end_of_text(tokenizer)


@settings(deadline=None)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"])), max_size=5))
def test_the_encoder_in_use_gives_the_ids_of_the_reference(tokenizer, texts):
    from emulsion.data.tokenizers import _reference_encoder

    for chosen, expected in zip(encoder(tokenizer, SAMPLE)(texts), _reference_encoder(tokenizer)(texts), strict=True):
        assert np.array_equal(chosen, expected)


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])).filter(lambda text: "<|endoftext|>" not in text))
def test_byte_lengths_of_tokens_add_up_to_the_text(tokenizer, text):
    ids, lengths = encoder(tokenizer, SAMPLE)([text])
    assert byte_lengths(tokenizer)[ids].sum() == len(text.encode())
    assert lengths.tolist() == [len(ids)]


def test_the_end_of_text_stands_for_no_bytes(tokenizer):
    assert byte_lengths(tokenizer)[end_of_text(tokenizer)] == 0


def test_a_pretrained_tokenizer_is_taken_from_a_folder_and_does_the_same(tokenizer, tmp_path):
    fetch_pretrained("mine", str(tokenizer), None, tmp_path / "copy")
    original, copy = encoder(tokenizer, SAMPLE)(SAMPLE), encoder(tmp_path / "copy", SAMPLE)(SAMPLE)
    assert np.array_equal(original[0], copy[0])
    assert end_of_text(tmp_path / "copy") == end_of_text(tokenizer)


def test_a_tokenizer_that_cannot_be_had_is_an_error_in_words(tmp_path):
    with pytest.raises(UserError, match=r"tokenizers\.mine\.id: 'nobody/nothing' could not be loaded"):
        fetch_pretrained("mine", "nobody/nothing", None, tmp_path / "copy")


def test_a_folder_without_tokenizer_is_named(tmp_path):
    with pytest.raises(UserError, match="no tokenizer here"):
        fingerprint(tmp_path)


def test_the_fingerprint_changes_with_what_the_tokenizer_does(tokenizer, tmp_path):
    definition = json.loads((tokenizer / "tokenizer.json").read_text())
    definition["model"]["merges"] = definition["model"]["merges"][:-1]
    (tmp_path / "tokenizer.json").write_text(json.dumps(definition))
    assert fingerprint(tmp_path) != fingerprint(tokenizer)
