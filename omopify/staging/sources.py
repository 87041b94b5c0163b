"""The two things that staging does: look at headers, and stage everything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from omopify.errors import Problems
from omopify.progress import Progress, silent
from omopify.staging.cache import Cache, Entry
from omopify.staging.columns import named, respell, settle
from omopify.staging.inputs import Input
from omopify.staging.model import Headers, ReadOptions, SourceRequest, StagedFile, StagedSource
from omopify.staging.resolve import Resolver, Wanted, report
from omopify.staging.table import ROW, Unreadable


def read_headers(requests: Iterable[SourceRequest], folder: Path, problems: Problems) -> dict[str, Headers]:
    """Return the columns of every source without reading data rows.

    Args:
        requests: the sources.
        folder: the data folder.
        problems: gets what is wrong; a source with a problem has no columns here.
    """
    requests = list(requests)
    if not _is_folder(folder, problems):
        return {request.name: Headers((), {}, ()) for request in requests}
    resolver = Resolver(folder, requests, problems, lambda input: input.book().sheets)
    plan = [(request, resolver.wanted(request)) for request in requests]
    heads: dict[tuple[Input, str | None, ReadOptions], tuple[list[str], dict[str, str]]] = {}
    for request, want in _by_file(plan):
        key = want.input, want.sheet, request.options
        if key not in heads:
            try:
                head = want.input.head(want.sheet, request.options)
            except Unreadable as trouble:
                _report(problems, request, want.input, trouble)
                continue
            keep = named(head)
            labels = {head.names[p]: head.labels[p] for p in keep if head.labels[p]}
            heads[key] = [head.names[p] for p in keep], labels
    result = {}
    for request, wants in plan:
        union = _Union(request.columns)
        files = []
        for want in wants:
            known = heads.get((want.input, want.sheet, request.options))
            if known is not None:
                union.add(*known)
                files.append(want.input.name)
        result[request.name] = Headers(union.columns, union.labels, tuple(files))
    return result


def stage(
    requests: Iterable[SourceRequest],
    folder: Path,
    cache: Path,
    problems: Problems,
    progress: Progress = silent,
) -> dict[str, StagedSource]:
    """Read every source into Parquet files of text; files that have not changed are not read again.

    Args:
        requests: the sources.
        folder: the data folder.
        cache: where the Parquet files go; made if it is not there.
        problems: gets errors and warnings; a file with an error is missing from the result.
        progress: is told about every file, and how many of the bytes are read.
    """
    requests = list(requests)
    if not _is_folder(folder, problems):
        return {request.name: StagedSource(request.name, (), (), {}) for request in requests}
    try:
        cache.mkdir(parents=True, exist_ok=True)
        return _staged(requests, folder, Cache(cache), problems, progress)
    except OSError as error:
        problems.add(
            "OM440",
            f"staged data cannot be written to '{cache}': {error.strerror or type(error).__name__}",
            hint="free space on the disk, or choose another folder for staged data",
        )
        return {request.name: StagedSource(request.name, (), (), {}) for request in requests}


def _staged(
    requests: list[SourceRequest], folder: Path, store: Cache, problems: Problems, progress: Progress
) -> dict[str, StagedSource]:
    resolver = Resolver(folder, requests, problems, lambda input: _sheets(input, store))
    plan = [(request, resolver.wanted(request)) for request in requests]
    entries: dict[tuple[str, Wanted], Entry] = {}
    sizes = _sizes(plan)
    done, total, rows = 0.0, sum(sizes[want.input] for _, wants in plan for want in wants), 0
    for request, want in _by_file(plan):
        place = f"{want.input.name} [{want.sheet}]" if want.sheet else want.input.name
        progress(f"reading {place}; {_spaced(rows)} rows so far", done, total)
        done += sizes[want.input]
        try:
            entry = _entry(want, request.options, store)
        except Unreadable as trouble:
            _report(problems, request, want.input, trouble)
            continue
        report(problems, want.input, entry.notes)
        entries[request.name, want] = entry
        rows += entry.rows
    progress(f"{_spaced(rows)} rows read", total, total)
    return {
        request.name: _source(request, [(w, entries.get((request.name, w))) for w in wants], store)
        for request, wants in plan
    }


class _Union:
    """The columns of stacked files: the first file's spelling holds for all after it."""

    def __init__(self, known: Sequence[str]):
        self._columns: dict[str, None] = {}
        self.labels: dict[str, str] = {}
        self._known = list(known)

    @property
    def columns(self) -> tuple[str, ...]:
        return tuple(self._columns)

    def add(self, columns: Sequence[str], labels: Mapping[str, str]) -> dict[str, str]:
        """Take in one file and return which of its columns have to be renamed."""
        renames = respell(columns, [*self._known, *self._columns])
        for name in columns:
            final = renames.get(name, name)
            self._columns.setdefault(final)
            if name in labels:
                self.labels.setdefault(final, labels[name])
        return renames


