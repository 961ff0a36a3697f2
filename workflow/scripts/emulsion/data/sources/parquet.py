"""Parquet and Arrow files, read row by row with what cannot be read set aside, and written in bounded memory."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from emulsion.data.sources.memory import blame_row
from emulsion.data.sources.streams import (
    BOMB_RATIO,
    CHUNK_BYTES,
    HEAD_BYTES,
    SHOWN_CHARACTERS,
    BrokenFileError,
    File,
    Malformed,
    not_data,
    opened,
    printable,
)
from emulsion.files import whole_file

ROWS_PER_FILE = 100_000
ROWS_PER_GROUP = 2_000
ROWS_PER_BATCH = 2_000
BATCH_BYTES = 32 << 20
UNFOLDED_BYTES = 256 << 20  # of a batch whose rows share one value
FOOTER_BYTES = 64 << 10  # what pyarrow reads first of the end of a file

# A damaged footer may claim any number of rows; no row group that a writer makes has more.
MOST_ROWS = 64 << 20

# What pyarrow raises where the bytes are not what they should be. ValueError and OverflowError: of a value that Python
# has no place for, such as a date after the year 9999. MemoryError: of one that unfolds to more than a process may take
# (`memory.bound_memory`).
_UNREADABLE = (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError)


def rows(file: File, start: int = 0) -> Iterator[dict[str, Any] | Malformed]:
    """The rows of a Parquet or Arrow file from a row on.

    Each row of a group that cannot be read is Malformed, so that the count is right.
    """
    with opened(file, FOOTER_BYTES) as raw:
        head = raw.read(HEAD_BYTES)
    if reason := not_data(head, file.name):
        raise BrokenFileError(reason, printable(head))
    if file.name.lower().endswith(".arrow"):
        yield from itertools.islice(_arrow(file), start, None)
        return
    with opened(file, FOOTER_BYTES) as raw:
        try:
            parquet = pq.ParquetFile(raw, buffer_size=CHUNK_BYTES)
        except _UNREADABLE as error:
            blame_row(error)
            raise broken("a Parquet file", error) from None
        if reason := repeated(parquet.schema_arrow):
            yield from itertools.islice((Malformed(reason) for _ in range(parquet.metadata.num_rows)), start, None)
            return
        for group in range(parquet.metadata.num_row_groups):
            count = max(0, parquet.metadata.row_group(group).num_rows)
            if start < count or not count:
                yield from itertools.islice(_group(parquet, group), start, None)
            start = max(0, start - count)


def _arrow(file: File) -> Iterator[dict[str, Any] | Malformed]:
    """Of Arrow's file format, or of its stream format, which `datasets` writes."""
    with opened(file, FOOTER_BYTES) as raw:
        try:
            is_stream = raw.read(6) != b"ARROW1"
            raw.seek(0)
            reader = pa.ipc.open_stream(raw) if is_stream else pa.ipc.open_file(raw)
            reason = repeated(reader.schema)
            batches = reader if is_stream else map(reader.get_batch, range(reader.num_record_batches))
            for batch in batches:
                if reason:
                    yield from [Malformed(reason)] * batch.num_rows
                    continue
                unsound = _unsound(batch)
                size = max(1, min(ROWS_PER_BATCH, UNFOLDED_BYTES // max(1, _longest_value(batch))))
                for place in range(0, batch.num_rows, size):
                    yield from _batch(batch.slice(place, size), unsound)
            if is_stream and raw.read(HEAD_BYTES).strip(b"\0"):  # of files that were joined, say
                raise BrokenFileError(
                    "there is more after the end of its stream; how many rows are missing is not known. Make a file of "
                    "each stream"
                )
        except _UNREADABLE as error:
            blame_row(error)
            raise broken("an Arrow file", error) from None


def _longest_value(batch: pa.RecordBatch) -> int:
    """The most bytes that a value of a batch may have of which it holds one copy for many rows."""
    return max((column.dictionary.nbytes for column in batch.columns if pa.types.is_dictionary(column.type)), default=0)


def broken(kind: str, error: Exception) -> BrokenFileError:
    """What is said of a file that cannot be read any further."""
    if isinstance(error, MemoryError):
        return BrokenFileError(f"{_first_line(error)}; how many rows are missing is not known")
    return BrokenFileError(
        f"not {kind} that can be read: {_first_line(error)}; how many rows are missing is not known. Get it again"
    )


def repeated(schema: pa.Schema) -> str | None:
    """Two columns of one name would come as one."""
    names = [name for name in schema.names if schema.names.count(name) > 1]
    return f"two of its columns are named '{names[0]}'; name them apart" if names else None


def columns(file: File) -> dict[str, frozenset[str]]:
    """The columns of a file by its schema, as `columns_of_schema` has them; none of a file that is broken."""
    try:
        with opened(file, FOOTER_BYTES) as raw:
            if not file.name.lower().endswith(".arrow"):
                return columns_of_schema(pq.read_schema(raw))
            is_stream = raw.read(6) != b"ARROW1"
            raw.seek(0)
            return columns_of_schema((pa.ipc.open_stream(raw) if is_stream else pa.ipc.open_file(raw)).schema)
    except _UNREADABLE:
        return {}


def unpacked_bytes(file: File) -> int:
    """Bytes of all values of a Parquet file, by its footer; raises BrokenFileError where it has none that is whole."""
    with opened(file, FOOTER_BYTES) as raw:
        try:
            footer = pq.read_metadata(raw)
            return sum(footer.row_group(group).total_byte_size for group in range(footer.num_row_groups))
        except _UNREADABLE as error:
            raise broken("a Parquet file", error) from None


def columns_of_schema(schema: pa.Schema) -> dict[str, frozenset[str]]:
    """{column: fields of its records where it is a list of records, else empty}."""
    return {field.name: _record_fields(field.type) for field in schema}


_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


def _record_fields(kind: pa.DataType) -> frozenset[str]:
    if any(is_list(kind) for is_list in _LISTS) and pa.types.is_struct(kind.value_type):
        return frozenset(field.name for field in kind.value_type)
    if pa.types.is_struct(kind) and any(is_list(field.type) for field in kind for is_list in _LISTS):
        return frozenset(field.name for field in kind)  # a record of lists
    return frozenset()


def _group(parquet: pq.ParquetFile, number: int) -> Iterator[dict[str, Any] | Malformed]:
    left = parquet.metadata.row_group(number).num_rows
    if not 0 <= left <= MOST_ROWS:
        raise BrokenFileError(f"its row group {number} claims {left:,} rows")
    try:
        for batch in batches(parquet, number):
            yield from _batch(batch)
            left -= batch.num_rows
    except _UNREADABLE as error:
        blame_row(error)
        for _ in range(left):
            yield Malformed(f"row group {number} of the Parquet file cannot be read: {_first_line(error)}")


def batches(parquet: pq.ParquetFile, number: int) -> Iterator[pa.RecordBatch]:
    """The batches of a row group; raises ArrowInvalid at the end where rows are missing, BrokenFileError as below.

    pyarrow passes over a page whose header does not say that it holds data, and says nothing of it.
    """
    left = parquet.metadata.row_group(number).num_rows
    for batch in parquet.iter_batches(_rows_at_once(parquet, number), row_groups=[number]):
        left -= batch.num_rows
        yield batch
    if left > 0:
        raise pa.ArrowInvalid(f"{left:,} of its rows are in no page of data")


def _rows_at_once(parquet: pq.ParquetFile, number: int) -> int:
    """How many rows of a row group are read in one batch; raises BrokenFileError where the footer must not be read."""
    if not number:
        # Of columns that are encrypted under a plain footer, or whose place in the schema is damaged, a look at what
        # the footer says of them ends the process.
        try:
            next(parquet.iter_batches(batch_size=1, row_groups=[number]), None)
        except _UNREADABLE as error:
            if "decrypt" in str(error).lower():
                raise BrokenFileError(f"it is encrypted: {_first_line(error)}") from None
            if "histogram size mismatch" in str(error):
                raise BrokenFileError(f"its footer is damaged: {_first_line(error)}. Get it again") from None
    group = parquet.metadata.row_group(number)
    # Rows of 50 MB do not come by the thousand, nor does one long value that all rows share.
    rows, size = int(group.num_rows), int(group.total_byte_size)
    at_once = min(ROWS_PER_BATCH, BATCH_BYTES * rows // max(1, size))
    return max(1, min(at_once, UNFOLDED_BYTES // max(1, _longest_shared(group))))


def _longest_shared(group: pq.RowGroupMetaData) -> int:
    """The most bytes that a value of a row group may have of which the file holds one copy for many rows.

    Such values lie in a column's dictionary: it is most of a column made to unfold, and a small part of a column of
    text, for writers give it up at a megabyte.
    """
    longest = 0
    for number in range(group.num_columns):
        column = group.column(number)
        if column.dictionary_page_offset is None:
            continue
        dictionary = column.data_page_offset - column.dictionary_page_offset
        folded = column.total_uncompressed_size > BOMB_RATIO * max(1, column.total_compressed_size)
        if 2 * dictionary > column.total_compressed_size or folded:
            longest = max(longest, column.total_uncompressed_size)
    return longest


def _batch(batch: pa.RecordBatch, unsound: Collection[str] = ()) -> list[dict[str, Any] | Malformed]:
    """unsound: names of columns whose buffers are those of a damaged file."""
    batch = _with_known_zones(batch)
    try:
        if not unsound:
            return list(_values(batch))
    except _UNREADABLE:
        pass
    return [_row(batch.slice(place, 1), unsound) for place in range(batch.num_rows)]


def _with_known_zones(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Times of a zone that Python does not know, such as UTC+3, as times without one: they are seldom what is read."""
    for number, kind in enumerate(batch.schema.types):
        if pa.types.is_timestamp(kind) and kind.tz:
            try:
                pa.lib.string_to_tzinfo(kind.tz)
            except pa.ArrowException:
                plain = batch.column(number).view(pa.timestamp(kind.unit))
                batch = batch.set_column(number, batch.schema.names[number], plain)
    return batch


def _unsound(batch: pa.RecordBatch) -> list[str]:
    """The columns of a whole batch of a file that may be damaged, which has to be looked at once and not row by row."""
    found = []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            _require_sound(column)
        except pa.ArrowInvalid:
            found.append(name)
    return found


def _require_sound(column: pa.Array) -> None:
    """Raises ArrowInvalid where offsets lead out of the buffers: to follow them ends the process.

    pyarrow looks at all that a list or record shares with the rows around a slice, so their own parts are looked at
    here. A text that is not UTF-8 is found when it is read.
    """
    kind = column.type
    column.validate()  # that its buffers are there and long enough
    if pa.types.is_struct(kind):
        for number in range(kind.num_fields):
            _require_sound(column.field(number))
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_map(kind):
        ends = column.offsets.to_numpy()
        if ends[0] < 0 or ends[-1] > len(column.values) or (np.diff(ends) < 0).any():
            raise pa.ArrowInvalid("offsets of a list lead out of its values")
        _require_sound(column.values.slice(ends[0], ends[-1] - ends[0]))
    elif pa.types.is_fixed_size_list(kind):
        first, number = column.offset * kind.list_size, len(column) * kind.list_size
        if number < 0 or first + number > len(column.values):
            raise pa.ArrowInvalid("a list of a fixed size has fewer values than that")
        _require_sound(column.values.slice(first, number))
    else:
        try:
            column.validate(full=True)
        except pa.ArrowInvalid as error:
            if "UTF8" not in str(error):
                raise


def _values(values: pa.RecordBatch | pa.Array) -> list[Any]:
    """As Python has them; a map is a record, or where it has a key twice, or records for keys, a list of pairs."""
    try:
        return list(values.to_pylist(maps_as_pydicts="strict"))
    except (KeyError, TypeError):
        return list(values.to_pylist())


def _row(batch: pa.RecordBatch, unsound: Collection[str]) -> dict[str, Any] | Malformed:
    """The one row of a batch."""
    row, problems = {}, []
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            if name in unsound:
                _require_sound(column)
            row[name] = _values(column)[0]
        except UnicodeDecodeError:
            problems.append(f"'{name}' is not valid UTF-8")
        except MemoryError as error:
            blame_row(error)
            problems.append(f"'{name}' unfolds to more than may be held")
        except _UNREADABLE as error:
            if pa.types.is_temporal(column.type):  # infinity of a database, say, and seldom what is read
                row[name] = column.view(pa.int64() if column.type.bit_width == 64 else pa.int32())[0].as_py()
            else:
                problems.append(f"'{name}' cannot be read: {type(error).__name__}")
    return Malformed("; ".join(problems), repr(row)[:SHOWN_CHARACTERS]) if problems else row


def _first_line(error: Exception) -> str:
    if isinstance(error, MemoryError):
        return "a row of it unfolds to more than may be held"
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def write_parquet(rows: Iterable[Mapping[str, Any]], folder: Path, schema: pa.Schema | None) -> list[Path]:
    """Write rows to numbered files in bounded memory; without a schema the first rows decide it."""
    files: list[Path] = []
    stream = iter(rows)
    while first := list(itertools.islice(stream, ROWS_PER_GROUP)):
        file = folder / f"part-{len(files):05d}.parquet"
        table = pa.Table.from_pylist(first, schema=schema)
        schema = table.schema
        with whole_file(file) as part, pq.ParquetWriter(part, schema, compression="zstd") as writer:
            writer.write_table(table)
            for _ in range(ROWS_PER_FILE // ROWS_PER_GROUP - 1):
                if not (group := list(itertools.islice(stream, ROWS_PER_GROUP))):
                    break
                writer.write_table(pa.Table.from_pylist(group, schema=schema))
        files.append(file)
    return files
