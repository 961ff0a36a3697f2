"""Reading and writing: a file appears whole or not at all, survives a power cut, and is checked when it is read.

What is written lies beside its name until the disk has it (fsync of the file); then it takes the name, and the disk is
to have that too (fsync of the folder). JSON objects end with a `checksum` of their content, which `read_json` compares
and leaves out; a file that a person wrote has none.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import logging
import os
import re
import secrets
import shutil
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from emulsion.errors import PassingError, UserError

log = logging.getLogger(__name__)

# The folder of the Snakefile, with the resources that come with it.
WORKFLOW = Path(__file__).parents[3]
CHECKSUM = "checksum"


def sync(path: Path) -> None:
    """Have the disk hold the content of a file, or the names in a folder."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that cannot, as some cannot for folders
            raise
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder, and those it lies in, to stay; UserError where a file has the name of one."""
    if not folder.is_dir():
        make_folder(folder.parent)
        try:
            folder.mkdir(exist_ok=True)
        except FileExistsError:
            raise UserError(f"{folder}: is no folder, where one is to be; move it away.") from None
        sync(folder.parent)


def publish(beside: Path, path: Path) -> None:
    """Give a finished file or folder its name, in the place of what had it; a power cut leaves the old or the new.

    beside: on the same disk as `path`. Between an old folder and the new one there is a moment with neither.
    Files in a folder are for whom the folder is for: safetensors keeps what it writes to its owner.
    """
    rights = beside.stat().st_mode & 0o666
    for folder, _, files in os.walk(beside):
        for name in files:
            file = Path(folder, name)
            if not file.is_symlink() and file.stat().st_mode & 0o666 != rights:
                with suppress(OSError):  # a file system with rights of its own
                    file.chmod(rights)
            sync(file)
        sync(Path(folder))
    if beside.is_dir():
        _replace_folder(beside, path)
    else:
        sync(beside)
        beside.replace(path)
    sync(path.parent)


def _replace_folder(beside: Path, path: Path) -> None:
    while True:
        remove_folder(path)
        try:
            beside.replace(path)
        except OSError as error:
            if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # another process has published there since
                continue
            raise
        return


def remove_folder(folder: Path) -> None:
    """Remove a folder, if it is there: a kill leaves all of it, or nothing that has its name."""
    if not folder.is_dir():
        return
    going = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.old.part")
    with suppress(FileNotFoundError):  # another process was first
        folder.replace(going)
    sync(folder.parent)
    shutil.rmtree(going, ignore_errors=True)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Errors from within note what was being written: that of a full disk names no file (`machine.refused`)."""
    try:
        yield
    except Exception as error:
        error.add_note(str(path))
        raise


@contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """A path beside `path` to write to; it takes the name `path` only when the block ends without error."""
    with _beside(Path(path), Path.touch) as beside:
        yield beside


@contextmanager
def whole_folder(path: Path | str) -> Iterator[Path]:
    """A fresh folder beside `path` that replaces it only when the block ends without error."""
    with _beside(Path(path), Path.mkdir) as beside:
        yield beside


@contextmanager
def _beside(path: Path, make: Callable[[Path], None]) -> Iterator[Path]:
    """What is written beside a path, and takes its place.

    Several processes may write it at once, as where one that was left behind goes on: whoever ends last replaces it.
    """
    make_folder(path.parent)
    left_by_a_kill = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]+(\.old)?\.part")  # for `a`, none of `a.json`
    with os.scandir(path.parent) as entries:  # by far the fastest way through a folder of thousands
        for entry in entries:
            if left_by_a_kill.fullmatch(entry.name):
                _remove_unless_written(Path(entry))
    with naming(path):
        beside, held = _begun(path, make)
        try:
            try:
                yield beside
            except OSError:
                _require_there(beside, held, path)
                raise
            _require_there(beside, held, path)
            if beside.is_file() and path.parent.name.endswith(".part"):  # in a folder that is published as a whole
                beside.replace(path)
            else:
                publish(beside, path)
        finally:
            os.close(held)
            _remove(beside)


def _begun(path: Path, make: Callable[[Path], None]) -> tuple[Path, int]:
    """What is written beside a path, empty, and the handle that locks it."""
    while True:
        # By chance, not by the process: those of two containers may have one number.
        beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
        make(beside)
        with suppress(FileNotFoundError):
            held = _open(beside)
            with suppress(OSError):  # a file system without locks
                fcntl.flock(held, fcntl.LOCK_EX)
            if _is_there(beside, held):
                return beside, held
            os.close(held)  # another process took it for what a kill has left, before it was locked


def _open(beside: Path) -> int:
    """A handle to lock by; NFS locks for one alone, and so files only, what is open to be written."""
    return os.open(beside, os.O_RDONLY if beside.is_dir() else os.O_RDWR)


def _is_there(beside: Path, held: int) -> bool:
    try:
        return os.path.samestat(os.fstat(held), beside.stat())
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ESTALE):
            raise
        return False


def _require_there(beside: Path, held: int, path: Path) -> None:
    """Where locks are not seen, another process may have removed it; what was written since would be a part."""
    if not _is_there(beside, held):
        raise PassingError(f"{path}: another process writes it as well, and removed what this one had written.")


def _remove_unless_written(beside: Path) -> None:
    """Remove what a kill has left: no process that lives holds its lock."""
    try:
        handle = _open(beside)
    except OSError:  # gone since, or another user's
        return
    try:
        if not _is_locked(handle):
            _remove(beside)  # before the handle is closed: it is locked by it, so that nobody begins to write it
    finally:
        os.close(handle)


