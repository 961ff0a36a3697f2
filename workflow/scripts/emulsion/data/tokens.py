"""Token stores: one source, tokenised once, packed and memory-mapped, with its train, validation and test split.

A store is a folder: `{split}.bin`, the documents' tokens one after another, each document closed by the
end-of-text token, in the smallest unsigned integer; `documents.parquet`, where each document is; and
`header.json`, which is written last, checked at open, and has the hash of each split's tokens. It also counts the
documents with a control token written in them, which is text there, and unknown tokens, unless there are none.
"""

from __future__ import annotations

import hashlib
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from emulsion.data.encoding import Encode, encoder, text_of_control_tokens
from emulsion.data.subset import chosen_rows
from emulsion.data.tokenizers import control_tokens, end_of_text, fingerprint, unknown_token, vocabulary
from emulsion.errors import UserError
from emulsion.fields import TEXT, Form, checked
from emulsion.files import read_object, sha256, whole_folder, write_json
from emulsion.tables import read_table, table_writer

SPLITS = ("train", "validation", "test")
FORMAT = 1
# Counts of a header that has them only if they are not 0.
NOTES = ("documents_with_control_tokens", "unknown_tokens")
MANY_UNKNOWN = 0.01
UNITS = ("documents", "tokens", "bytes")


def _are_counts(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(value.get(unit), int) and value[unit] >= 0 for unit in UNITS)


def _for_splits(words: str, fits: Callable[[Any], bool]) -> Form:
    return (
        f"{words} for each of {', '.join(SPLITS)}",
        lambda value: isinstance(value, Mapping) and all(fits(value.get(split)) for split in SPLITS),
    )


# What is read of a header, some of it only when a run has ended.
HEADER: Mapping[str, Form] = {
    "source": TEXT,
    "tokenizer": TEXT,
    "dtype": ("uint16 or uint32", lambda value: value in ("uint16", "uint32")),
    "splits": _for_splits(f"counts of {', '.join(UNITS)}", _are_counts),
    "sha256": _for_splits("a SHA-256", lambda value: isinstance(value, str)),
    "provenance": ("a mapping", lambda value: isinstance(value, Mapping)),
}

log = logging.getLogger(__name__)
INDEX = pa.schema(
    [("id", pa.string()), ("split", pa.string()), ("start", pa.int64()), ("tokens", pa.int32()), ("bytes", pa.int32())]
)


def split_of(document_id: str, held_out: float) -> str:
    """The split of a document, by a hash of its id: it never changes side when the corpus grows.

    held_out is the share of documents in each of validation and test.
    """
    digest = hashlib.blake2b(document_id.encode(), digest_size=8).digest()
    place = int.from_bytes(digest, "little") / 2**64
    return "validation" if place < held_out else "test" if place < 2 * held_out else "train"


