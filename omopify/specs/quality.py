"""What users write about quality: suites of expectations, changes to shipped checks, and waivers.

A suite has the shape that Great Expectations gives its own (type, kwargs, severity, description, notes, meta), so
that what its documentation shows can be copied into a suite as it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, model_validator

from omopify.errors import Problems
from omopify.specs.model import FileModel, FileT, Model, Texts, build
from omopify.specs.project import shown
from omopify.specs.yamlfile import YamlMapping, read_yaml

CHANGES = "changes.yaml"
WAIVERS = "waivers.yaml"
"""The two files of a project's quality folder that are no suites."""


def _is_a_day(written: str) -> str:
    try:
        date.fromisoformat(written)
    except ValueError:
        raise ValueError(f"'{written}' is no day; write it as 2026-11-21") from None
    return written


Day = Annotated[str, AfterValidator(_is_a_day)]
Said = Annotated[str, Field(min_length=1)]
Severity = Literal["critical", "warning", "info"]


Percent = Annotated[float, Field(ge=0, le=100)]
Category = Literal["Conformance", "Completeness", "Plausibility"]
Schema = Literal["cdm", "dsp", "audit"]

CDM_CHECKS = "expect_cdm_checks_to_pass"
FEW_VIOLATIONS = "expect_few_violations"
DSP_CONFORMS = "expect_dsp_tables_to_conform"


def _is_a_table(written: str) -> str:
    schema, dot, table = written.partition(".")
    if schema not in get_args(Schema) or not dot or not table or "." in table:
        raise ValueError(f"'{written}' is no table; write it with its schema: cdm.person, dsp.death, audit.map_rows")
    return written


def _are_needs(written: tuple[str, ...]) -> tuple[str, ...]:
    for need in written:
        kind, dot, name = need.partition(".")
        if kind not in (("cdm", "dsp", "audit", "trial") if name else ("dsp", "audit", "last")) or bool(name) != bool(
            dot
        ):
            raise ValueError(
                f"'{need}' is nothing that a check can need; known: dsp, audit, last, trial.<fact>, dsp.<table>"
            )
    return written


class ExpectationSpec(Model):
    """One expectation, as Great Expectations writes it."""

    type: str
    """The expectation's name in snake case, such as expect_column_values_to_not_be_null."""
    kwargs: dict[str, Any] = Field(default_factory=dict)
    """Its arguments."""
    severity: Severity = "warning"
    """critical: stops a delivery; warning; info."""
    description: str = ""
    """What is asked, in plain words."""
    notes: str = ""
    """What usually causes a failure, and where to mend it."""
    meta: dict[str, Any] = Field(default_factory=dict)
    """What else there is to know: the table, Kahn's category ..."""


class MetaSpec(FileModel):
    """What ``meta:`` may say, of a suite (for all its expectations) or of one expectation."""

    table: Annotated[str, AfterValidator(_is_a_table)] | None = None
    """The table that is asked about, with its schema."""
    column: str | None = None
    """The column that is asked about."""
    category: Category | None = None
    """Kahn's category."""
    subcategory: str = ""
    """Kahn's subcategory."""
    context: Literal["Verification", "Validation"] | None = None
    """Kahn's context."""
    unit: str | None = None
    """What is counted; rows if nothing is said."""
    needs: Annotated[Texts, AfterValidator(_are_needs)] = ()
    """What must be there, or the check does not apply: dsp, audit, last, trial.<fact>, or a table such as
    dsp.death."""
    sources: dict[str, str] = Field(default_factory=dict)
    """Where rules are from: papers, manuals, protocols, each under the name that the texts use."""


class CdmChecksKwargs(FileModel):
    """The arguments of ``expect_cdm_checks_to_pass``: one check of the CDM for each of ``checks``."""

    check_type: str
    """DQD's name for it."""
    cdm_table: str
    """The table of the CDM."""
    checks: dict[str, dict[str, Any]]
    """By field (or another key): ``max_pct``, and what else the type of check takes."""


class FewViolationsKwargs(FileModel):
    """The arguments of ``expect_few_violations``: a query that says of each row whether it violates a rule."""

    check: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    """The check's name in its suite."""
    max_pct: Percent = 0
    """The share of the judged rows, in percent, that may violate it."""
    sql: str | None = None
    """A shipped query: its path below sql/quality, without .sql.jinja."""
    rows: str | None = None
    """The query itself: one row per judged row, with row_id and violated."""
    parameters: dict[str, Any] = Field(default_factory=dict)
    """What the query's template knows as ``parameters``."""
    parts: dict[str, Percent] = Field(default_factory=dict)
    """Another share for some parts, by name."""

    @model_validator(mode="after")
    def _has_one_query(self) -> FewViolationsKwargs:
        if (self.sql is None) == (self.rows is None):
            raise ValueError("a check has one of 'rows' (the query itself) and 'sql' (a shipped query)")
        return self


class DspConformsKwargs(FileModel):
    """The arguments of ``expect_dsp_tables_to_conform``: one check for each field of the shared model."""

    check_type: Literal["values_in_set", "required_present"]
    """Which check it is."""
    max_pct: Percent = 0
    """The share of rows, in percent, that may fail."""


