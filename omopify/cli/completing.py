"""What may be typed next: names that a shell offers when the Tab key is pressed.

A shell waits for the answer, so files are looked at as text; YAML, models and databases are not loaded. What cannot be
read offers nothing: a project that is being written is mostly not whole.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from omopify import cdm
from omopify.resources import data

Items = list[CompletionItem[str]]

_PROJECT = "omopify.yaml"
_MAPPINGS = re.compile(r"^mappings:\s*['\"]?([^'\"#\n]+)", re.MULTILINE)
_MAP = re.compile(r"^map:\s*['\"]?([\w.-]+)", re.MULTILINE)
_MODEL = re.compile(r"^model:\s*['\"]?([\w.-]+)", re.MULTILINE)


def folders(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Let the shell offer folders."""
    return [CompletionItem(incomplete, type="dir")]


def map_names(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the maps of the project that is named before, or of this folder; and folders, where a project may stand."""
    typed: Sequence[str] = context.params.get(parameter.name or "") or ()
    project = Path(typed[0]) if typed and (Path(typed[0]) / _PROJECT).is_file() else Path()
    # a shell takes either names or folders
    return _beginning(_maps(project), incomplete, typed) or ([] if typed else folders(context, parameter, incomplete))


def table_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the tables of a result: those of the CDM, and those of the shared model in this folder's project."""
    own = sorted({f"dsp.{path.stem}" for folder in _folders_of(Path()) for path in folder.glob("dsp/*.yaml")})
    return _beginning([*(f"cdm.{name}" for name in sorted(cdm.tables())), *own], incomplete)


def vocabulary_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the vocabularies of which omopify knows the licence: all that a trial is likely to need."""
    return _beginning(_column(data("vocab", "licences.csv"), "vocabulary_id", ","), incomplete)


def domain_names(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the domains of concepts."""
    return _beginning(_column(data("vocab", "starter", "DOMAIN.csv"), "domain_id", "\t"), incomplete)


def _beginning(names: Iterable[str], incomplete: str, typed: Iterable[str] = ()) -> Items:
    return [CompletionItem(name) for name in names if name.startswith(incomplete) and name not in typed]


def _maps(project: Path) -> list[str]:
    found = (_MAP.search(_text(path)) for folder in _folders_of(project) for path in _yaml(folder))
    return sorted({match[1] for match in found if match})


def _folders_of(project: Path) -> Iterator[Path]:
    """Yield the folder of a project's maps, and that of the shared model that they are for."""
    named = _MAPPINGS.search(_text(project / _PROJECT))
    if not named:
        return
    pack = _first(project / named[1].strip(), data("mappings", named[1].strip()))
    yield pack
    model = _MODEL.search(_text(pack / "trial.yaml"))
    if model:
        yield _first(pack.parent / model[1], data("mappings", model[1]))


def _first(*folders: Path) -> Path:
    return next((folder for folder in folders if folder.is_dir()), folders[-1])


def _yaml(folder: Path) -> Iterator[Path]:
    yield from folder.glob("*.yaml")
    yield from folder.glob("*/*.yaml")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""


def _column(path: Path, column: str, delimiter: str) -> list[str]:
    try:
        rows = list(csv.DictReader(_text(path).splitlines(), delimiter=delimiter))
    except csv.Error:  # a lost quotation mark: nothing is offered, and 'check' says where it is
        return []
    return sorted({name for row in rows if (name := row.get(column))})
