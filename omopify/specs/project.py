"""Find and read everything that a conversion is made of: project, trial, maps and the shared model.

All files are read before anything is judged, so that one call shows the mistakes of all of them.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from errno import EINVAL
from pathlib import Path

from omopify.errors import Location, Problems, did_you_mean
from omopify.resources import data
from omopify.specs.csvfile import QUOTES_HINT, BrokenRow, parse
from omopify.specs.maps import MapFile
from omopify.specs.model import FileModel
from omopify.specs.packs import Eras, ModelFile, ProjectFile, SourceSpec, TableFile, TrialFile
from omopify.specs.reading import Reader
from omopify.specs.values import DATE_FORMAT_HINT, is_date_format

PROJECT_FILE = "omopify.yaml"
"""The file that makes a folder a project."""

DATABASE = "omop.duckdb"
"""The file of a result that holds its tables."""

MANIFEST = "manifest.json"
"""The file of a result that says what it was made from."""

DEFAULTS = "defaults"
"""The entry of ``sources:`` that holds for all others."""

EVERY_TABLE = "*"
"""In ``Pack.broken``: the shared model was not found, so no table of it is blamed on a map."""

TABLES = "dsp"
"""The folder of a shared model that holds its tables; all other folders of a pack may hold maps."""

_SOURCE_WORD = "{source}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the export is known to have (from the pack's column list)."""

    label: str
    required: bool


@dataclass(frozen=True, slots=True)
class Source:
    """A source with nothing left open: the trial's and the project's words put together."""

    name: str
    patterns: tuple[str, ...]
    sheet: str | None
    format: str | None
    header_row: int
    label_row: int | None
    delimiter: str | None
    encoding: str | None
    missing: tuple[str, ...]
    dates: tuple[str, ...]
    decimal: str
    optional: bool
    several: bool
    ignore: Mapping[str, str]
    at: Location
    columns: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LoadedMap:
    """A map with the folder its own files (concept files, value maps, SQL) are relative to."""

    spec: MapFile
    folder: Path
    pack: str


@dataclass(frozen=True, slots=True)
class Pack:
    """A trial's maps with all they need: its sources, the shared model's tables and maps."""

    trial: TrialFile
    folder: Path
    sources: Mapping[str, Source]
    tables: Mapping[str, TableFile]
    maps: tuple[LoadedMap, ...]
    files: tuple[Path, ...]
    """Every file that was read; their hashes go into the manifest."""
    broken: frozenset[str] = frozenset()
    """Tables of the shared model whose file has a mistake of its own: maps that name them are not blamed."""
    model: ModelFile | None = None
    """The shared model, if the trial has one."""

    @property
    def eras(self) -> Eras:
        """Which era tables are filled: what the trial says, else what the shared model says."""
        return self.trial.eras or (self.model and self.model.eras) or Eras()

    def is_broken(self, name: str) -> bool:
        """Say whether ``dsp.<table>`` is a table that may well exist, but could not be read."""
        return name.startswith("dsp.") and bool(self.broken & {name.removeprefix("dsp."), EVERY_TABLE})


@dataclass(frozen=True, slots=True)
class Project:
    """A project: a pack, and where data, vocabulary and results are."""

    file: ProjectFile
    folder: Path
    pack: Pack

    @property
    def data(self) -> Path:
        """The folder of the export."""
        return self.folder / self.file.data

    @property
    def out(self) -> Path:
        """The folder of the results."""
        return self.folder / self.file.out

    def concept_file(self, file: str) -> tuple[Path, Path]:
        """Return where a concept file is in its pack, and where the project's own rows for it are (if it has any).

        *file* is as maps are compiled: the pack's name and the path in it (``prime_rose/concepts/drugs.csv``).
        """
        pack, _, path = file.partition("/")
        folder = next(loaded.folder for loaded in self.pack.maps if loaded.pack == pack)
        return folder / path, self.folder / self.file.concepts / pack / path.removeprefix("concepts/")

    @property
    def quality(self) -> Path:
        """The folder of the project's own suites, changes and waivers."""
        return self.folder / self.file.quality.folder

    @property
    def register(self) -> Path:
        """The folder of the key register."""
        return self.folder / self.file.register_folder