class TokenStore:
    """An open token store: read sequences of any length from it, by number.

    With a share below 1, its train split is that share of its sequences, the same ones each time.
    """

    def __init__(self, folder: Path, header: dict[str, Any], share: float = 1.0) -> None:
        self.folder = folder
        self.header = header
        self.share = share
        self.source: str = header["source"]
        self.tokenizer: str = header["tokenizer"]
        self._tokens = {split: self._map(split) for split in SPLITS}
        self._chosen: dict[int, NDArray[np.int64]] = {}

    @classmethod
    def open(cls, folder: Path | str, share: float = 1.0) -> TokenStore:
        """Open a store by its folder or its header file.

        Raises UserError where it is missing, of another format, or not whole.
        """
        folder = Path(folder).parent if Path(folder).name == "header.json" else Path(folder)
        file = folder / "header.json"
        header = read_object(file, ("format",))
        if header["format"] != FORMAT:
            raise UserError(f"{folder}: token store of format {header['format']}; this version reads {FORMAT}.")
        checked({key: header[key] for key in HEADER if key in header}, HEADER, HEADER.keys(), str(file))
        for split in SPLITS:
            wanted = header["splits"][split]["tokens"] * np.dtype(header["dtype"]).itemsize
            file = folder / f"{split}.bin"
            if not file.is_file():
                raise UserError(f"{file}: missing, and its header lists it; {_remade(folder)}")
            if (size := file.stat().st_size) != wanted:
                raise UserError(f"{file}: {size} bytes, but its header says {wanted}; {_remade(folder)}")
        return cls(folder, header, share)

    def verify(self, splits: Sequence[str] = SPLITS) -> None:
        """Raise UserError where the tokens of these splits are not those that the header has the hash of.

        A process reads a file for it once, as long as its size and time stay: at about 1 GB a second.
        """
        for split in splits:
            file = self.folder / f"{split}.bin"
            status = file.stat()
            if _hash(file, status.st_size, status.st_mtime_ns) != self.header["sha256"][split]:
                raise UserError(f"{file}: damaged: its tokens are not those that were written; {_remade(self.folder)}")

    def _map(self, split: str) -> NDArray[Any]:
        if not self.header["splits"][split]["tokens"]:
            return np.empty(0, dtype=self.header["dtype"])
        # A plain view: indexing a memmap object costs more than copying a sequence.
        return np.asarray(np.memmap(self.folder / f"{split}.bin", dtype=self.header["dtype"], mode="r"))

    def tokens(self, split: str) -> int:
        """How many tokens the split holds, end-of-text tokens included."""
        return len(self._tokens[split])

    @property
    def train_documents(self) -> int:
        """How many documents the train split has, or that share of them."""
        return round(self.share * int(self.header["splits"]["train"]["documents"]))

    def count(self, split: str, context: int) -> int:
        """How many sequences of `context` predicted tokens the split holds."""
        return len(self._rows(context)) if self._is_part(split) else self._whole(split, context)

    def read(self, split: str, rows: NDArray[np.int64], context: int) -> NDArray[np.int64]:
        """Sequences [len(rows), context + 1]: inputs are all but the last token, labels all but the first.

        Row r starts at token r x context, so that every token but the very first is predicted once.
        """
        sequences = np.empty((len(rows), context + 1), dtype=np.int64)
        self.read_into(sequences, split, rows)
        return sequences

    def read_into(self, sequences: Iterable[NDArray[np.int64]], split: str, rows: NDArray[np.int64]) -> None:
        """Fill each array [context + 1] of `sequences` with its row, without a copy in between."""
        tokens = self._tokens[split]
        if self._is_part(split) and (sequences := list(sequences)):
            rows = self._rows(len(sequences[0]) - 1)[rows]
        for sequence, row in zip(sequences, rows.tolist(), strict=True):
            start = row * (len(sequence) - 1)
            sequence[:] = tokens[start : start + len(sequence)]

    def _is_part(self, split: str) -> bool:
        return self.share < 1 and split == "train"

    def _whole(self, split: str, context: int) -> int:
        return max(0, (self.tokens(split) - 1) // context)

    def _rows(self, context: int) -> NDArray[np.int64]:
        """The sequences that are its share."""
        if context not in self._chosen:
            self._chosen[context] = chosen_rows(self.source, self._whole("train", context), self.share)
        return self._chosen[context]

    def documents(self) -> pa.Table:
        """The document index: id, split, start (token), tokens (with end of text), bytes (of text)."""
        return read_table(self.folder / "documents.parquet")


def open_all(folders: Iterable[Path], share: float = 1.0) -> dict[str, TokenStore]:
    """{source: its store}, or this share of it. Raises UserError as `TokenStore.open`, and for two of one source."""
    stores: dict[str, TokenStore] = {}
    for folder in folders:
        store = TokenStore.open(folder, share)
        if store.source in stores:
            other = stores[store.source].folder
            raise UserError(f"{folder}: source '{store.source}' is given twice; the other is {other}.")
        stores[store.source] = store
    return stores


def _remade(folder: Path) -> str:
    """How a damaged store is made again."""
    return (
        f"make the store again: delete {folder}, then run snakemake for {folder / 'header.json'}, with the options "
        "that you gave before."
    )


@cache
def _hash(file: Path, size: int, modified: int) -> str:
    return sha256(file)


def smallest_dtype(vocab_size: int) -> str:
    return "uint16" if vocab_size <= 2**16 else "uint32"


class HashedFile:
    """A file being written, and the SHA-256 of what was."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest = file, hashlib.sha256()

    def write(self, content: bytes | memoryview) -> int:
        self.digest.update(content)
        return self.file.write(content)


def create_splits(folder: Path, stack: ExitStack) -> dict[str, HashedFile]:
    """{split: its new, empty file in a store}, open until the stack is left."""
    return {split: HashedFile(stack.enter_context((folder / f"{split}.bin").open("wb"))) for split in SPLITS}


def hashes(files: Mapping[str, HashedFile]) -> dict[str, str]:
    """{split: the SHA-256 of its tokens}, as `sha256sum` would say it of the file."""
    return {split: file.digest.hexdigest() for split, file in files.items()}


class StoreWriter:
    """Builds a store batch by batch; its memory is bounded by the batch."""

    def __init__(
        self,
        folder: Path,
        encode: Encode,
        *,
        vocab_size: int,
        end_of_text: int,
        held_out: float,
        control: Sequence[str] = (),
        unknown: int | None = None,
    ) -> None:
        """control: the names of the control tokens; unknown: the id of the unknown token."""
        self.encode, self.end_of_text, self.held_out, self.folder = encode, end_of_text, held_out, folder
        self.has_control, self.unknown = text_of_control_tokens(control), unknown
        self.notes = dict.fromkeys(NOTES, 0)
        self.dtype = smallest_dtype(vocab_size)
        self.totals = {split: dict.fromkeys(UNITS, 0) for split in SPLITS}

    def write(self, batches: Iterable[tuple[list[str], list[str]]]) -> dict[str, Any]:
        """Tokenise and pack (ids, texts) batches; returns what the header says of them."""
        with ExitStack() as stack:
            outputs = create_splits(self.folder, stack)
            index = stack.enter_context(table_writer(self.folder / "documents.parquet", INDEX))
            for ids, texts in batches:
                index.write_table(self._append(ids, texts, outputs))
        made = {"dtype": self.dtype, "held_out": self.held_out, "end_of_text": self.end_of_text}
        return {**made, "splits": self.totals, "sha256": hashes(outputs), **noted(self.notes)}

    def _append(self, ids: list[str], texts: list[str], outputs: Mapping[str, HashedFile]) -> pa.Table:
        """Add one batch to the split files and the running totals; returns its part of the document index."""
        flat, lengths = self.encode(texts)
        self.notes["documents_with_control_tokens"] += sum(map(self.has_control, texts))
        self.notes["unknown_tokens"] += 0 if self.unknown is None else int((flat == self.unknown).sum())
        closed = close_documents(flat.astype(self.dtype), lengths, self.end_of_text)
        ends = np.cumsum(lengths + 1)
        splits = [split_of(document, self.held_out) for document in ids]
        sizes = [len(text.encode()) for text in texts]
        starts = []
        parts: dict[str, list[NDArray[Any]]] = {split: [] for split in SPLITS}
        for split, end, length, size in zip(splits, ends, lengths, sizes, strict=True):
            total = self.totals[split]
            starts.append(total["tokens"])
            total["documents"] += 1
            total["tokens"] += int(length) + 1
            total["bytes"] += size
            parts[split].append(closed[end - length - 1 : end])
        for split, pieces in parts.items():
            if pieces:
                outputs[split].write(np.concatenate(pieces).data)
        columns = {"id": ids, "split": splits, "start": starts, "tokens": lengths + 1, "bytes": sizes}
        return pa.Table.from_pydict(columns, schema=INDEX)


def write_store(
    folder: Path,
    batches: Iterable[tuple[list[str], list[str]]],
    tokenizer: Path,
    held_out: float,
    provenance: dict[str, Any],
) -> dict[str, Any]:
    """Tokenise a source's (ids, texts) into a store, whole or not at all; returns its header.

    held_out: share of documents in validation, and again in test.
    Raises UserError for a tokenizer that would change the text.
    """
    vocab_size = max(vocabulary(tokenizer).values()) + 1
    with whole_folder(folder) as part:
        writer = StoreWriter(
            part,
            encoder(tokenizer),
            vocab_size=vocab_size,
            end_of_text=end_of_text(tokenizer),
            held_out=held_out,
            control=control_tokens(tokenizer),
            unknown=unknown_token(tokenizer),
        )
        header = {
            "format": FORMAT,
            "source": provenance["source"],
            "tokenizer": fingerprint(tokenizer),
            "vocab_size": vocab_size,
            **writer.write(batches),
            "provenance": provenance,
        }
        write_json(part / "header.json", header)
    return header


def join_stores(folder: Path, parts: Sequence[Path], provenance: dict[str, Any]) -> dict[str, Any]:
    """Put stores of consecutive documents one behind another, as if written at once; returns the header.

    Raises UserError where they are of different sources, tokenizers or shares held out.
    """
    stores = [TokenStore.open(part) for part in parts]
    for store in stores:
        store.verify()
    headers = [store.header for store in stores]
    for key in ("source", "tokenizer", "dtype", "held_out"):
        if len({header.get(key) for header in headers}) > 1:
            raise UserError(f"{folder}: its shards differ in `{key}`; delete them, and they are made again.")
    totals = {split: dict.fromkeys(UNITS, 0) for split in SPLITS}
    with whole_folder(folder) as whole:
        with ExitStack() as stack:
            outputs = create_splits(whole, stack)
            index = stack.enter_context(table_writer(whole / "documents.parquet", INDEX))
            for part, header in zip(parts, headers, strict=True):
                index.write_table(_shifted(read_table(part / "documents.parquet"), totals))
                for split in SPLITS:
                    with (part / f"{split}.bin").open("rb") as source:
                        shutil.copyfileobj(source, outputs[split])
                    for unit in UNITS:
                        totals[split][unit] += header["splits"][split][unit]
        notes = {note: sum(header.get(note, 0) for header in headers) for note in NOTES}
        first = {key: value for key, value in headers[0].items() if key not in (*NOTES, "provenance")}
        made = {**first, "splits": totals, "sha256": hashes(outputs), **noted(notes), "provenance": provenance}
        write_json(whole / "header.json", made)
    return made


def noted(notes: Mapping[str, int]) -> dict[str, int]:
    """The counts that are not 0: a header without them is that of a source with nothing to note."""
    return {note: count for note, count in notes.items() if count}


def token_count(header: Mapping[str, Any]) -> int:
    """The tokens of a store's splits together, end-of-text tokens included."""
    return sum(split["tokens"] for split in header["splits"].values())


def report_notes(header: Mapping[str, Any]) -> None:
    """Log what is noteworthy of a store's text, and warn of many unknown tokens."""
    if documents := header.get("documents_with_control_tokens", 0):
        log.info("%s: %d documents have a control token written in them; it is text", header["source"], documents)
    if unknown := header.get("unknown_tokens", 0):
        share = unknown / token_count(header)
        level = logging.WARNING if share > MANY_UNKNOWN else logging.INFO
        remedy = "; their text is lost, so take a tokenizer that knows it" if level == logging.WARNING else ""
        log.log(level, "%s: %d tokens (%.2f %%) are unknown tokens%s", header["source"], unknown, 100 * share, remedy)


def _shifted(index: pa.Table, totals: Mapping[str, Mapping[str, int]]) -> pa.Table:
    """A document index that starts behind `totals` tokens of each split."""
    offsets = {split: total["tokens"] for split, total in totals.items()}
    shift = np.array([offsets[split] for split in index.column("split").to_pylist()], dtype=np.int64)
    starts = index.column("start").to_numpy() + shift
    return index.set_column(index.schema.get_field_index("start"), INDEX.field("start"), pa.array(starts))


def close_documents(flat: NDArray[Any], lengths: NDArray[np.int64], end_of_text: int) -> NDArray[Any]:
    """Put the end-of-text token behind every document of a flat array of their tokens."""
    return np.insert(flat, np.cumsum(lengths), end_of_text)


def text_batches(documents: pq.ParquetFile, shard: int = 0, shards: int = 1) -> Iterator[tuple[list[str], list[str]]]:
    """(ids, texts) of one shard of a normalised file, a batch at a time; shards are consecutive row groups."""
    groups = documents.num_row_groups
    chosen = range(groups * shard // shards, groups * (shard + 1) // shards)
    for batch in documents.iter_batches(1024, row_groups=list(chosen), columns=["id", "text"]):
        yield batch.column("id").to_pylist(), batch.column("text").to_pylist()
