"""Writes the draft of a mapping from a scan: ``trial.yaml``, the list of columns, and a map for each table found.

The property that holds for any export: what is written passes ``omopify check`` without an error, and ``omopify run``
on it does not fail.  What cannot be filled yet is therefore written too, but apart (``not_yet/*.txt``), where nothing
reads it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from omopify.drafting.deciding import Chosen, Decided, decide
from omopify.drafting.filling import Table
from omopify.drafting.guessing import Guess
from omopify.drafting.lexicon import Lexicon, fold, read_lexicon
from omopify.drafting.maptext import MapText
from omopify.drafting.precedents import Shipped, shipped
from omopify.drafting.skeleton import Example
from omopify.drafting.trialtext import Sources, columns_csv, trial_yaml
from omopify.drafting.visits import visit_map, with_visits_found
from omopify.drafting.window import window_map
from omopify.errors import Location, Problem, Problems
from omopify.scanning.model import Form, Scan
from omopify.specs.packs import TableFile
from omopify.specs.project import shown
from omopify.staging.table import RESERVED

MODEL = "prime_rose"
"""The shared model that drafts harmonise to."""

NOT_YET = "not_yet"
"""The folder of maps that lack something; nothing reads it, as no file in it is YAML by its name."""

_WIDE = 6
"""A form that becomes so many tables is one wide table of everything."""

_TWICE = re.compile(r" \(column [0-9]+\)$")
"""What a scan puts behind the name of a column that another one has already."""

_NUMBERED = ("adverse_event", "concomitant_medication")
"""Tables whose numbers other tables of the same form use."""

_ONCE = ("subject", "adverse_event")
"""Tables in which other maps look a row up by its name: two forms that fill them would give two of a name."""

_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class Draft:
    """A draft before it is written: the text of each file, by its path in the folder of maps."""

    files: Mapping[str, str]
    decided: tuple[Decided, ...]
    in_use: tuple[str, ...]
    """The maps that are in use."""
    not_yet: tuple[str, ...]
    """The maps that lack something."""
    becomes: Mapping[str, tuple[str, ...]]
    """The shared tables that each form becomes."""
    used: Mapping[str, int]
    """How many columns of each form the maps use."""
    left_out: tuple[Problem, ...] = ()
    """Forms that a run could not read, and why."""


def write_drafts(scan: Scan, folder: Path, trial: str, problems: Problems) -> tuple[Path, ...]:
    """Write the draft of a mapping into a folder and return the files, in the order in which to read them.

    Args:
        scan: what the export holds.
        folder: the folder of the maps; made if it is not there.
        trial: the trial's short name: small letters, digits and _.
        problems: gets what is to be known.

    Raises:
        OmopifyError: OM910 if a file is there already; nothing is written then.
    """
    made = draft(scan, trial)
    problems.extend(made.left_out)
    write_files(folder, made.files, problems)
    return tuple(folder / name for name in made.files)


def draft(
    scan: Scan,
    trial: str,
    *,
    name: str = "",
    edc: str = "",
    packs: Shipped | None = None,
    without: Sequence[str] = (),
    schemas: str = "",
) -> Draft:
    """Make the draft of a mapping from a scan.

    Args:
        scan: what the export holds.
        trial: the trial's short name.
        name: its full name.
        edc: the system that the export is from.
        packs: the shipped packs, if the caller has read them already.
        schemas: the way from the maps to the JSON Schemas, for editors.
        without: packs that are not asked for precedents, to judge the draft of a trial that has one.
    """
    packs = packs or shipped()
    scan, left_out = _readable(_named(scan))
    tables, lexicon = packs.tables(MODEL), read_lexicon(MODEL)
    decided = with_visits_found(decide(scan, lexicon, tables, packs.precedents(MODEL, without)), tables)
    sources = Sources(scan.forms)
    own = {form.name: found[0] for form in scan.forms if (found := sources.dates(form))}
    example = Example(own, sources.usual_dates[0])
    maps = _Maps(trial, tables, lexicon, example, _with_birth(decided), _fill_once(decided, tables))
    for one in decided:
        maps.add(one)
    in_use = [name for name in maps.written if f"{name}.yaml" in maps.files]
    not_yet = tuple(name for name in maps.written if name not in in_use)
    implied = maps.implied(in_use)
    in_use += implied
    maps.files |= {f"{name}.yaml": text for name, text in implied.items()}
    files = {
        "trial.yaml": trial_yaml(scan, sources, maps.used, trial, name, edc, MODEL),
        "columns.csv": columns_csv(scan, maps.used),
        **dict(sorted(maps.files.items())),
    }
    texts = {path: _with_schema(path, text, schemas) for path, text in files.items()}
    counts = {form: len(names) for form, names in maps.used.items()}
    return Draft(texts, decided, tuple(in_use), not_yet, maps.becomes, counts, left_out)


@dataclass
class _Maps:
    """The maps of a draft while they are written, form by form."""

    trial: str
    tables: Mapping[str, TableFile]
    lexicon: Lexicon
    example: Example
    with_birth: bool
    """Whether a date of birth is known: ages are reckoned from it, and a recorded one is not used."""
    once: Mapping[str, str]
    """The form that fills a table which only one form may fill."""
    files: dict[str, str] = field(default_factory=dict)
    used: dict[str, set[str]] = field(default_factory=dict)
    becomes: dict[str, tuple[str, ...]] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)
    """The table that each map writes."""
    telling: set[str] = field(default_factory=set)
    """Tables that maps in use fill with names of visits."""

    def add(self, one: Decided) -> None:
        """Write the maps of one form; the first of them names the columns that none of them uses."""
        form = one.form.name
        every = [self._table(chosen) for chosen in one.tables]
        numbers = {
            name: text for table in every if table.name in _NUMBERED for name, text in table.own_numbers().items()
        }
        every = [table if table.name in _NUMBERED else replace(table, numbers=numbers) for table in every]
        drafted = [table for table in every if _worth(table) and not (self.with_birth and table.name == "age")]
        active = [table for table in drafted if table.in_use]
        self.used[form] = {name for table in active for name in _columns_used(table)}
        self.becomes[form] = tuple(t.name if t.in_use else f"{t.name} (not yet)" for t in drafted)
        self.telling |= {table.name for table in active if "event_id" in table.filled}
        undecided = _left(one, self.used[form])
        for table in drafted:
            name = _unique(f"{self.trial}_{table.name}", form, self.written)
            lone = len(active) < _WIDE
            text = MapText(table, self.trial, name, self.lexicon, undecided, self.example, lone).text()
            self.files[f"{NOT_YET}/{name}.txt" if not table.in_use else f"{name}.yaml"] = text
            self.written[name] = table.name
            undecided = {}

    def implied(self, in_use: Sequence[str]) -> dict[str, str]:
        """Return maps of what no form says by itself: visits and windows, from the tables that are filled."""
        filled = {self.written[name] for name in in_use}
        visit = _unique(f"{self.trial}_visit", "of_assessments", self.written)
        found = {
            visit: "" if "visit" in filled else visit_map(visit, self.telling, self.tables),
            f"{self.trial}_observation_window": window_map(self.trial, {f"dsp.{table}" for table in filled}),
        }
        return {name: text for name, text in found.items() if text}

    def _table(self, chosen: Chosen) -> Table:
        owner = self.once.get(chosen.table, chosen.form.name)
        return Table(chosen, self.tables[chosen.table], "" if owner == chosen.form.name else owner)


def _fill_once(decided: Sequence[Decided], tables: Mapping[str, TableFile]) -> dict[str, str]:
    """Return the form that is best for each table in which a row is found by its name, and must be found once."""
    best: dict[str, Chosen] = {}
    for chosen in (chosen for one in decided for chosen in one.tables if chosen.table in _ONCE):
        known = best.get(chosen.table)
        if not Table(chosen, tables[chosen.table]).missing and (not known or chosen.strength > known.strength):
            best[chosen.table] = chosen
    return {table: chosen.form.name for table, chosen in best.items()}


def _with_birth(decided: Sequence[Decided]) -> bool:
    return any("birth_date" in chosen.fields for one in decided for chosen in one.tables)


def _with_schema(path: str, text: str, schemas: str) -> str:
    """Put the line in front by which editors find the schema of a file."""
    if not schemas or not path.endswith(".yaml"):
        return text
    kind = "trial" if path == "trial.yaml" else "map"
    return f"# yaml-language-server: $schema={schemas}/{kind}.schema.json\n{text}"


def _worth(table: Table) -> bool:
    """Say whether a table is written: one that cannot be filled yet only if enough of it was found."""
    return bool(table.subject) and (not table.missing or len(table.chosen.fields) > 1)


def _columns_used(table: Table) -> set[str]:
    names = {table.form.subject}
    for name in table.filled:
        guess = table.chosen.fields.get(name)
        if not guess:
            continue
        column = guess.column
        names.add(column.name)
        if column.slot:
            names |= {
                c.name for c in table.form.columns if c.slot and c.slot.pattern == column.slot.pattern and table.slots
            }
        names |= {c.name for c in table.form.columns if c.code_of == column.name or c.version_of == column.name}
    return names


def _left(one: Decided, used: set[str]) -> dict[str, Sequence[Guess]]:
    columns = [c for c in one.form.columns if c.name not in used and c.kind != "empty" and c.name != one.form.subject]
    return {column.name: one.guesses.get(column.name, ()) for column in columns}


def _unique(name: str, form: str, taken: Collection[str]) -> str:
    if name in taken:
        name = f"{name}_{form}"
    while name in taken:
        name += "_again"
    return name


def _readable(scan: Scan) -> tuple[Scan, tuple[Problem, ...]]:
    """Leave out forms that a run refuses, because of what their columns are called."""
    problems = Problems()
    kept = []
    for form in scan.forms:
        filled = [_TWICE.sub("", column.name.casefold()) for column in form.columns if column.kind != "empty"]
        twice = next((name for name in filled if filled.count(name) > 1), None)
        reserved = next((name for name in filled if name in RESERVED), None)
        unnamed = any(c.name == f"column {n}" and c.kind != "empty" for n, c in enumerate(form.columns, 1))
        if twice is None and reserved is None and not unnamed:
            kept.append(form)
            continue
        why = f"two of its columns are called '{twice}'" if twice else f"a column is called '{reserved}'"
        why = "a column has no name" if unnamed else why
        hint = "rename the column in the file, or leave it out of the export; then draft again"
        problems.add("OM913", f"the form '{form.name}' is not drafted: {why}", Location(form.file), hint, "warning")
    return replace(scan, forms=tuple(kept)), tuple(problems.found)


def _named(scan: Scan) -> Scan:
    """Give every form a name that a source can have, and that no other form has."""
    forms: list[Form] = []
    taken = {"defaults"}
    for form in scan.forms:
        name = form.name if _PLAIN_NAME.fullmatch(form.name) else trial_name(form.name, "form")
        while name in taken:
            name += "_again"
        taken.add(name)
        forms.append(replace(form, name=name))
    return replace(scan, forms=tuple(forms))


def trial_name(text: str, otherwise: str = "trial") -> str:
    """Return a short name (small letters, digits and _) made of any text, such as a folder's name."""
    plain = re.sub(r"[^a-z0-9]+", "_", fold(text)).strip("_")
    if not plain:
        return otherwise
    return plain if plain[0].isalpha() else f"{otherwise}_{plain}"


def write_files(folder: Path, files: Mapping[str, str], problems: Problems) -> None:
    """Write files of text, all or none.

    Raises:
        OmopifyError: OM910 if one of them is there already.
    """
    for name in files:
        if (folder / name).exists():
            hint = "name another folder, or move the file away: what you have decided is never written over"
            problems.add("OM910", "this file is there already", Location(shown(folder / name)), hint)
    problems.stop_if_errors()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