def _source(request: SourceRequest, parts: list[tuple[Wanted, Entry | None]], store: Cache) -> StagedSource:
    union = _Union(request.columns)
    files = []
    for want, entry in parts:
        if entry is None:
            continue
        renames = union.add(entry.columns, entry.labels)
        parquet = store.respelt(entry, renames, _rename(renames)) if renames else entry.parquet
        files.append(
            StagedFile(
                want.input.name,
                want.sheet,
                parquet,
                tuple(renames.get(name, name) for name in entry.columns),
                {renames.get(name, name): label for name, label in entry.labels.items()},
                entry.rows,
                {renames.get(name, name): count for name, count in entry.filled.items()},
                want.input.sha256,
                want.input.size,
            )
        )
    return StagedSource(request.name, tuple(files), union.columns, union.labels)


def _entry(want: Wanted, options: ReadOptions, store: Cache) -> Entry:
    want.input.load()
    key = store.key(want.input.sha256, want.input.kind, want.sheet, options)
    known = store.get(key)
    if known is not None:
        return known
    table = want.input.table(want.sheet, options)
    frame, positions, notes = settle(table)
    columns = [name for name in frame.columns if name != ROW]
    filled = {name: frame.height - frame.get_column(name).null_count() for name in columns}
    labels = dict(zip(columns, (table.head.labels[p] for p in positions), strict=True))
    return store.put(
        key,
        lambda path: frame.write_parquet(path, compression="lz4"),
        tuple(columns),
        {name: label for name, label in labels.items() if label},
        frame.height,
        filled,
        (*table.notes, *notes),
    )


def _sizes(plan: list[tuple[SourceRequest, list[Wanted]]]) -> dict[Input, float]:
    """Return the bytes of every file; of a workbook the share of each of its sheets."""
    wanted = Counter(want.input for _, wants in plan for want in wants)
    return {input: (input.path.stat().st_size if input.path.is_file() else 0) / n for input, n in wanted.items()}


def _spaced(number: int) -> str:
    return f"{number:,}".replace(",", " ")


def _rename(renames: dict[str, str]) -> Callable[[Path, Path], None]:
    def write(source: Path, target: Path) -> None:
        import polars as pl

        pl.read_parquet(source).rename(renames).write_parquet(target, compression="lz4")

    return write


def _sheets(input: Input, store: Cache) -> tuple[str, ...]:
    input.load()
    known = store.sheets(input.sha256)
    if known is None:
        known = input.book().sheets
        store.put_sheets(input.sha256, known)
    return known


def _by_file(
    plan: list[tuple[SourceRequest, list[Wanted]]],
) -> Iterable[tuple[SourceRequest, Wanted]]:
    """Go through everything that is wanted file by file, so that one file is in memory at a time."""
    by_input: dict[Input, list[tuple[SourceRequest, Wanted]]] = {}
    for request, wants in plan:
        for want in wants:
            by_input.setdefault(want.input, []).append((request, want))
    for input, wanted in by_input.items():
        yield from wanted
        input.release()


def _report(problems: Problems, request: SourceRequest, input: Input, trouble: Unreadable) -> None:
    absent = request.optional and all(note.code == "OM410" for note in trouble.notes)
    report(problems, input, trouble.notes, harmless=absent)


def _is_folder(folder: Path, problems: Problems) -> bool:
    if folder.is_dir():
        return True
    hint = "it is a file: name the folder it is in" if folder.is_file() else "correct the path of the folder"
    problems.add("OM401", f"the data folder '{folder}' does not exist", hint=hint)
    return False
