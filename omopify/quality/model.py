"""What a quality run is about and what it found, as plain data that can be kept, compared and shown.

``quality.json`` is an :class:`Assessment` written as it stands here (``to_json`` and ``from_json``); the report and
the other outputs are made from it and nothing else.  Nothing in it is a value of a patient: counts, the names of
tables, columns, maps and files, and texts that stand in suites, maps or the vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from omopify.specs.packs import TableFile

SCHEMA_VERSION = 1
"""The version of ``quality.json``; it grows when a field changes its meaning or goes."""

Severity = Literal["critical", "warning", "info"]
"""As Great Expectations names them; DQD's fatal, convention and characterization."""

Status = Literal["pass", "fail", "not applicable", "error", "off"]
"""What became of a check; ``off`` is one that the project has switched off, and is not measured."""

Level = Literal["TABLE", "FIELD", "CONCEPT"]
"""What a check is about, in DQD's words."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a project has changed in a shipped check, why, and what stood there before."""

    reason: str
    author: str
    date: str
    default_max_pct: float | None
    default_severity: Severity
    off: bool = False


@dataclass(frozen=True, slots=True)
class Check:
    """One check: what it asks of which table, and how much may fail.

    ``id`` is DQD's checkId for the checks of the CDM (``field_isrequired_person_person_id``), else
    ``<suite>.<check>``.  ``max_pct`` is the share of rows, in percent, that may fail; None and 0 allow none.
    """

    id: str
    suite: str
    type: str
    """DQD's checkName, or the check's own name in its suite."""
    schema: Literal["cdm", "dsp", "audit"]
    table: str
    column: str | None
    """The field that is asked about, if it is one."""
    level: Level
    category: str
    """Kahn's category: Conformance, Completeness or Plausibility."""
    severity: Severity
    max_pct: float | None
    description: str
    """What is asked, in plain words."""
    causes: str = ""
    """What usually causes a failure, and where to mend it."""
    subcategory: str = ""
    context: str = ""
    """Kahn's context: Verification or Validation."""
    concept_id: str | None = None
    unit_concept_id: str | None = None
    rows_sql: str = ""
    """The query that lists the failing rows, to be run in the result database; empty where rows cannot be listed."""
    unit: str = "rows"
    """What is counted: rows, persons, values, maps ..."""
    parameters: Mapping[str, object] = field(default_factory=dict)
    """What the check was told in its suite beside the threshold: allowed domains, a lowest value, a query ..."""
    change: Change | None = None
    expectation: str = ""
    """The type of the expectation in its suite, such as expect_cdm_checks_to_pass."""
    place: int = 0
    """Which expectation of its suite it is from, counted from 0."""


@dataclass(frozen=True, slots=True)
class Context:
    """What checks may ask about beside the result itself."""

    cdm: str = "cdm"
    """The schema that holds the tables of the CDM."""
    schemas: frozenset[str] = frozenset({"cdm"})
    """Which of cdm, dsp and audit the result has, and ``last`` if there is an earlier delivery to compare with."""
    facts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The trial's facts by name (``TrialFile.stated``); a fact that is not stated has no values."""
    tables: Mapping[str, TableFile] = field(default_factory=dict)
    """The tables of the shared model."""
    transfer: str | None = None
    """The transfer whose required variables must be there."""


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a check that is judged part by part, such as a form or a field."""

    name: str
    violated: int
    denominator: int


@dataclass(frozen=True, slots=True)
class Measurement:
    """What the database said about a check: counts, or why there are none."""

    check_id: str
    violated: int | None = None
    denominator: int | None = None
    not_applicable: str | None = None
    """Why the check does not apply."""
    error: str | None = None
    """Why it could not be measured: never with words of the database, which quote data."""
    parts: tuple[Part, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Waiver:
    """A person's decision to accept a failing check for a while."""

    check: str
    reason: str
    author: str
    date: str
    expires: str