OWN_TYPES: Mapping[str, type[FileModel]] = {
    CDM_CHECKS: CdmChecksKwargs,
    FEW_VIOLATIONS: FewViolationsKwargs,
    DSP_CONFORMS: DspConformsKwargs,
}
"""The types of expectation that omopify adds to those of Great Expectations, with their arguments."""


class SuiteFile(FileModel):
    """A suite of expectations."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")]
    """The suite's name; the ids of its checks begin with it."""
    meta: dict[str, Any] = Field(default_factory=dict)
    """What holds for all its expectations, unless they say otherwise."""
    expectations: tuple[ExpectationSpec, ...]
    """The checks."""

    def meta_of(self, spec: ExpectationSpec) -> MetaSpec:
        """Return what is known about one of the expectations: its own words, else those of the suite."""
        said = {**self.meta, **spec.meta}  # Great Expectations lets anything stand in the meta of its expectations
        return MetaSpec.model_validate({word: said[word] for word in said if word in MetaSpec.model_fields})


class ChangeSpec(Model):
    """A change to a shipped check: another threshold, another severity, or off."""

    check: str
    """The check's id; ``*`` stands for any letters."""
    max_pct: Annotated[float, Field(ge=0, le=100)] | None = None
    """The share of rows, in percent, that may fail."""
    severity: Severity | None = None
    """Another severity."""
    off: bool = False
    """The check is not asked at all."""
    reason: Said
    """Why; the report shows it."""
    author: Said
    """Who decided it."""
    date: Day
    """On which day."""


class ChangesFile(FileModel):
    """``quality/changes.yaml``: what the project changes in shipped checks."""

    changes: tuple[ChangeSpec, ...] = ()
    """The changes, one by one."""


class WaiverSpec(Model):
    """A person's decision to accept one failing check until a day."""

    check: str
    """The check's id, in full."""
    reason: Said
    """Why the failure is accepted; the report shows it."""
    author: Said
    """Who accepted it."""
    date: Day
    """On which day."""
    expires: Day
    """The last day on which the waiver counts."""


class WaiversFile(FileModel):
    """``quality/waivers.yaml``: which failing checks are accepted, by whom, why, and until when."""

    waivers: tuple[WaiverSpec, ...] = ()
    """The waivers, one by one."""


def read_quality_file(model: type[FileT], path: Path, problems: Problems) -> FileT | None:
    """Read a suite, the changes or the waivers; note every mistake with its place, and then return None."""
    tree = read_yaml(path, shown(path), problems)
    return build(model, tree, problems) if tree is not None else None


def read_suite(path: Path, problems: Problems) -> SuiteFile | None:
    """Read a suite with the arguments of our own types; note every mistake with its place, and then return None."""
    tree = read_yaml(path, shown(path), problems)
    if tree is None:
        return None
    own = Problems()
    suite = build(SuiteFile, tree, own)
    _check_part(MetaSpec, tree, "meta", own)
    expectations = tree.get("expectations")
    for spec in expectations if isinstance(expectations, list) else ():
        if isinstance(spec, YamlMapping):
            kind = OWN_TYPES.get(str(spec.get("type")))
            _check_part(MetaSpec, spec, "meta", own, strictly=kind is not None)
            if kind:
                _check_part(kind, spec, "kwargs", own)
    problems.extend(own.found)
    return None if own.errors else suite


def _check_part(
    model: type[FileModel], tree: YamlMapping, word: str, problems: Problems, strictly: bool = True
) -> None:
    part = tree.get(word)
    if part is None:
        part = YamlMapping()
        part.at, part.key_at, part.value_at, part.lines = tree.at, {}, {}, []
    if isinstance(part, YamlMapping):
        found = Problems()
        build(model, part, found)
        problems.extend(problem for problem in found.found if strictly or problem.code != "OM201")


class CheckTypeSpec(Model):
    """What all checks of one of DataQualityDashboard's types have in common."""

    level: Literal["TABLE", "FIELD", "CONCEPT"]
    category: Category
    """Kahn's category."""
    subcategory: str = ""
    context: Literal["Verification", "Validation"]
    """Kahn's context."""
    unit: str = "rows"
    """What is counted."""
    needs: tuple[str, ...] = ()
    """Parameters that each check must have beside its threshold."""
    allows: tuple[str, ...] = ()
    """Parameters that a check may have."""
    description: Said
    """What is asked; ``{table}``, ``{field}`` and the names of parameters stand for what a check is about."""
    causes: Said
    """What usually causes a failure, and where to mend it."""
    dqd_description: Said
    """What is asked, in DataQualityDashboard's words."""
    dqd_notes: str = ""
    sql_file: Said
    """The name of DataQualityDashboard's query."""


class CheckTypesFile(FileModel):
    """``omop54/check_types.yaml``: the types of checks of the CDM, by DataQualityDashboard's name."""

    types: dict[str, CheckTypeSpec]