def load_project(path: Path, problems: Problems, reader: Reader | None = None) -> Project | None:
    """Read a project (its folder, or its ``omopify.yaml``) with all maps that can be read.

    None if there is nothing to go on with (no project, no trial); anything else that is wrong is noted, so
    that the maps that can be read are checked along with it.  A ``reader`` that is kept from call to call reads only
    the files that have changed.
    """
    reader = reader or Reader()
    file = path / PROJECT_FILE if path.is_dir() else path
    if not file.is_file() or file.suffix not in (".yaml", ".yml"):
        hint = _misnamed(file) or "PROJECT is a folder with a file 'omopify.yaml'"
        problems.add("OM110", "there is no project here", Location(shown(file)), hint)
        return None
    project = reader.read(ProjectFile, file, shown(file), problems)
    if project is None:
        return None
    folder = find_pack(project, file.parent, problems)
    pack = load_pack(folder, problems, project.sources, project, reader) if folder else None
    return Project(project, file.parent, pack) if pack else None


def find_pack(project: ProjectFile, folder: Path, problems: Problems) -> Path | None:
    """Return the folder of the project's maps: a path beside the project first, then a shipped pack."""
    name = project.mappings
    for candidate in (folder / name, data("mappings", name)):
        if (candidate / "trial.yaml").is_file():
            return candidate
    shipped = sorted(p.parent.name for p in data("mappings").glob("*/trial.yaml"))
    hint = _misnamed(folder / name / "trial.yaml") or did_you_mean(name, shipped)
    hint = hint or f"shipped packs: {', '.join(shipped)}; a folder needs a 'trial.yaml'"
    problems.add("OM111", f"there are no maps called '{name}'", project.at("mappings"), hint)
    return None


def load_pack(
    folder: Path,
    problems: Problems,
    changes: Mapping[str, SourceSpec] | None = None,
    project: ProjectFile | None = None,
    reader: Reader | None = None,
) -> Pack | None:
    """Read a trial's folder and the shared pack it harmonises to; note all mistakes of all files.

    A file with a mistake is left out of the pack; None only if the trial itself cannot be read.
    ``changes`` are the project's own words about sources; they win over the trial's.
    """
    reader = reader or Reader()
    files: list[Path] = [folder / "trial.yaml"]
    trial = reader.read(TrialFile, files[0], shown(files[0]), problems)
    maps = _read_maps(folder, folder.name, files, problems, reader)
    model: ModelFile | None = None
    tables: dict[str, TableFile] = {}
    broken: frozenset[str] = frozenset()
    sources: dict[str, Source] = {}
    if trial:
        if trial.model:
            shared = _model_folder(trial, folder, problems)
            if shared:
                maps += _read_maps(shared, trial.model, files, problems, reader)
                model, tables, broken = _read_model(shared, files, problems, reader)
            else:
                broken = frozenset({EVERY_TABLE})
        sources = _sources(trial, folder, files, changes or {}, project, problems)
        trial = trial.decided(project, problems) if project else trial
    _check_unique(maps, problems)
    if trial is None:
        return None
    pack = Pack(trial, folder, sources, tables, tuple(maps), tuple(files), broken, model)
    for loaded in maps:
        if loaded.spec.to in pack.eras.tables():
            hint = "leave this map out, or the table out of 'eras:'"
            problems.add("OM122", f"'eras:' fills '{loaded.spec.to}' already", loaded.spec.at("to"), hint)
    return pack


def _model_folder(trial: TrialFile, folder: Path, problems: Problems) -> Path | None:
    assert trial.model is not None
    for candidate in (folder.parent / trial.model, data("mappings", trial.model)):
        if (candidate / "model.yaml").is_file():
            return candidate
    shipped = sorted(p.parent.name for p in data("mappings").glob("*/model.yaml"))
    hint = did_you_mean(trial.model, shipped) or f"shipped: {', '.join(shipped)}"
    problems.add("OM112", f"there is no shared model called '{trial.model}'", trial.at("model"), hint)
    return None