@dataclass(frozen=True, slots=True)
class Result:
    """A check, what was measured, and how it is judged. A waived check keeps its status: it is never a pass."""

    check: Check
    measurement: Measurement
    status: Status
    waiver: Waiver | None = None

    @property
    def pct(self) -> float | None:
        """The share of rows that fail, in percent; None without rows."""
        m = self.measurement
        return 100 * m.violated / m.denominator if m.denominator and m.violated is not None else None

    @property
    def is_open(self) -> bool:
        """Whether the check fails, or could not be measured, and nobody has waived it."""
        return self.status in ("fail", "error") and self.waiver is None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the result may go to the platform."""

    verdict: Literal["ready", "ready with waivers", "not ready"]
    reasons: tuple[str, ...]
    """Why, a sentence each, the most important first."""
    counts: Mapping[str, Mapping[str, int]]
    """Per severity: pass, fail, not applicable, error, off, waived."""


@dataclass(frozen=True, slots=True)
class Link:
    """Rows that went from one place to another in the conversion."""

    from_stage: Literal["form", "harmonised"]
    from_name: str
    to_stage: Literal["harmonised", "omop", "left out"]
    to_name: str
    """A table; for ``left out``: filtered, duplicate or rejected."""
    rows: int


@dataclass(frozen=True, slots=True)
class MapRows:
    """What became of the rows that one map read."""

    map: str
    sources: tuple[str, ...]
    targets: tuple[str, ...]
    read: int
    used: int
    filtered: int
    duplicate: int
    rejected: int
    written: int


@dataclass(frozen=True, slots=True)
class Unmapped:
    """A term without a concept. The term itself is a value of the export and stays there, unless asked for."""

    map: str
    field: str
    number: int
    """Its place in the list of its field, by frequency (the order of ``audit.unmapped``)."""
    rows: int
    term: str | None = None
    """The term, only when the user asked for terms by name."""
    concept_id: int | None = None
    """What the search proposes."""
    concept_name: str | None = None
    vocabulary: str | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """Rows of a form that were rejected, values that were left out, or dates that were filled in."""

    kind: Literal["rejected row", "value left out", "date filled in"]
    form: str
    map: str
    field: str
    reason: str
    rows: int
    of: int
    """The rows that the map read."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """What becomes of one column of the export."""

    form: str
    column: str
    label: str
    decision: str
    reason: str
    filled: int
    rows: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A small table that is also drawn: ``rows`` have a cell for each of ``columns``.

    ``x`` and ``y`` are the columns to draw, ``series`` the one that tells bars or lines apart.
    """

    id: str
    title: str
    note: str
    kind: Literal["bars", "stacked bars", "line"]
    columns: tuple[str, ...]
    rows: tuple[tuple[str | int | float | None, ...], ...]
    x: str
    y: str
    series: str | None = None
    counts: tuple[str, ...] = ()
    """The columns that count persons or rows, to which the small-cell limit applies."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the report shows beside the checks."""

    flow: tuple[Link, ...] = ()
    maps: tuple[MapRows, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    losses: tuple[Loss, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Counted:
    """One line of the comparison with the last delivery."""

    what: Literal["table", "form", "map", "column", "persons", "sites", "visits"]
    name: str
    before: int | None
    now: int | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed since the last delivery that was signed off; ``at`` is None when there was none."""

    at: str | None = None
    by: str | None = None
    counts: tuple[Counted, ...] = ()
    persons_appeared: int = 0
    persons_vanished: int = 0
    code_lists: tuple[Counted, ...] = ()
    """Columns with values that are new (``now``) or that no longer occur (``before``): how many of them."""
    checks_failing: tuple[str, ...] = ()
    """Checks that fail now and did not then."""
    checks_mended: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """What else is different, a sentence each: maps, vocabulary, software."""


@dataclass(frozen=True, slots=True)
class SignOff:
    """Who has reviewed which report of which data. Every later change of either makes it void."""

    by: str
    at: str
    quality_sha256: str
    """Of ``quality.json``."""
    data_sha256: str
    """Of the result database."""
    report_sha256: str
    """Of ``report.html`` as it was signed."""
    verdict: str
    waivers: tuple[Waiver, ...] = ()
    shareable_sha256: str = ""
    """Of ``shareable/report.html``, so that who receives the copy can tell that it is the one that was signed."""
    files_sha256: Mapping[str, str] = field(default_factory=dict)
    """Of the other files in ``shareable``, by name."""
    draft: bool = False
    """Whether what was signed is a draft: read, but not for upload."""


@dataclass(frozen=True, slots=True)
class Subject:
    """Which result was looked at, when, and with what."""

    trial: str
    name: str
    generated_at: str
    """ISO 8601, UTC."""
    release_date: str | None
    data_sha256: str
    small_cell: int
    """Counts from 1 to one below this are masked in the copy that leaves."""
    transfer: str | None = None
    """The transfer that required variables are asked for, if one was named."""
    versions: Mapping[str, str] = field(default_factory=dict)
    """Software and vocabulary: name and version."""
    cdm_source: Mapping[str, str | int | None] = field(default_factory=dict)
    """The row of CDM_SOURCE."""
    synthetic: bool = False
    """Whether the data say that they are made up."""
    draft: bool = False
    """Whether the mapping was not approved as a whole when it ran, or not tested: such a result is not uploaded."""
    draft_reasons: tuple[str, ...] = ()
    """Why it is a draft, a phrase each; they count no patients."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """Everything that a quality run found."""

    subject: Subject
    verdict: Verdict
    results: tuple[Result, ...]
    findings: Findings = field(default_factory=Findings)
    comparison: Comparison = field(default_factory=Comparison)
    timings: Mapping[str, float] = field(default_factory=dict)
    """Seconds, by step; and ``statements``, how many the database was asked."""
    schema_version: int = SCHEMA_VERSION
