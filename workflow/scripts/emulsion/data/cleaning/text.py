"""The one form of a text: Unicode normal form, line ends, no control characters; and the lines that C4 drops."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal, cast

from emulsion.data.cleaning.settings import Cleaning
from emulsion.data.cleaning.web import c4_lines

_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")
_PLAIN = re.compile("[\t\n -~\xa0-\u2027\u202a-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")  # all but those


def clean_text(text: str, settings: Cleaning) -> str:
    """The text as it is kept.

    With a Unicode form every line end (those that `str.splitlines` knows) becomes a line feed, control characters
    (tabs excepted) and byte order marks go, and equal characters get equal code points. With the filter `c4` the lines
    that C4 does not keep go as well.
    """
    if settings.unicode is not None:
        text = normal_form(text, settings.unicode)
    return c4_lines(text) if "c4" in settings.filters else text


def normal_form(text: str, form: str) -> str:
    if not _PLAIN.fullmatch(text):
        text = _CONTROLS.sub("", _LINE_ENDS.sub("\n", text))
    return text if text.isascii() else unicodedata.normalize(cast(Literal["NFC"], form), text)