def _read_maps(folder: Path, pack: str, files: list[Path], problems: Problems, reader: Reader) -> list[LoadedMap]:
    found = []
    folders = (folder, *sorted(f for f in folder.glob("*/") if f.name != TABLES))
    for path in (p for f in folders for p in sorted((*f.glob("*.yml"), *f.glob("*.yaml.txt")))):
        hint = f"rename it to '{path.name.partition('.')[0]}.yaml'"
        problems.add("OM120", f"'{path.name}' is not read", Location(shown(path)), hint, severity="warning")
    for path in (p for f in folders for p in sorted(f.glob("*.yaml"))):
        if path.name in ("trial.yaml", "model.yaml"):
            continue
        files.append(path)
        spec = reader.read(MapFile, path, shown(path), problems)
        if spec:
            found.append(LoadedMap(spec, folder, pack))
    return found


def _misnamed(path: Path) -> str:
    for name in (f"{path.name}.txt", f"{path.stem}.yml"):
        if (path.parent / name).is_file():
            return f"there is '{name}'; rename it to '{path.name}'"
    return ""


def _read_model(
    folder: Path, files: list[Path], problems: Problems, reader: Reader
) -> tuple[ModelFile | None, dict[str, TableFile], frozenset[str]]:
    files.append(folder / "model.yaml")
    model = reader.read(ModelFile, files[-1], shown(files[-1]), problems)
    tables: dict[str, TableFile] = {}
    broken = []
    for path in sorted((folder / TABLES).glob("*.yaml")):
        files.append(path)
        table = reader.read(TableFile, path, shown(path), problems)
        if table and table.table != path.stem:
            problems.add("OM113", f"the table of this file should be called '{path.stem}'", table.at("table"))
        elif table:
            tables[table.table] = table
        if path.stem not in tables:
            broken.append(path.stem)
    return model, tables, frozenset(broken)


def _check_unique(maps: list[LoadedMap], problems: Problems) -> None:
    seen: dict[str, FileModel] = {}
    for loaded in maps:
        first = seen.setdefault(loaded.spec.map, loaded.spec)
        if first is not loaded.spec:
            at = loaded.spec.at("map")
            problems.add("OM114", f"two maps are called '{loaded.spec.map}'", at, f"the other is {first.at('map')}")


def _sources(
    trial: TrialFile,
    folder: Path,
    files: list[Path],
    changes: Mapping[str, SourceSpec],
    project: ProjectFile | None,
    problems: Problems,
) -> dict[str, Source]:
    for name in changes:
        if name not in trial.sources and name != DEFAULTS and project:
            hint = did_you_mean(name, trial.sources)
            message = f"the trial '{trial.trial}' has no source '{name}'"
            problems.add("OM115", message, project.at("sources", name, key=True), hint)
    columns = _columns(trial, folder, files, problems)
    sources = {}
    for name in trial.sources:
        if name == DEFAULTS:
            continue
        words: dict[str, object] = {}
        for spec in (
            trial.sources.get(DEFAULTS),
            trial.sources[name],
            changes.get(DEFAULTS),
            changes.get(name),
        ):
            words.update(spec.model_dump(exclude_unset=True) if spec else {})
        sources[name] = _source(name, words, trial, columns.get(name, {}), problems)
    return sources


