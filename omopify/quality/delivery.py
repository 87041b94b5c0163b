"""What is kept of a delivery, so that the next one can be compared with it.

A sign-off puts a small database into ``deliveries`` in the folder of the key register: counts, person ids, code lists,
what each check came to, and which maps, vocabulary and software made it.  Like the register it never leaves the site.
The next quality run attaches the newest one as ``last``.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omopify import cdm
from omopify.compiler.render import render
from omopify.engines.duckdb import Attached, DuckDB
from omopify.errors import Location, OmopifyError, Problem
from omopify.quality.model import Assessment, Comparison, Context, Counted, Result, SignOff
from omopify.quality.outputs.quality_json import from_json
from omopify.quality.place import QUALITY_JSON, Place, sha256
from omopify.specs.project import shown

FOLDER = "deliveries"
"""The folder in that of the key register."""

LAST = "last"
"""What the last delivery is called in the queries of checks."""

FORMAT = 1
"""The version of a kept delivery; it grows when a table of it changes."""

_NAME = re.compile(r"\d{4}-\d{2}-\d{2}-(\d+)-(\w{8})\.duckdb")
"""The day of the export, a running number, and the beginning of the data's hash."""
_FAILING = ("fail", "error")
_SHOWN = 5
"""How many names a sentence lists."""
_WHAT = ("persons", "sites", "visits", "table", "form", "map")
"""What is counted, in the order in which it is shown."""


def newest(register: Path, database: Path | None = None) -> Path | None:
    """Return the delivery that was signed off last, or None if there is none yet.

    Those of the same data as ``database`` are passed over: a result that was signed is compared with the one before.
    """
    kept = sorted(_kept(register), key=_number)
    same = _short(sha256(database)) if kept and database else None
    return next((path for path in reversed(kept) if _data(path) != same), None)


def attached(register: Path | None, database: Path | None = None) -> list[Attached]:
    """Return the delivery that ``database`` is compared with, as a connection opens it; nothing if there is none.

    A file that cannot be opened is OM836: without it nobody would notice what has vanished.
    """
    last = newest(register, database) if register else None
    if last is None:
        return []
    hint = "restore it from your backup; if it is lost, move it away, and the delivery before it is compared with"
    problem = Problem("OM836", "the last delivery cannot be opened", Location(shown(last)), hint)
    return [Attached(LAST, last, read_only=True, problem=problem)]


def keep(place: Place, signed: SignOff) -> Path:
    """Keep what was signed as a delivery, and return its file.

    The file appears under its name only when it is whole; it and its folder are for their owner alone.

    Raises:
        OmopifyError: OM837 it cannot be written, OM838 the result is from an older omopify.
    """
    assert place.register is not None, "a database without a project is not signed"
    assessment = from_json((place.folder / QUALITY_JSON).read_bytes())
    manifest = read_manifest(place.manifest)
    folder = place.register / FOLDER
    number = max((_number(path) for path in _kept(place.register)), default=0) + 1
    day = assessment.subject.release_date or signed.at[:10]
    path = folder / f"{day}-{number}-{_short(signed.data_sha256)}.duckdb"
    new = folder / f".new-{os.getpid()}.duckdb"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        try:
            new.unlink(missing_ok=True)
            snapshot(place.database, new, manifest, assessment, signed)
            new.chmod(0o600)
            new.replace(path)
        finally:
            new.unlink(missing_ok=True)
    except OSError:
        hint = "look for space and write rights in this folder"
        raise OmopifyError(Problem("OM837", "the delivery cannot be kept", Location(shown(folder)), hint)) from None
    return path


def snapshot(database: Path, path: Path, manifest: Mapping[str, Any], assessment: Assessment, signed: SignOff) -> None:
    """Write what is kept of a result into a new database: no value of a patient but ids, years of birth and choices.

    Raises:
        OmopifyError: OM838 the result is from an older omopify, OM592 a file cannot be opened.
    """
    names = [t.name for t in cdm.tables().values() if t.schema != "vocab" and t.name != "cdm_source"]
    with DuckDB(path, [Attached("result", database, read_only=True)]) as db:
        stop_if_older(db, database)
        found = db.rows(render("quality/delivery/tables.sql.jinja", tables=names))
        counted = [(name if schema == "cdm" else f"{schema}.{name}", schema, name) for schema, name in found]
        db.script(render("quality/delivery/snapshot.sql.jinja", tables=counted), "keeping the delivery")
        head = (
            FORMAT,
            assessment.subject.trial,
            assessment.subject.release_date,
            signed.by,
            signed.at,
            signed.verdict,
            signed.data_sha256,
            signed.quality_sha256,
            signed.report_sha256,
        )
        checks = [(r.check.id, r.status, r.waiver is not None) for r in assessment.results]
        for table, rows in (("delivery", [head]), ("checks", checks), ("made_with", list(_made_with(manifest)))):
            if rows:
                db.script(render("quality/delivery/rows.sql.jinja", table=table, rows=rows), "keeping the delivery")


def read_manifest(path: Path) -> dict[str, Any]:
    """Read what a run says that it made a result from.

    Raises:
        OmopifyError: OM829 it is gone or damaged.
    """
    try:
        manifest = json.loads(path.read_bytes())
        whole = all(isinstance(manifest.get(word, kind()), kind) for word, kind in _WORDS.items())
    except (OSError, ValueError, AttributeError):
        whole = False
    if not whole:
        problem = Problem("OM829", "the manifest is gone or damaged", Location(shown(path)), "run 'omopify run' again")
        raise OmopifyError(problem)
    return manifest  # type: ignore[no-any-return]  # what it holds is looked at above


