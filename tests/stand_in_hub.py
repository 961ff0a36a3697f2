"""A stand-in for the Hugging Face hub on this machine: the few endpoints its client uses, and faults on demand.

Models and datasets are served alike: a repository is either, whichever it is asked for as.

Large files are served as the hub serves them, by a redirect to another origin (`localhost` for `127.0.0.1`), which
must not be sent the token. Run it by hand with `python tests/stand_in_hub.py` and set HF_ENDPOINT to what it prints.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = 1000  # bytes from which a file is in large-file storage


@dataclass
class Fault:
    """What goes wrong with the next `count` requests whose address contains `where` (-1: with all).

    status: the answer instead; cut: bytes after which the connection breaks; short: bytes that are left out of a body
    whose announced length leaves them out as well; ranges: whether parts of a file are given.
    """

    where: str = "/cdn/"
    count: int = 1
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    short: int = 0
    ranges: bool = True


@dataclass
class Request:
    """One request as it came."""

    method: str
    path: str
    range: str | None
    token: str | None


@dataclass
class Repository:
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    main: str = ""
    gated: bool = False


class StandInHub:
    """A hub with repositories in memory; a context manager that serves them."""

    def __init__(self) -> None:
        self.token = "hf_secret_of_the_tests"
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Forget every repository, fault and request."""
        self.repositories: dict[str, Repository] = {}
        self.faults: list[Fault] = []
        self.requests: list[Request] = []
        self.sent = 0  # bytes of the bodies of files
        self.on_sent: Callable[[int], None] = lambda sent: None

    def commit(self, identifier: str, files: dict[str, bytes], gated: bool = False) -> str:
        """Make a commit that holds these files the head of `main`; returns its name."""
        repository = self.repositories.setdefault(identifier, Repository(gated=gated))
        digest = hashlib.sha1(identifier.encode() + repository.main.encode())
        for path, content in sorted(files.items()):
            digest.update(path.encode() + content)
        repository.main = digest.hexdigest()
        repository.commits[repository.main] = files
        return repository.main

    def fail(self, **what: Any) -> None:
        self.faults.append(Fault(**what))

    def fault_for(self, path: str) -> Fault | None:
        with self._lock:
            for fault in self.faults:
                if fault.where in path and fault.count:
                    fault.count -= 1
                    return fault
        return None

    def count_sent(self, size: int) -> None:
        with self._lock:
            self.sent += size
        self.on_sent(self.sent)

    def __enter__(self) -> StandInHub:
        hub = self

        class Handler(_Handler):
            pass

        Handler.hub = hub
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    hub: StandInHub
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def handle(self) -> None:
        """A client that is killed leaves connections that are reset."""
        with contextlib.suppress(ConnectionResetError):
            super().handle()

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self._handle()

    def do_HEAD(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        try:
            self._answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self) -> None:
        hub, self.body = self.hub, self.rfile.read(int(self.headers.get("Content-Length", 0)))
        hub.requests.append(
            Request(self.command, self.path, self.headers.get("Range"), self.headers.get("Authorization"))
        )
        self.fault = hub.fault_for(self.path)
        if self.fault is not None and self.fault.status is not None:
            self._send(self.fault.status, b"{}", self.fault.headers)
            return
        parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
        query = parse_qs(urlsplit(self.path).query)
        if parts[:2] == ["api", "models"]:
            parts[1] = "datasets"
        elif parts[2:3] == ["resolve"]:
            parts.insert(0, "datasets")
        if parts[:2] == ["api", "datasets"] and len(parts) == 2:
            self._list(query)
        elif parts[:2] == ["api", "datasets"]:
            self._api("/".join(parts[2:4]), parts[4:], query)
        elif parts[0] == "datasets" and parts[3] == "resolve":
            self._resolve("/".join(parts[1:3]), parts[4], "/".join(parts[5:]))
        elif parts[0] == "cdn":
            files = hub.repositories["/".join(parts[1:3])].commits.get(parts[3], {})
            if "/".join(parts[4:]) in files:
                self._file(files["/".join(parts[4:])], {})
            else:
                self._send(404, b"{}")
        else:
            self._send(404, b"{}")

    def _list(self, query: dict[str, list[str]]) -> None:
        wanted = query.get("author", [""])[0] + "/", query.get("search", [""])[0].lower()
        found = [
            name
            for name in self.hub.repositories
            if name.startswith(wanted[0].lstrip("/")) and wanted[1] in name.lower()
        ]
        self._json([{"id": name} for name in found])

    def _api(self, identifier: str, rest: list[str], query: dict[str, list[str]]) -> None:
        repository = self.hub.repositories.get(identifier)
        if repository is None:
            self._send(404, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
            return
        if rest == ["refs"]:
            branch = {"name": "main", "ref": "refs/heads/main", "targetCommit": repository.main}
            self._json({"branches": [branch], "tags": [], "converts": []})
            return
        commit = self._commit(repository, rest[1] if len(rest) > 1 else "main")
        if commit is None:
            return
        files = repository.commits[commit]
        if not rest or rest[0] == "revision":
            listed = [{"rfilename": path} for path in files]
            gated = "manual" if repository.gated else False
            licence = re.search(rb"^license: (\S+)$", files.get("README.md", b""), re.MULTILINE)
            card: dict[str, Any] = {"license": licence[1].decode()} if licence else {}
            if b"\nconfigs:" in files.get("README.md", b""):
                card["configs"] = [{"config_name": "of the card"}]
            told = {"id": identifier, "sha": commit, "gated": gated, "private": False, "cardData": card}
            self._json({**told, "siblings": listed})
        elif rest[0] == "tree":
            self._json(_tree(files, "/".join(rest[2:]), query.get("recursive", ["false"])[0].lower() in ("true", "1")))
        elif rest[0] == "paths-info":
            paths = parse_qs(self.body.decode())["paths"]
            self._json([_described(path, files[path]) for path in paths if path in files])
        else:
            self._send(404, b"{}")

    def _commit(self, repository: Repository, revision: str) -> str | None:
        commit = repository.main if revision == "main" else revision
        if commit in repository.commits:
            return commit
        self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound", "X-Error-Message": "Invalid rev id"})
        return None

    def _resolve(self, identifier: str, revision: str, path: str) -> None:
        repository = self.hub.repositories[identifier]
        if repository.gated and self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            status = 401 if self.headers.get("Authorization") is None else 403
            self._send(status, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access to it is restricted"})
            return
        commit = self._commit(repository, revision)
        if commit is None:
            return
        content = repository.commits[commit].get(path)
        marks = {"X-Repo-Commit": commit}
        if content is None:
            self._send(404, b"{}", {**marks, "X-Error-Code": "EntryNotFound"})
        elif len(content) < LARGE:
            self._file(content, marks)
        else:
            marks |= {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{hashlib.sha256(content).hexdigest()}"'}
            marks["Location"] = f"http://localhost:{self.hub.port}/cdn/{identifier}/{commit}/{path}?signature=secret"
            self._send(302, b"", marks)

    def _file(self, content: bytes, marks: dict[str, str]) -> None:
        marks = {**marks, "ETag": f'"{hashlib.sha256(content).hexdigest()}"', "Accept-Ranges": "bytes"}
        start, stop, status = 0, len(content), 200
        asked = self.headers.get("Range")
        unchanged = self.headers.get("If-Range") in (None, marks["ETag"])
        if asked and unchanged and (self.fault is None or self.fault.ranges):
            first, _, last = asked.removeprefix("bytes=").partition("-")
            start, stop, status = int(first), min(int(last) + 1 if last else len(content), len(content)), 206
            if start >= len(content):
                self._send(416, b"", {"Content-Range": f"bytes */{len(content)}"})
                return
            marks["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        self._send(status, content[start:stop], marks, of_file=True)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None, of_file: bool = False) -> None:
        body = body[: len(body) - self.fault.short] if of_file and self.fault else body
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = self.fault.cut if of_file and self.fault and self.fault.cut is not None else len(body)
        for start in range(0, min(cut, len(body)), 4096):
            piece = body[start : min(start + 4096, cut)]
            self.wfile.write(piece)
            if of_file:
                self.hub.count_sent(len(piece))
        if cut < len(body):
            self.wfile.flush()
            self.connection.shutdown(2)
            self.close_connection = True


def _described(path: str, content: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "path": path, "size": len(content)}
    entry["oid"] = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    if len(content) >= LARGE:
        entry["lfs"] = {"oid": hashlib.sha256(content).hexdigest(), "size": len(content), "pointerSize": 130}
    return entry


def _tree(files: dict[str, bytes], folder: str, recursive: bool) -> list[dict[str, Any]]:
    prefix = f"{folder}/" if folder else ""
    entries: dict[str, dict[str, Any]] = {}
    for path, content in files.items():
        if not path.startswith(prefix):
            continue
        steps = path.removeprefix(prefix).split("/")
        for depth in range(1, len(steps) if recursive else min(len(steps), 2)):
            name = prefix + "/".join(steps[:depth])
            entries[name] = {"type": "directory", "path": name, "oid": "0" * 40, "size": 0}
        if recursive or len(steps) == 1:
            entries[path] = _described(path, content)
    return list(entries.values())


if __name__ == "__main__":
    from hub_rows import REPOSITORIES

    with StandInHub() as served:
        for name, repository_files in REPOSITORIES.items():
            served.commit(name, repository_files())
        print(f"HF_ENDPOINT={served.endpoint}", flush=True)
        threading.Event().wait()
