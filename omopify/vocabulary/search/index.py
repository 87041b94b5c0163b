"""The index that search needs: a second file beside the vocabulary file, built when it is first asked for.

The vocabulary file itself is only read: many projects share it, often from a folder that nobody may write.  So the
index is a file of its own, ``athena.search.duckdb`` beside ``athena.duckdb``, or in the user's cache folder where
that cannot be written.  It knows what it was made from; another release, or another way of indexing, makes it anew.
It is an inverted index in plain tables: for each word the names that have it, sorted so that DuckDB reads only the
parts of the file that a question is about.

Problems:

* OM673  the index can be written nowhere (or the disk is full)
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from omopify.compiler.render import render
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Location, OmopifyError, Problem
from omopify.progress import Progress, silent
from omopify.vocabulary.loading.chosen import user_cache
from omopify.vocabulary.search.spelling import macros

MEMORY_LIMIT = "2GB"
"""What building may use; a full Athena download then takes the disk for the rest."""

_STEPS = (
    ("index_names.sql", "names"),
    ("index_words.sql", "words"),
    ("index_spelling.sql.jinja", "spelling"),
)
_MACROS = "vocabulary/search/macros.sql"
_ABOUT = "vocabulary/search/about.sql"


@contextmanager
def open_search(
    vocabulary: Path,
    say: Progress = silent,
    memory_limit: str | None = None,
) -> Iterator[DuckDB]:
    """Open a vocabulary file for questions: it is attached as ``vocabulary``, its index as ``search``.

    A missing or outdated index is built first (a minute for a full download); *say* is told how far it is.
    Nothing that is done on this connection changes either file.

    Raises:
        OmopifyError: OM592 the vocabulary file cannot be opened, OM673 the index cannot be written.
    """
    limit = memory_limit or MEMORY_LIMIT
    index = _find(vocabulary, say, limit)
    with TemporaryDirectory(prefix="omopify-search-", ignore_cleanup_errors=True) as scratch:
        attached = (Attached("vocabulary", vocabulary, True), Attached("search", index, True))
        with DuckDB(None, attached, scratch=Path(scratch), memory_limit=limit) as database:
            _define(database)
            _, names, mean_words = database.rows(render(_ABOUT))[0]
            database.script(render("vocabulary/search/scale.sql.jinja", names=names, mean_words=mean_words))
            yield database


def index_places(vocabulary: Path) -> tuple[Path, Path]:
    """Return where the index of a vocabulary file may be: beside it, else in the user's cache folder."""
    own = hashlib.sha256(str(vocabulary.resolve()).encode()).hexdigest()[:12]
    name = f"{vocabulary.stem}.search.duckdb"
    return vocabulary.with_name(name), user_cache() / "search" / f"{vocabulary.stem}-{own}.search.duckdb"


def _find(vocabulary: Path, say: Progress, memory_limit: str) -> Path:
    identity = _identity(vocabulary)
    places = index_places(vocabulary)
    for place in places:
        if _is_index(place, identity):
            return place
    for place in places:
        if _build(vocabulary, place, identity, say, memory_limit):
            return place
    hint = f"give a cache folder that can be written in the environment variable OMOPIFY_CACHE (now: {user_cache()})"
    message = "the index for searching can be written neither beside the vocabulary file nor in the cache folder"
    raise OmopifyError(Problem("OM673", message, Location(str(vocabulary)), hint))


def _identity(vocabulary: Path) -> str:
    """Return what an index of this vocabulary must say of itself: the vocabulary, and how it was indexed."""
    with DuckDB(None, (Attached("vocabulary", vocabulary, True),)) as database:
        sha256 = database.rows(render("vocabulary/search/identity.sql"))[0][0]
    texts = [render(_MACROS), macros(), *(_step(name, "") for name, _ in _STEPS), sha256]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def _is_index(place: Path, identity: str) -> bool:
    if not place.is_file():
        return False
    try:
        with DuckDB(None, (Attached("search", place, True),)) as database:
            return [row[0] for row in database.rows(render(_ABOUT))] == [identity]
    except OmopifyError:
        return False


def _build(vocabulary: Path, place: Path, identity: str, say: Progress, memory_limit: str) -> bool:
    """Build the index at a place; False if nothing can be written there."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        folder = TemporaryDirectory(prefix=f".{place.stem}.", dir=place.parent, ignore_cleanup_errors=True)
    except OSError:
        return False
    with folder as name:
        build = Path(name) / "search.duckdb"
        with DuckDB(build, (Attached("vocabulary", vocabulary, True),), memory_limit=memory_limit) as database:
            _define(database)
            for number, (step, what) in enumerate(_STEPS, start=1):
                text = f"indexing the vocabulary for search: {what} ({number} of {len(_STEPS)}, only this once)"
                say(text, number - 1, len(_STEPS))
                database.script(_step(step, identity), "building the search index")
        try:
            build.replace(place)
        except OSError:
            # Windows does not replace a file that is open: then somebody else has just built it, or uses an old one
            return _is_index(place, identity)
    return True


def _step(name: str, identity: str) -> str:
    return render(f"vocabulary/search/{name}", identity=identity)


def _define(database: DuckDB) -> None:
    database.define_functions()
    database.script(render(_MACROS))
    database.script(macros())