_WORDS = {"order": list, "specs": dict, "vocabulary": dict}
"""What is taken from a manifest."""


def stop_if_older(db: DuckDB, database: Path) -> None:
    """Stop if a result, opened as ``result``, lacks a schema or a part of the account that checks and reports ask.

    Raises:
        OmopifyError: OM838 an older omopify has made it, or somebody has changed it.
    """
    query = "quality/delivery/columns.sql.jinja"
    with DuckDB(None) as new:
        new.script(render("quality/delivery/account.sql"))
        new.script(render("audit/tables.sql"))
        needed = set(new.rows(render(query, database="memory")))
    found = set(db.rows(render(query, database="result")))
    if not needed <= found or "cdm" not in {schema for schema, *_ in found}:
        message = "this result was made by an older omopify, or changed: it lacks tables or columns that checks ask"
        raise OmopifyError(Problem("OM838", message, Location(shown(database)), "run 'omopify run' again"))


def compare(db: DuckDB, context: Context, results: Sequence[Result], manifest: Mapping[str, Any]) -> Comparison:
    """Compare a result with the last delivery, which is attached to ``db``; an empty comparison if there is none.

    Raises:
        OmopifyError: OM839 a newer omopify has kept the last delivery.
    """
    if LAST not in context.schemas:
        return Comparison()
    ((written_as, by, at),) = db.rows(render("quality/delivery/delivery.sql"))
    if written_as > FORMAT:
        problem = Problem("OM839", "the last delivery was kept by a newer omopify", hint="update omopify")
        raise OmopifyError(problem)
    counts = db.rows(render("quality/delivery/counts.sql.jinja", cdm=context.cdm))
    ((appeared, vanished),) = db.rows(render("quality/delivery/persons.sql.jinja", cdm=context.cdm))
    lists = db.rows(render("quality/delivery/code_lists.sql.jinja"))
    statuses: dict[str, str] = dict(db.rows(render("quality/delivery/checks.sql")))
    known = [(result, statuses[result.check.id]) for result in results if result.check.id in statuses]
    before = {(kind, name): value for kind, name, value in db.rows(render("quality/delivery/made_with.sql"))}
    now = {(kind, name): value for kind, name, value in _made_with(manifest)}
    return Comparison(
        at=at,
        by=by,
        counts=tuple(Counted(*count) for count in sorted(counts, key=_order) if count[2] or count[3]),
        persons_appeared=appeared,
        persons_vanished=vanished,
        code_lists=tuple(Counted("column", name, gone, new) for name, gone, new in lists),
        checks_failing=tuple(r.check.id for r, was in known if r.status in _FAILING and was not in _FAILING),
        checks_mended=tuple(r.check.id for r, was in known if r.status == "pass" and was in _FAILING),
        changed=tuple(_changed(before, now)),
    )


def _kept(register: Path) -> Iterator[Path]:
    return (path for path in (register / FOLDER).glob("*.duckdb") if _NAME.fullmatch(path.name))


def _number(path: Path) -> int:
    found = _NAME.fullmatch(path.name)
    assert found
    return int(found[1])


def _data(path: Path) -> str:
    found = _NAME.fullmatch(path.name)
    assert found
    return found[2]


def _short(sha256: str) -> str:
    return sha256[:8]


def _order(count: tuple[Any, ...]) -> tuple[int, str]:
    return (_WHAT.index(count[0]), count[1])


def _made_with(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (kind, name, version or hash) of all that decides what becomes of an export."""
    for name in ("omopify", "duckdb", "polars"):
        if manifest.get(name):
            yield "software", name, str(manifest[name])
    vocabulary = manifest.get("vocabulary", {})
    if vocabulary.get("release"):
        yield "vocabulary", "release", str(vocabulary["release"])
    for part in vocabulary.get("parts", ()):
        yield "vocabulary part", str(part["path"]), str(part["sha256"])
    for name, hashed in manifest.get("specs", {}).items():
        kind = "concept file" if "concepts" in name.split("/") else "value list" if name.endswith(".csv") else "map"
        yield kind, name, hashed


_Made = Mapping[tuple[str, str], str]


def _changed(before: _Made, now: _Made) -> Iterator[str]:
    """Yield a sentence for each kind of thing that is different."""
    yield from _files("map", "map file", before, now)
    yield from _files("value list", "value list", before, now)
    yield from _files("concept file", "concept file", before, now)
    for kind, title in (("vocabulary", "vocabulary"), ("software", "")):
        for key in sorted(key for key in {*before, *now} if key[0] == kind):
            if before.get(key) != now.get(key):
                yield f"{title or key[1]}: {before.get(key, 'none')} -> {now.get(key, 'none')}"
    release = ("vocabulary", "release")
    parts = [{key: made[key] for key in made if key[0] == "vocabulary part"} for made in (before, now)]
    if parts[0] != parts[1] and before.get(release) == now.get(release):
        yield "the vocabulary has other files, although its release is called the same"


def _files(kind: str, word: str, before: _Made, now: _Made) -> Iterator[str]:
    old, new = ({name: value for (k, name), value in made.items() if k == kind} for made in (before, now))
    found = {
        "changed": [name for name in old if name in new and old[name] != new[name]],
        "new": [name for name in new if name not in old],
        "gone": [name for name in old if name not in new],
    }
    for what, names in found.items():
        if names:
            listed = ", ".join(sorted(names)[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
            number = f"1 {word}" if len(names) == 1 else f"{len(names)} {word}s"
            yield f"{number} {what}: {listed}"
