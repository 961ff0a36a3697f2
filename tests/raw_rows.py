"""The rows of raw files, as tests look at them."""

from emulsion.data.sources.formats import read_file
from emulsion.data.sources.streams import Malformed


def read_rows(files):
    """The native rows of several files, in order; those that cannot be read are Malformed."""
    for file in files:
        yield from read_file(file)


def reasons(rows):
    """The rows, with the reason alone of each that is malformed."""
    return [row.reason if isinstance(row, Malformed) else row for row in rows]


def cut(data, sizes):
    """The data in pieces of these sizes, again and again."""
    place = 0
    while place < len(data):
        for size in sizes:
            yield data[place : place + size]
            place += size