def _source(
    name: str, words: dict[str, object], trial: TrialFile, columns: dict[str, Column], problems: Problems
) -> Source:
    def texts(word: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = words.get(word)
        return tuple(str(v) for v in value) if isinstance(value, tuple) else default

    def text(word: str) -> str | None:
        value = words.get(word)
        return str(value) if value is not None else None

    at = trial.at("sources", name, key=True)
    for format_text in texts("dates", ()):
        if not is_date_format(format_text):
            owner = name if trial.sources[name].dates else DEFAULTS
            message = f"'{format_text}' is not a date format"
            problems.add("OM323", message, trial.at("sources", owner, "dates"), DATE_FORMAT_HINT)
    patterns = tuple(p.replace(_SOURCE_WORD, name) for p in texts("file", ()))
    if not patterns:
        problems.add("OM202", f"'file' is missing in source '{name}'", at, 'such as file: "*_{source}.csv"')
    sheet = text("sheet")
    ignore = words.get("ignore")
    return Source(
        name=name,
        patterns=patterns,
        sheet=sheet.replace(_SOURCE_WORD, name) if sheet else None,
        format=text("format"),
        header_row=int(text("header_row") or 1),
        label_row=int(row) if (row := text("label_row")) else None,
        delimiter=text("delimiter"),
        encoding=text("encoding"),
        missing=texts("missing", ("",)),
        dates=texts("dates", ("%Y-%m-%d",)),
        decimal=text("decimal") or ".",
        optional=bool(words.get("optional", False)),
        several=bool(words.get("several", False)),
        ignore=dict(ignore) if isinstance(ignore, dict) else {},
        at=at,
        columns=columns,
    )


def _columns(trial: TrialFile, folder: Path, files: list[Path], problems: Problems) -> dict[str, dict[str, Column]]:
    if not trial.columns:
        return {}
    path = folder / trial.columns
    found: dict[str, dict[str, Column]] = {}
    rows = read_table(path, ("source", "column"), trial.at("columns"), problems)
    if rows:
        files.append(path)
    for line, row in rows:
        if row["source"] not in trial.sources and row["source"] not in found:
            hint = did_you_mean(row["source"], trial.sources)
            problems.add("OM115", f"there is no source '{row['source']}'", Location(shown(path), line, 1), hint)
        required = row.get("presence", "required") != "optional"
        found.setdefault(row["source"], {})[row["column"]] = Column(row.get("label", ""), required)
    return found


def read_table(
    path: Path, needed: tuple[str, ...], at: Location, problems: Problems
) -> list[tuple[int, dict[str, str]]]:
    """Read a small CSV file that belongs to a map, as (line, row); note a missing file or column, or a broken row."""
    try:
        text = read_text(path)
    except FileNotFoundError:
        near = did_you_mean(path.name, [p.name for p in path.parent.glob("*")] if path.parent.is_dir() else [])
        problems.add("OM116", f"there is no file '{path.name}' in {shown(path.parent)}", at, near)
        return []
    except (OSError, UnicodeDecodeError):
        hint = "in Excel save it as 'CSV UTF-8 (comma delimited)'"
        problems.add("OM116", f"the file '{path.name}' cannot be read as UTF-8 text", at, hint)
        return []
    try:
        found = parse(text)
    except BrokenRow as broken:
        problems.add("OM117", str(broken), Location(shown(path), broken.line, 1), QUOTES_HINT)
        return []
    missing = [name for name in needed if name not in found.columns]
    if missing:
        message = f"'{path.name}' has no column {' and no column '.join(repr(m) for m in missing)}"
        problems.add("OM117", message, Location(shown(path), 1, 1), f"its columns are: {', '.join(found.columns)}")
        return []
    return list(found.rows)


def read_text(path: Path) -> str:
    """Return the text of a small file that a map names.

    Raises:
        OSError: it cannot be read, or is no file: a device such as /dev/zero never ends.
        UnicodeDecodeError: it is not UTF-8.
    """
    if path.exists() and not path.is_file():
        raise OSError(EINVAL, "it is no file", str(path))
    return path.read_text(encoding="utf-8-sig")


def shown(path: Path) -> str:
    """Return a path as messages show it: relative to where the user stands, if it is below."""
    try:
        relative = os.path.relpath(path)
    except ValueError:  # another drive on Windows
        return str(path)
    return str(path) if relative.startswith("..") else Path(relative).as_posix()
