"""The rows of raw files, as tests look at them."""

import pyarrow as pa
import pyarrow.parquet as pq

from emulsion.data.sources.formats import read_file
from emulsion.data.sources.streams import BrokenFileError, Malformed
from emulsion.files import read_json


def read_rows(files):
    """The native rows of several files, in order; those that cannot be read are Malformed."""
    for file in files:
        yield from read_file(file)


def reasons(rows):
    """The rows, with the reason alone of each that is malformed."""
    return [row.reason if isinstance(row, Malformed) else row for row in rows]


def written(folder, name, data):
    """A file of this text, or of these bytes."""
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())
    return folder / name


def files_of(folder):
    """The files of a source, as its provenance lists them."""
    return [folder / file["name"] for file in read_json(folder / "provenance.json")["files"]]


def cut(data, sizes):
    """The data in pieces of these sizes, again and again."""
    place = 0
    while place < len(data):
        for size in sizes:
            yield data[place : place + size]
            place += size


def broken(data, reason):
    """The data, after which the file ends for this reason."""
    yield data
    raise BrokenFileError(reason)


def without_a_page(file, column="text"):
    """Three groups of one row; one bit of the second says that its page is none of data."""
    pq.write_table(pa.table({column: ["a", "b", "c"]}), file, row_group_size=1, use_dictionary=False)
    data = bytearray(file.read_bytes())
    page = pq.read_metadata(file).row_group(1).column(0).data_page_offset
    assert data[page : page + 2] == b"\x15\x00"
    data[page + 1] ^= 2
    file.write_bytes(data)
