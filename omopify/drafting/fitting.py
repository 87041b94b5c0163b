"""Says which shipped pack an export fits, by its columns: whoever has a trial of that kind needs no new mapping."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omopify.scanning.model import Form, Scan
from omopify.specs.project import Pack, Source

FITS = 0.9
"""From which share of the pack's columns on an export is taken for one of its kind."""

_SAME_FORM = 0.5
"""Which share of a source's columns a form must have to be that source."""


@dataclass(frozen=True, slots=True)
class Fit:
    """How well an export fits a pack."""

    pack: Pack
    forms: Mapping[str, Form]
    """The form that each source of the pack is, by the source's name."""
    needed: int
    """Columns that the pack must have, of the sources that are there or may not be missing."""
    missing: tuple[str, ...]
    """Those of them that are not there, as ``source.COLUMN``."""
    absent: tuple[str, ...]
    """Sources that no form of the export is."""

    @property
    def share(self) -> float:
        """Return the share of the needed columns that is there."""
        return 1 - len(self.missing) / self.needed if self.needed and self.forms else 0.0

    @property
    def complete(self) -> bool:
        """Say whether the pack runs on this export as it is."""
        return not self.missing and bool(self.forms)


def fits(scan: Scan, packs: Sequence[Pack]) -> list[Fit]:
    """Return how well an export fits each pack, the best first."""
    return sorted((_fit(scan, pack) for pack in packs), key=lambda fit: -fit.share)


def _fit(scan: Scan, pack: Pack) -> Fit:
    forms: dict[str, Form] = {}
    missing: list[str] = []
    needed = 0
    absent = []
    for source in pack.sources.values():
        columns = [name for name, column in source.columns.items() if column.required]
        form = _form(scan, source, columns)
        if form is None:
            absent.append(source.name)
            if not source.optional:
                needed += len(columns)
                missing += [f"{source.name}.{name}" for name in columns]
            continue
        forms[source.name] = form
        there = _names(form)
        needed += len(columns)
        missing += [f"{source.name}.{name}" for name in columns if name.casefold() not in there]
    return Fit(pack, forms, needed, tuple(missing), tuple(absent))


def _form(scan: Scan, source: Source, columns: Sequence[str]) -> Form | None:
    """Return the form that is most likely this source: the most of its columns, then a file that it looks for."""
    known = {name.casefold() for name in source.columns}
    ranked = []
    for number, form in enumerate(scan.forms):
        there = _names(form)
        share = sum(name.casefold() in there for name in columns) / len(columns) if columns else 0.0
        both = len(known & there) / max(len(known | there), 1)
        ranked.append((share, finds(source, form), both, -number))
    best = max(ranked, default=(0.0, False, 0.0, 0))
    return scan.forms[-best[3]] if best[0] >= _SAME_FORM else None


def _names(form: Form) -> set[str]:
    return {column.name.casefold() for column in form.columns}


def finds(source: Source, form: Form) -> bool:
    """Say whether the pack's patterns find the form's file, and its worksheet."""
    name = form.file.casefold()
    found = any(fnmatch.fnmatchcase(name, pattern.casefold()) for pattern in source.patterns)
    return found and (not form.sheet or not source.sheet or form.sheet.casefold() == source.sheet.casefold())


def changes(fit: Fit) -> dict[str, dict[str, object]]:
    """Return what the project must say of the pack's sources so that this export is read: by source, word and value."""
    found: dict[str, dict[str, object]] = {}
    for name, source in fit.pack.sources.items():
        form = fit.forms.get(name)
        words: dict[str, object] = {}
        if form is None:
            if not source.optional:
                words["optional"] = True
        else:
            if not finds(source, form):
                words |= {"file": form.file, **({"sheet": form.sheet} if form.sheet else {})}
            if form.header_row > 0 and form.header_row != source.header_row:
                words["header_row"] = form.header_row
            if form.label_row and form.label_row != source.label_row:
                words["label_row"] = form.label_row
        if words:
            found[name] = words
    return found
