"""The date formats that a project declares beside those that a scan has seen in its export."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from omopify.compiler.plan import Plan
from omopify.errors import Location, Problems
from omopify.scanning.model import Column, Form, Scan
from omopify.specs.maps import MapFile
from omopify.specs.project import DEFAULTS, Project, Source
from omopify.specs.values import FieldSpec

_MARK = re.compile(r"%[A-Za-z]")
_ENOUGH = 2
"""Fewer cells in another format are slips, which the scan shows itself."""


def compare_formats(project: Project, plan: Plan, scan: Scan, problems: Problems) -> None:
    """Note declared date formats that no cell has (OM926), and formats of used columns that nobody declared (OM927)."""
    own = {text for loaded in project.pack.maps for text in _own_formats(loaded.spec)}
    used = {(source, column.casefold()) for step in plan.maps for source, column in step.columns}
    matched: dict[tuple[str, Location], bool] = {}
    for name, source in project.pack.sources.items():
        columns = [c for form in scan.forms if _holds(source, form) for c in form.columns if c.dates]
        for text in source.dates if columns else ():
            key = (text, _place(project, name))
            seen = any(reads(text, date.format) for column in columns for date in column.dates)
            matched[key] = matched.get(key, False) or seen
        for column in columns:
            if (name, column.name.casefold()) in used:
                _unread(source, column, own, problems)
    for (text, at), seen in matched.items():
        if not seen:
            hint = "take it out, so that no other cell is ever read by it; the scan says how dates are written"
            problems.add("OM926", f"no date of the export is written as '{text}'", at, hint, severity="warning")


def _unread(source: Source, column: Column, own: set[str], problems: Problems) -> None:
    for date in column.dates:
        if (date.rows or 0) >= _ENOUGH and not any(reads(text, date.format) for text in (*source.dates, *own)):
            message = f"the column '{column.name}' of '{source.name}' has dates written as '{date.format}'"
            hint = f"no format reads them: add it to 'dates:' of the source (now {', '.join(source.dates)})"
            problems.add("OM927", message, source.at, hint, severity="warning")


def reads(declared: str, seen: str) -> bool:
    """Say whether a declared format reads what is written in another, perhaps without its day, month or time."""
    wanted, cut = _signature("%Y-%m-%d" if declared == "iso" else declared)
    found, mark = _signature(re.split(r"[T ]*%H", seen)[0])
    if len(found) == 1:
        return found == ["%Y"]
    if mark != cut:
        return False
    if len(found) == len(wanted):
        return all(one == two or not two.startswith("%") for one, two in zip(wanted, found, strict=True))
    return found in (wanted[:-1], wanted[1:])


def _signature(text: str) -> tuple[list[str], str]:
    """Return the parts of a format and what stands between them: ``%Y-%m-NK`` has %Y, %m, NK and a hyphen."""
    cut = next((sign for sign in text if sign in "-./, "), "")
    return [part for part in re.split(r"[-./, ]+", text) if part] if cut else _MARK.findall(text), cut


def _holds(source: Source, form: Form) -> bool:
    if form.name == source.name:
        return True
    file = form.file.rpartition("/")[2].casefold()
    fits = any(fnmatchcase(file, pattern.casefold()) for pattern in source.patterns)
    return fits and (form.sheet or "").casefold() == (source.sheet or form.sheet or "").casefold()


def _place(project: Project, name: str) -> Location:
    """Return where the date formats of a source are declared: what the project says comes before the trial."""
    for file, sources in ((project.file, project.file.sources), (project.pack.trial, project.pack.trial.sources)):
        for owner in (name, DEFAULTS):
            if owner in sources and sources[owner].dates is not None:
                return file.at("sources", owner, "dates")
    return project.pack.sources[name].at


def _own_formats(spec: MapFile) -> Iterator[str]:
    """Yield the date formats that single fields of a map declare."""
    words = [getattr(spec, name) for name in spec.model_fields_set]
    fields = [*spec.set.values(), *(word for word in words if isinstance(word, FieldSpec))]
    for attribute in spec.attributes.values():
        fields += [
            word for name in attribute.model_fields_set if isinstance(word := getattr(attribute, name), FieldSpec)
        ]
    return (text for part in fields for text in part.dates)
