"""Writes ``trial.yaml`` and the list of columns of a draft: how the export looks, as the scan found it."""

from __future__ import annotations

import csv
import fnmatch
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from omopify.drafting import yamltext
from omopify.scanning.model import Column, Form, Scan
from omopify.specs.values import is_date_format

_MISSING = ("", "NA", "N/A", "NK", "UNK", "null", "unknown")
"""Spellings that mean 'nothing here' in most exports."""

_DATE_IN_NAME = re.compile(
    r"(?<!\d)(?:\d{4}[-_.]\d{2}[-_.]\d{2}|\d{2}[-_.]\d{2}[-_.]\d{4}|20\d{6})(?:[-_T ]?\d{4,6})?(?!\d)"
)
_PLAIN_TEXT = ("utf-8", "utf-8-sig", "ascii", "")


@dataclass(frozen=True)
class Sources:
    """How the forms of an export are found and read."""

    forms: Sequence[Form]

    def dates(self, form: Form) -> tuple[str, ...]:
        """Return the date formats of a form that the language knows, the most frequent first."""
        counted: Counter[str] = Counter()
        yearly: Counter[str] = Counter()
        for column in form.columns:
            for seen in column.dates if column.kind in ("date", "date and time") else ():
                format = date_format(seen.format)
                if format:
                    full = seen.precision in ("day", "minute", "second")
                    told = yearly if seen.precision == "year" else counted
                    told[format] += (seen.rows or 1) * (1000 if full else 1)
        kept: dict[str, str] = {}
        for format, _ in counted.most_common():
            # 03/04/2024 cannot be read in two ways: the rarer one is left to the value issues.
            kept.setdefault(re.sub("%[md]", "?", format), format)
        for format, _ in yearly.most_common():
            # UNK-UNK-1957 is read by any format of its order: a new one only where there is none.
            if not any(re.sub("%[mdb]", "?", known) == re.sub("%[md]", "?", format) for known in kept.values()):
                kept[format] = format
        return tuple(kept.values())

    @property
    def usual_dates(self) -> tuple[str, ...]:
        """Return the date formats that most forms have."""
        every = Counter(dates for form in self.forms if (dates := self.dates(form)))
        return every.most_common(1)[0][0] if every else ("%Y-%m-%d",)

    def decimal(self, form: Form) -> str:
        """Return the decimal mark of a form; a comma only if most of its numbers have one."""
        marks = Counter(column.numbers.decimal for column in form.columns if column.numbers and column.numbers.decimal)
        return marks.most_common(1)[0][0] if marks else ""

    def pattern(self, form: Form) -> str:
        """Return a pattern of the form's file that next month's export fits too, if the date is in its name."""
        exact = "".join(f"[{letter}]" if letter in "[*?" else letter for letter in form.file)
        dated = _DATE_IN_NAME.sub("*", exact)
        others = [other.file for other in self.forms if other.file != form.file]
        caught = any(fnmatch.fnmatchcase(name.casefold(), dated.casefold()) for name in others)
        return exact if caught else dated


def date_format(seen: str) -> str:
    """Return the format of the language that reads dates seen in this form; empty if none does.

    ``%Y-%m-%dT%H:%M`` is read as ``%Y-%m-%d``, ``UNK-%m-%Y`` and ``UNK-UNK-%Y`` as ``%d-%m-%Y``, ``%Y-%m`` as
    ``%Y-%m-%d``.
    """
    day = re.sub(r"[T ]*%[HIMS].*$", "", seen)
    if is_date_format(day):
        return day
    # Where the month is not known either, only the order and what stands between the parts can be told.
    day = re.sub(r"^%Y(\W)\w+\1\w+$", r"%Y\1%m\1%d", re.sub(r"^\w+(\W)\w+\1%Y$", r"%d\1%m\1%Y", day))
    if day.startswith("%Y") and ("%m" in day or "%b" in day):
        found = re.match(r"%Y(.{0,2}?)(%[mb])", day)
        day = f"%Y{found[1]}{found[2]}{found[1]}%d" if found else ""
    else:
        found = re.search(r"(?:^|[^%\w])(%[mb])(.{0,2})%Y$", day)
        day = f"%d{found[2]}{found[1]}{found[2]}%Y" if found else ""
    return day if is_date_format(day) else ""