def _is_locked(handle: int) -> bool:
    """Whether another process has the lock; this one has it else, where the file system has locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return isinstance(error, BlockingIOError)
    return False


def _remove(beside: Path) -> None:
    if beside.is_dir():
        shutil.rmtree(beside, ignore_errors=True)
    else:
        with suppress(OSError):
            beside.unlink()


def write_text(path: Path | str, text: str) -> None:
    with whole_file(path) as part:
        part.write_text(text, encoding="utf-8")


def write_json(path: Path | str, value: Any) -> None:
    """Write indented JSON, an object with its checksum; the order of keys is the caller's.

    Raises ValueError for numbers that are not finite and for a key `checksum`.
    """
    if isinstance(value, dict):
        if CHECKSUM in value:
            raise ValueError(f"{path}: the key '{CHECKSUM}' is the file's own")
        value = {**value, CHECKSUM: _checksum(json.loads(json.dumps(value, allow_nan=False)))}
    write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: Path | str) -> Any:
    """Read JSON, without its checksum.

    Raises UserError that names the file where there is none, it is malformed, or not what was written.
    """
    try:
        value = json.loads(Path(path).read_text(encoding="utf-8-sig"))  # editors of Windows write a byte-order mark
    except (FileNotFoundError, NotADirectoryError):
        raise UserError(f"{path}: no such file.") from None
    except IsADirectoryError:
        raise UserError(f"{path}: is a folder, where a file of JSON is read. {again(path)}") from None
    except (ValueError, RecursionError) as error:  # also a whole number of more digits than Python reads
        raise UserError(f"{path}: not valid JSON: {error}. {again(path)}") from None
    if isinstance(value, dict):
        stated = value.pop(CHECKSUM, None)
        if stated is None:
            # A checksum under another name is one whose name was damaged.
            damaged = any(isinstance(each, str) and _IS_CHECKSUM.fullmatch(each) for each in value.values())
        else:
            damaged = stated != _checksum(value)
        if damaged:
            raise UserError(
                f"{path}: damaged or edited: its content does not fit its checksum. {again(path)} If the edit is "
                f"meant, delete the line `{CHECKSUM}` instead."
            )
    return value


class _Object(dict[str, Any]):
    """The content of a file; asked for a key that it lacks, it names the file."""

    def __init__(self, content: Mapping[str, Any], path: Path | str) -> None:
        super().__init__(content)
        self._path = path

    def __missing__(self, key: str) -> Any:
        raise UserError(f"{self._path}: has no {key}. {again(self._path)}")


def read_object(path: Path | str, keys: Collection[str] = ()) -> dict[str, Any]:
    """Read an object of the workflow's; raises what `read_json` does, and UserError where it is none with these keys.

    UserError as well where another key is asked for that it lacks. Valid JSON of somebody else under the name of such a
    file would else end in a traceback, perhaps after hours.
    """
    found = read_json(path)
    if isinstance(found, dict) and set(keys) <= set(found):
        return _Object(found, path)
    raise UserError(f"{path}: is no object{' with ' * bool(keys)}{', '.join(keys)}. {again(path)}")


def read_given(path: Path | str, keys: Collection[str] = ()) -> dict[str, Any]:
    """The same of an object from elsewhere, which no rule makes again."""
    try:
        return read_object(path, keys)
    except UserError as error:
        raise UserError(without_remedy(error)) from None


def read_note(path: Path, keys: Collection[str]) -> dict[str, Any] | None:
    """An object that can be done without; None where there is none, and with a warning where it is damaged."""
    try:
        return read_object(path, keys) if path.exists() else None
    except UserError as error:
        log.warning("%s It is not used.", without_remedy(error))
        return None


def without_remedy(error: Exception) -> str:
    """What is wrong with a file, where whoever reads it does without or makes it again by itself."""
    return str(error).partition(f" {_REMEDY}")[0]


_REMEDY = "Make it again:"
_IS_CHECKSUM = re.compile("sha256:[0-9a-f]{64}")


def _checksum(value: dict[str, Any]) -> str:
    return "sha256:" + hashlib.sha256(canonical_json(value).encode()).hexdigest()


def again(path: Path | str) -> str:
    """How a damaged file of the workflow is made again; of one that no rule names, by the path of its record."""
    return f"{_REMEDY} delete {path}, then run snakemake for it, with the options that you gave before."


def from_home(path: str) -> Path:
    """A path with its `~` resolved; as it is written, and so not there, where that names nobody."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def is_there(path: Path) -> bool:
    """Whether something lies at a path; at one that is too long for a file nothing does."""
    try:
        return path.exists()
    except OSError:
        return False


def write_jsonl(path: Path | str, rows: Iterable[dict[str, Any]]) -> None:
    with whole_file(path) as part, part.open("w", encoding="utf-8") as out:
        out.writelines(map(json_line, rows))


def json_line(row: dict[str, Any]) -> str:
    """A row as a line of a `.jsonl` file."""
    return json.dumps(row, allow_nan=False, ensure_ascii=False) + "\n"


def read_jsonl(path: Path | str) -> list[dict[str, Any]]:
    """Read JSON lines; raises UserError that names the file and the line that is malformed."""
    rows = []
    with Path(path).open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                rows.append(json.loads(line))
            except (json.JSONDecodeError, UnicodeDecodeError) as error:
                raise UserError(f"{path}:{number}: not valid JSON: {error}.") from None
    return rows


def found(file: str) -> str:
    """Where a file that the configuration names lies: in the working directory or with the workflow."""
    shipped = WORKFLOW / file
    return os.path.relpath(shipped) if not Path(file).exists() and shipped.exists() else file


def canonical_json(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, so that equal values are equal texts."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def fingerprint(value: Any) -> str:
    """Sixteen hexadecimal digits that identify a JSON value."""
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()[:16]


def sha256(path: Path | str) -> str:
    with Path(path).open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
