from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emulsion.data.encoding import encoder
from emulsion.data.tokenizers import control_tokens
from emulsion.errors import UserError
from emulsion.evaluation.likelihood import Question, encode_questions, log_likelihoods
from emulsion.evaluation.model import TextTokenizer
from plain_likelihood import plain_log_likelihood
from tokenizer_kinds import KINDS, TEXTS, edit_definition, save_kind


def random_questions(count: int, longest: int = 40, vocabulary: int = 320) -> list[Question]:
    """Questions of very different shapes: contexts of 1 to `longest` tokens, 2 to 5 choices of 1 to 8."""
    rng = random.Random(0)

    def tokens(most: int) -> list[int]:
        return [rng.randrange(vocabulary) for _ in range(rng.randint(1, most))]

    return [Question(tokens(longest), [tokens(8) for _ in range(rng.randint(2, 5))], [1] * 5) for _ in range(count)]


def test_a_batch_of_questions_scores_as_each_choice_does_alone_with_the_full_head(model: Any) -> None:
    questions = random_questions(12)
    for question, scored in zip(questions, log_likelihoods(model, questions, batch=5), strict=True):
        alone = [plain_log_likelihood(model, question.context, tokens) for tokens in question.continuations]
        np.testing.assert_allclose(scored, alone, atol=1e-4)


def test_the_batch_size_does_not_change_scores(model: Any) -> None:
    questions = random_questions(9)
    one, many = (log_likelihoods(model, questions, batch) for batch in (1, 9))
    for left, right in zip(one, many, strict=True):
        np.testing.assert_allclose(left, right, atol=1e-4)


def test_a_choice_does_not_see_the_choices_before_it(model: Any) -> None:
    alone, crowded = Question([5, 6], [[7, 8]], [1]), Question([5, 6], [[9, 10, 11], [12], [7, 8]], [1, 1, 1])
    (only,), (*_, last) = log_likelihoods(model, [alone, crowded], batch=2)
    assert last == pytest.approx(only, abs=1e-4)


def test_scoring_needs_logits_only_where_a_choice_is_predicted(gpt2: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = []
    head = gpt2.get_output_embeddings()
    handle = head.register_forward_hook(lambda _module, inputs, _output: rows.append(len(inputs[0])))
    log_likelihoods(gpt2, [Question(list(range(30)), [[1, 2], [3]], [1, 1])], batch=1)
    handle.remove()
    assert sum(rows) == 3


def test_white_space_at_the_end_of_a_prompt_belongs_to_the_choice(tokenizer: Any) -> None:
    spaced, plain = encode_questions(tokenizer, ["France is ", "France is"], [["Paris"], [" Paris"]], 48)
    assert spaced.context == plain.context == tokenizer("France is")["input_ids"]
    assert spaced.continuations == plain.continuations
    assert tokenizer.decode(spaced.continuations[0]) == " Paris"


def test_a_blank_that_merges_with_nothing_belongs_to_the_choice_too(tokenizer: Any) -> None:
    (question,) = encode_questions(tokenizer, ["France is "], [["99", "77"]], 48)
    assert [tokenizer.decode(tokens) for tokens in question.continuations] == [" 99", " 77"]


def test_a_merge_across_the_boundary_charges_every_choice_from_the_same_place(tokenizer: Any) -> None:
    whole = tokenizer("The capital")["input_ids"]
    (question,) = encode_questions(tokenizer, ["The capit"], [["al", " zzz"]], 48)
    assert question.context + question.continuations[0] == whole
    texts = [tokenizer.decode(question.context + tokens) for tokens in question.continuations]
    assert texts == ["The capital", "The capit zzz"]
    assert not tokenizer.decode(question.context).endswith("capit")


def test_a_long_context_is_cut_from_the_left_to_what_the_model_can_read(model: Any, tokenizer: Any) -> None:
    prompt = "the city was free of rain " * 20 + "France is"
    (question,) = encode_questions(tokenizer, [prompt], [[" Paris", " one plus three is four"]], 48)
    longest = max(len(tokens) for tokens in question.continuations)
    assert len(question.context) + longest - 1 == 48
    assert tokenizer(prompt)["input_ids"][-len(question.context) :] == question.context
    (scores,) = log_likelihoods(model, [question], batch=1)
    assert np.isfinite(scores).all()


def test_a_choice_longer_than_the_context_is_refused(tokenizer: Any) -> None:
    with pytest.raises(UserError, match="do not fit"):
        encode_questions(tokenizer, ["Say"], [[" rain" * 60, " no"]], 48)


@pytest.mark.parametrize("prompt", ["\u00e9", "the"])
def test_a_choice_that_the_tokenizer_drops_is_refused(tmp_path: Path, prompt: str) -> None:
    folder = save_kind("spaced_bpe", tmp_path / "drops")
    edit_definition(folder, model_unk_token=None, model_byte_fallback=False)
    with pytest.raises(UserError, match=r"^x: the tokenizer leaves nothing of the choice 'ü'"):
        encode_questions(TextTokenizer.load(folder), [prompt], [["the", "ü"]], 48, ["x"])
    (question,) = encode_questions(TextTokenizer.load(folder), ["the"], [[""]], 48)
    assert len(question.continuations[0]) == 1


def test_an_empty_prompt_is_the_end_of_text(tokenizer: Any) -> None:
    (question,) = encode_questions(tokenizer, [""], [["Paris", "rain"]], 48)
    assert question.context == [tokenizer.eos_token_id]


def test_the_size_of_a_choice_is_counted_in_bytes(tokenizer: Any) -> None:
    (question,) = encode_questions(tokenizer, ["France is"], [[" Paris", " é"]], 48)
    assert question.sizes == [6, 3]


def test_no_questions_give_no_scores(gpt2: Any, tokenizer: Any) -> None:
    assert log_likelihoods(gpt2, encode_questions(tokenizer, [], [], 48), batch=4) == []


def test_control_tokens_in_an_item_are_text(tokenizer: Any) -> None:
    [question] = encode_questions(tokenizer, ["<|endoftext|>France<|endoftext|> is"], [[" <|endoftext|>", " free"]], 48)
    tokens = [*question.context, *(token for choice in question.continuations for token in choice)]
    assert tokenizer.eos_token_id not in tokens
    assert tokenizer.decode([*question.context, *question.continuations[0]]) == (
        "<|endoftext|>France<|endoftext|> is <|endoftext|>"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_items_are_encoded_as_documents_are(tmp_path: Path, kind: str) -> None:
    folder = save_kind(kind, tmp_path / kind)
    tokenizer, texts = TextTokenizer.load(folder), [*TEXTS[:4], " ".join(control_tokens(folder))]
    flat, lengths = encoder(folder)(texts)
    assert [token for ids in tokenizer(texts, add_special_tokens=False)["input_ids"] for token in ids] == flat.tolist()
    assert len(tokenizer.encode(texts[-1], add_special_tokens=False)) == lengths[-1]
