"""Take a pretrained tokenizer from the hub or a folder, and switch off what would change the text."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from emulsion.data.encoding import encoder
from emulsion.data.sources.streams import why_no_data
from emulsion.data.tokenizers import changing_settings, read_definition, save_tokenizer, vocabulary
from emulsion.errors import UserError
from emulsion.files import from_home, whole_folder, without_remedy
from emulsion.trust import SETTINGS, refuse_code

log = logging.getLogger(__name__)


def fetch_pretrained(name: str, tokenizer_id: str, revision: str | None, folder: Path, vocab_size: int) -> None:
    """Take a tokenizer and save it.

    Truncation, padding, dropout and control tokens around every document are switched off: fine-tuned models often
    save them. The end-of-text token is its `eos_token`, or else its `sep_token`, which BERT's has.
    vocab_size: the tokens that the configuration says it has. Raises UserError if it has more, and for a tokenizer
    that cannot be read or cannot encode every text.
    """
    from tokenizers import Tokenizer

    where = f"tokenizers.{name}.pretrained"
    tokenizer = _load(tokenizer_id, revision, f"{where}.id")
    if tokenizer.init_kwargs.get("auto_map"):
        raise UserError(f"{where}.id: '{tokenizer_id}' names code of its own (`auto_map`), and Emulsion runs none.")
    if not tokenizer.is_fast:
        raise UserError(f"{where}.id: '{tokenizer_id}' has no tokenizer.json (a fast tokenizer is needed).")
    end = tokenizer.eos_token or tokenizer.sep_token
    if end is None:
        raise UserError(
            f"{where}.id: '{tokenizer_id}' has no end-of-text token to separate documents; name one as `eos_token` in "
            "the tokenizer_config.json of a copy."
        )
    definition = json.loads(tokenizer.backend_tokenizer.to_str())
    for setting, effect in changing_settings(definition).items():
        log.warning("%s: `%s` is saved in it, which %s; switched off", tokenizer_id, setting, effect)
        (definition["model"] if setting == "dropout" else definition)[setting] = None
    if lost := _lost(definition):
        log.warning("%s: it has no unknown token, and drops %s", tokenizer_id, lost)
    with whole_folder(folder) as part:
        save_tokenizer(Tokenizer.from_str(json.dumps(definition)), part, end)
        check_vocabulary(max(vocabulary(part).values()) + 1, vocab_size, f"{where}.vocab_size", tokenizer_id)
        try:
            encoder(part)
        except UserError as error:
            raise UserError(str(error).replace(f"{part}:", f"{where}.id: '{tokenizer_id}':")) from None


def _load(tokenizer_id: str, revision: str | None, where: str) -> Any:
    """The tokenizer as its `tokenizer.json` defines it; converted by transformers if it has none."""
    from huggingface_hub import constants
    from transformers import AutoTokenizer, PreTrainedTokenizerFast

    from emulsion.data.sources.network import token

    local = from_home(tokenizer_id)
    if tokenizer_id.startswith((".", "/", "~")) and not local.is_dir():
        raise UserError(f"{where}: '{tokenizer_id}': no such folder.")
    for file in (local / "tokenizer.json", *(local / settings for settings in SETTINGS)):
        if file.is_file() and (reason := why_no_data(file)):
            raise UserError(f"{where}: {file}: {reason}.")
    refuse_code(local)
    options = {"revision": revision, "token": token()}
    # transformers asks some things without the token that it is given, and then with one of the home folder.
    constants.HF_HUB_DISABLE_IMPLICIT_TOKEN = not token()
    try:
        return PreTrainedTokenizerFast.from_pretrained(str(local), trust_remote_code=False, **options)
    except Exception as error:
        log.info("%s: not read as a fast tokenizer (%s)", tokenizer_id, str(error).partition("\n")[0])
    # Not for all: for some classes transformers builds a tokenizer of its own that reads texts otherwise than the file.
    try:
        return AutoTokenizer.from_pretrained(str(local), trust_remote_code=False, **options)
    except Exception as error:  # of many types, by what is wrong with the files
        raise UserError(f"{where}: '{tokenizer_id}' could not be loaded: {_why(local, error)}") from error


def _why(folder: Path, error: Exception) -> str:
    """Why no tokenizer can be loaded, by the files of a folder where they tell it."""
    if not folder.is_dir():
        return str(error)
    if not (folder / "tokenizer.json").exists():
        return (
            f"{error} It has no tokenizer.json: load it by `AutoTokenizer` where the library of its own format is "
            "installed, and save it by `save_pretrained`."
        )
    try:
        read_definition(folder)
    except UserError as reason:
        return without_remedy(reason)
    return str(error)


def check_vocabulary(tokens: int, stated: int, where: str, tokenizer: str) -> None:
    """Raise UserError if a tokenizer has more tokens than the configuration says; say so if it has fewer."""
    if tokens > stated:
        raise UserError(f"{where}: {stated}, but '{tokenizer}' has {tokens} tokens. Write {tokens}.")
    if tokens < stated:
        log.warning("%s: %d, but '%s' has %d tokens; models get %d rows", where, stated, tokenizer, tokens, tokens)


def _lost(definition: dict[str, Any]) -> str:
    """What a BPE without an unknown token drops in silence; nothing if it has all bytes."""
    from tokenizers import pre_tokenizers

    model = definition["model"]
    if model["type"] != "BPE" or model.get("unk_token") or model.get("byte_fallback"):
        return ""
    if '"ByteLevel"' not in json.dumps([definition["normalizer"], definition["pre_tokenizer"]]):
        return "every character that its vocabulary does not have"
    missing = set(pre_tokenizers.ByteLevel.alphabet()) - set(model["vocab"])
    return f"{len(missing)} of the 256 bytes" if missing else ""
