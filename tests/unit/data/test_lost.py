import json

import pytest

from emulsion.data.lost import check_losses, check_some_are_left, first_places, loss_text, remedies, removal_text
from emulsion.errors import UserError


def test_a_source_with_nothing_left_is_an_error_with_the_reasons_counted():
    with pytest.raises(UserError, match=r"sources\.news: nothing is left of 7 rows: 5 x 'text' is empty; 2 x not JSON"):
        check_some_are_left("news", 0, {"'text' is empty": 5, "not JSON": 2})
    check_some_are_left("news", 1, {"'text' is empty": 5})
    places = {"unknown role 'narrator'": "a.jsonl, row 0"}
    with pytest.raises(
        UserError, match=r"7 x unknown role 'narrator' \(first: a\.jsonl, row 0\)\. Mend the rows, or say"
    ):
        check_some_are_left("chats", 0, {"unknown role 'narrator'": 7}, places)


def test_losses_above_the_limit_are_refused_with_reasons_places_and_the_remedy():
    reasons = {"unknown role 'narrator'": 4, "not JSON": 2}
    with pytest.raises(UserError) as error:
        check_losses("chats", 100, reasons, {"not JSON": "a.jsonl, row 7"}, 0.05)
    said = str(error.value)
    assert "sources.chats: 6 of 100 rows (6.0 %)" in said
    assert "4 x unknown role 'narrator'; 2 x not JSON (first: a.jsonl, row 7)" in said
    assert "sources.chats.max_loss: 0.06" in said
    assert "iconv" not in said
    check_losses("chats", 100, reasons, {}, 0.06)
    with pytest.raises(UserError, match=r"Mend the rows \(those in Latin-1, for instance, by `iconv"):
        check_losses("mails", 100, {"not valid UTF-8": 8}, {}, 0.05)


def test_few_losses_are_said_and_none_are_not():
    assert loss_text("chats", 200, {"not JSON": 2}) == "chats: 2 of 200 rows (1.0 %) are no documents: 2 x not JSON."
    assert loss_text("chats", 200, {}) == ""
    many = loss_text("chats", 200, {f"reason {number}": 1 for number in range(7)})
    assert many.endswith("and 2 more reasons.")


def test_the_first_row_of_each_reason_is_found(tmp_path):
    records = [{"file": "a", "row": row, "reason": reason} for row, reason in enumerate(["x", "y", "x"])]
    lines = [*records, {"id": "doc", "reason": "exact duplicate"}]
    (tmp_path / "q.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert first_places([tmp_path / "q.jsonl"]) == {"x": "a, row 0", "y": "a, row 1"}


def test_reasons_with_a_known_remedy_have_it():
    assert remedies(["not JSON: Expecting property name enclosed in double quotes", "x"]).startswith(
        " (Python's own text"
    )
    assert "`iconv" in remedies(["not valid UTF-8"]) and "names" in remedies(["a row is list, not a record"])
    assert remedies(["unknown role 'narrator'"]) == ""


def test_what_cleaning_removed_is_told_apart_from_rows_that_were_no_documents():
    removed, set_aside = {"not JSON": 2, "c4: curly bracket": 40}, {"not JSON": 2}
    told = "a: 40 of 100 rows (40.0 %) were removed by cleaning: 40 x c4: curly bracket."
    assert removal_text("a", 100, removed, set_aside) == told
    assert removal_text("a", 100, removed, set_aside, most=0.4) == ""
    assert removal_text("a", 100, set_aside, set_aside) == ""
