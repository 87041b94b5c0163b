"""Go through the files of a download one file ahead of the database: unpack, count and hash them.

The database is busy with one file while the next one is unpacked beside it, so at most two unpacked files lie on
the disk.  The bytes are looked at once; what is counted here is compared with what the database has loaded.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from omopify.errors import OmopifyError, Problem
from omopify.vocabulary.loading.athena import AthenaFile

_CHUNK = 1024 * 1024
_TAIL = 1024


@dataclass(frozen=True, slots=True)
class Content:
    """A file that was gone through: where it lies unpacked, its rows without the header, its tabs with it."""

    path: Path
    rows: int
    tabs: int
    sha256: str
    seconds: float


@contextmanager
def read_ahead(
    files: Sequence[AthenaFile], scratch: Path, say: Callable[[str], None]
) -> Iterator[Iterator[Future[Content]]]:
    """Give the content of each file in turn, while the next one is being read; *say* is told what is unpacked.

    What a file's ``result()`` may raise is in ``athena.UNREADABLE``, and OmopifyError: OM629 if *scratch* is full.
    Whoever is done with an unpacked file (``path`` is in *scratch*) deletes it.
    """
    stopped = Event()
    with ThreadPoolExecutor(max_workers=1) as worker:

        def start(number: int) -> Future[Content]:
            file = files[number]
            path = file.path if file.plain else scratch / f"{number}.csv"
            return worker.submit(_read, file, path, stopped, say)

        def contents() -> Iterator[Future[Content]]:
            coming = start(0) if files else None
            for number in range(len(files)):
                assert coming
                current = coming
                wait([current])
                coming = start(number + 1) if number + 1 < len(files) else None
                yield current

        try:
            yield contents()
        finally:
            stopped.set()


def _read(file: AthenaFile, path: Path, stopped: Event, say: Callable[[str], None]) -> Content:
    started = time.perf_counter()
    lines, tabs, seen, tail, sha256 = 0, 0, 0, b"", hashlib.sha256()
    with file.open() as content, _writing(None if file.plain else path) as write:
        while (chunk := content.read(_CHUNK)) and not stopped.is_set():
            lines += chunk.count(b"\n")
            tabs += chunk.count(b"\t")
            sha256.update(chunk)
            write(chunk)
            tail = (tail + chunk[-_TAIL:])[-_TAIL:]
            seen += len(chunk)
            if not file.plain:
                say(f"unpacking {file.name}, {seen / 1e6:,.0f} MB")
    if not file.plain:
        say("")
    # Empty lines at the end of a file are no rows, neither here nor to the database.
    blank = tail[len(tail.rstrip(b"\r\n")) :].count(b"\n")
    return Content(path, lines - blank, tabs, sha256.hexdigest(), time.perf_counter() - started)


@contextmanager
def _writing(copy: Path | None) -> Iterator[Callable[[bytes], object]]:
    """Give a function that writes to the file *copy*, or one that does nothing if there is none."""
    if copy is None:
        yield lambda _chunk: None
        return
    with copy.open("wb") as file:

        def write(chunk: bytes) -> None:
            try:
                file.write(chunk)
            except OSError as error:
                message = f"'{copy.parent.parent}' has no room to unpack the download: {error.strerror or error}"
                hint = "make space on that disk, or give an --out on another one"
                raise OmopifyError(Problem("OM629", message, None, hint)) from error

        yield write
