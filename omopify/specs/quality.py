"""What users write about quality: suites of expectations, changes to shipped checks, and waivers.

A suite has the shape that Great Expectations gives its own (type, kwargs, severity, description, notes, meta), so
that what its documentation shows can be copied into a suite as it stands.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from omopify.errors import Problems
from omopify.specs.model import FileModel, FileT, Model, build
from omopify.specs.project import shown
from omopify.specs.yamlfile import read_yaml

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


class SuiteFile(FileModel):
    """A suite of expectations."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.]*$")]
    meta: dict[str, Any] = Field(default_factory=dict)
    expectations: tuple[ExpectationSpec, ...]


class ChangeSpec(Model):
    """A change to a shipped check: another threshold, another severity, or off."""

    check: str
    """The check's id; ``*`` stands for any letters."""
    max_pct: Annotated[float, Field(ge=0, le=100)] | None = None
    """The share of rows, in percent, that may fail."""
    severity: Severity | None = None
    off: bool = False
    reason: Said
    author: Said
    date: Day


class ChangesFile(FileModel):
    """``quality/changes.yaml``: what the project changes in shipped checks."""

    changes: tuple[ChangeSpec, ...] = ()


class WaiverSpec(Model):
    """A person's decision to accept one failing check until a day."""

    check: str
    """The check's id, in full."""
    reason: Said
    author: Said
    date: Day
    expires: Day
    """The last day on which the waiver counts."""


class WaiversFile(FileModel):
    """``quality/waivers.yaml``: which failing checks are accepted, by whom, why, and until when."""

    waivers: tuple[WaiverSpec, ...] = ()


def read_quality_file(model: type[FileT], path: Path, problems: Problems) -> FileT | None:
    """Read a suite, the changes or the waivers; note every mistake with its place, and then return None."""
    tree = read_yaml(path, shown(path), problems)
    return build(model, tree, problems) if tree is not None else None