def trial_yaml(
    scan: Scan, sources: Sources, used: Mapping[str, set[str]], trial: str, name: str, edc: str, model: str
) -> str:
    """Return the text of ``trial.yaml``."""
    dates = sources.usual_dates
    marks = Counter(mark for form in scan.forms if (mark := sources.decimal(form)))
    decimal = "," if marks[","] > marks["."] else "."
    missing = _missing(scan)
    lines = [
        "# DRAFT, proposed by omopify from a scan of the export: who the trial is, and how its export looks.",
        f"trial: {trial}",
        f"name: {yamltext.scalar(name or trial)}",
        "country: XX                      # two letters, those of Norway in quotes; XX means: nobody has said it yet",
        "# registry: [NCT00000000]        # where the trial is registered",
        f"edc: {yamltext.scalar(edc)}"
        if edc
        else "# edc: REDCap                    # the system that the export is from",
        f"model: {model}                # the shared variables that the maps fill",
        "# What the protocol fixes. ASSUMED are the weeks and days that most PRIME-ROSE trials have: look yours up.",
        "disease_control_weeks: [16]      # when clinical benefit is judged",
        "assessment_window_days: 7        # how far from its week an assessment may be",
        '# ctcae: "5.0"                   # grades travel with the version of CTCAE',
        "# ecog_eligible: [0, 1, 2]       # the grades that the trial includes",
        "",
        "sources:",
        "  defaults:",
        f"    missing: [{', '.join(yamltext.scalar(word) for word in missing)}]",
        f"    dates: [{', '.join(yamltext.scalar(date) for date in dates)}]    # tried in this order",
        *([f"    decimal: {yamltext.scalar(decimal)}"] if decimal == "," else []),
    ]
    for form in scan.forms:
        lines += _source(form, sources, used.get(form.name, set()), dates, decimal)
    lines += ["", "columns: columns.csv              # which columns the export must bring"]
    lines += _conventions(scan)
    identifiers = _identifiers(scan)
    if identifiers:
        lines.append(f"identifiers: [{', '.join(yamltext.scalar(name) for name in identifiers)}]")
    lines += [
        "# scope:                          # who belongs to the data, if not everybody in the export",
        '#   enrolled: {from: <source>, on: <subject column>, where: "<column> is not null"}',
    ]
    return "\n".join(lines) + "\n"


def _missing(scan: Scan) -> tuple[str, ...]:
    words = {word.casefold(): word for word in _MISSING}
    for column in (column for form in scan.forms for column in form.columns):
        for seen in column.missing:
            words.setdefault(seen.value.casefold(), seen.value)
    return tuple(words.values())


def _source(form: Form, sources: Sources, used: set[str], dates: tuple[str, ...], decimal: str) -> list[str]:
    words = [f"file: {yamltext.scalar(sources.pattern(form))}"]
    if form.sheet:
        words.append(f"sheet: {yamltext.scalar(form.sheet)}")
    if form.header_row > 1:
        words.append(f"header_row: {form.header_row}")
    if form.label_row:
        words.append(f"label_row: {form.label_row}")
    if form.format in ("csv", "tsv") and form.encoding.casefold() not in _PLAIN_TEXT:
        words.append(f"encoding: {yamltext.scalar(form.encoding)}")
    own = sources.dates(form)
    if own and own != dates:
        words.append(f"dates: [{', '.join(yamltext.scalar(date) for date in own)}]")
    mark = sources.decimal(form)
    if mark and mark != decimal:
        words.append(f"decimal: {yamltext.scalar(mark)}")
    ignored = _ignored(form, used)
    lines = [f"  {form.name}:", *(f"    {word}" for word in words)]
    if ignored:
        lines += [
            "    ignore:",
            *(f"      {yamltext.scalar(name)}: {yamltext.scalar(why)}" for name, why in ignored.items()),
        ]
    return lines


def _ignored(form: Form, used: set[str]) -> dict[str, str]:
    """Return code columns whose label is used instead: they are decided."""
    return {
        column.name: f"the code of '{column.code_of}', whose text is used"
        for column in form.columns
        if column.code_of and column.name not in used and not re.search(r"[*?\[]", column.name)
    }


def _conventions(scan: Scan) -> list[str]:
    columns = [column for form in scan.forms for column in form.columns]
    lines = []
    pairs = [column for column in columns if column.code_of]
    if pairs and all(column.name == f"{column.code_of}CD" for column in pairs):
        lines.append('pairs: "{}CD"                     # the code column beside a label')
    versions = [column for column in columns if column.version_of]
    if versions and all(
        re.fullmatch(re.escape(column.version_of) + r"__\d+(?:CD)?", column.name) for column in versions
    ):
        lines.append('versions: "{}__{n}"               # later revisions of a question')
    return lines


def _identifiers(scan: Scan) -> list[str]:
    found: dict[str, str] = {}
    for form in scan.forms:
        for column in form.columns:
            if column.identifier or column.name == form.subject:
                found.setdefault(column.name.casefold(), column.name)
    return list(found.values())


def columns_csv(scan: Scan, used: Mapping[str, set[str]]) -> str:
    """Return the list of columns; those that a map uses must be in every export."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["source", "column", "label", "presence"])
    for form in scan.forms:
        for column in form.columns:
            writer.writerow([form.name, column.name, _one_line(column), _presence(column, form, used)])
    return text.getvalue()


def _one_line(column: Column) -> str:
    return yamltext.remark(column.label)


def _presence(column: Column, form: Form, used: Mapping[str, set[str]]) -> str:
    return "required" if column.name in used.get(form.name, set()) and not column.version_of else "optional"
