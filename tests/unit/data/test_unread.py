from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.unread import ColumnCounts, Fields, characters

VALUES = st.recursive(
    st.none() | st.text() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


def test_fields_that_were_not_asked_for_are_named_with_their_path_and_size():
    fields = Fields({"text": "read", "url": "1234567", "meta": {"lang": "en", "score": 0.5}, "none": None})
    fields.take("text")
    fields.inner(fields.take("meta"), "meta").take("score")
    assert list(fields.read()) == ["text", "meta"]
    assert dict(fields.unread()) == {"url": 7, "none": 0, "meta.lang": 2}


def test_a_dot_leads_into_records():
    fields = Fields({"doc": {"body": "x", "title": "yy"}, "a.b": "flat"})
    assert (fields.take("doc.body"), fields.take("a.b"), fields.take("doc.none.more")) == ("x", "flat", None)
    assert dict(fields.unread())["doc.title"] == 2
    fields.take("doc.title")
    assert dict(fields.unread()) == {}


@given(VALUES, VALUES)
def test_characters_of_a_list_are_those_of_its_parts(one, other):
    assert characters([one, other]) == characters(one) + characters(other) == characters({"a": one, "b": other})


def test_characters_are_counted_however_deep_they_lie():
    deep = "x"
    for _ in range(5000):
        deep = [deep]
    assert characters(deep) == 1


def test_counts_add_up_and_come_back_from_json():
    one, other = ColumnCounts(10, {"text"}, {"url": 4}), ColumnCounts(6, {"content"}, {"url": 1, "none": 0})
    both = ColumnCounts.from_json(one.to_json()) + other
    assert both.to_json() == {"characters": 16, "read": ["content", "text"], "unread": {"none": 0, "url": 5}}
    assert both.shares() == {"read": ["content", "text"], "unread": {"url": 5 / 16, "none": 0.0}}


def test_columns_with_much_text_that_are_not_read_are_said():
    counts = ColumnCounts(100, {"question", "answer"}, {"passage": 70, "url": 6, "id": 5})
    said = "quiz: columns that are not read: passage (70 % of the characters), url (6 % of the characters)."
    assert counts.text("quiz") == said
    assert ColumnCounts(100, {"text"}, {"id": 5}).text("quiz") == ColumnCounts().text("quiz") == ""
