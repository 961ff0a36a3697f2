from hypothesis import given
from hypothesis import strategies as st

from emulsion.data.sources import cutting
from emulsion.data.sources.cutting import line_end, lines, whole
from emulsion.data.sources.streams import Malformed
from raw_rows import broken, cut


def test_lines_of_an_old_mac_end_with_a_carriage_return():
    assert line_end(b"a\rb\r") == b"\r"
    assert line_end(b"a\r\nb\r\n") == b"\n"
    assert list(lines([b"a\rb", b"c\r"], b"\r")) == [b"a", b"bc"]


def test_the_row_that_is_cut_is_malformed_and_shown():
    assert list(lines(broken(b"one\ntw", "cut"))) == [b"one", Malformed("cut", "tw")]
    assert whole(broken(b"text", "cut")) == Malformed("cut", "text")


@given(st.binary(max_size=200), st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_lines_are_those_of_the_whole_however_it_is_cut(data, sizes):
    expected = data.split(b"\n")
    assert list(lines(cut(data, sizes))) == (expected if expected[-1].strip() else expected[:-1])


def test_a_line_over_the_limit_is_one_malformed_row_and_the_next_are_read(monkeypatch):
    monkeypatch.setattr(cutting, "ROW_BYTES", 1 << 20)
    data = b"before\n" + b"x" * (1 << 20) + b"y\n" + b"z" * (1 << 20) + b"\nafter"
    before, long, exact, after = lines(cut(data, [10_000]))
    assert (before, exact, after) == (b"before", b"z" * (1 << 20), b"after")
    assert long == Malformed("longer than 1 MB", "x" * 2000)


def test_a_line_over_the_limit_is_not_held_in_memory(monkeypatch):
    monkeypatch.setattr(cutting, "ROW_BYTES", 1 << 16)
    row = cutting.RowBytes()
    for _ in range(1000):
        row.add(b"x" * 1000)
    assert sum(map(len, row._pieces)) <= 1 << 16
    assert isinstance(row.take(), Malformed)


def test_the_whole_of_a_file_over_the_limit_is_left_unread(monkeypatch):
    monkeypatch.setattr(cutting, "ROW_BYTES", 1000)
    source = iter([b"x" * 600, b"y" * 600, b"z" * 600])
    assert isinstance(whole(source), Malformed)
    assert list(source) == [b"z" * 600]
