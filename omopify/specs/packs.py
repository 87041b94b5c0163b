"""The files that frame a set of maps: the project, the trial, the shared model and its tables."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from omopify.errors import Problems, did_you_mean
from omopify.specs.model import FileModel, FileName, FileNames, Model, Text, Texts

FieldType = Literal["text", "integer", "number", "date", "datetime", "boolean"]
CodeMark = Literal["dots", "hyphens", "blanks", "leading zeros", "dagger"]
"""Parts of a code that do not tell it from another; ``dagger`` is the mark +, * or ! behind a code of ICD-10."""


_OWN_FACTS = (
    "id", "name", "country", "registry", "edc", "ctcae", "disease_control_weeks", "assessment_window_days",
    "ecog_eligible", "response_criteria",
)  # fmt: skip
"""Facts of a trial that have a word of their own in ``trial.yaml``."""

_LONGEST_FACT = 250
"""How many characters METADATA has room for."""


def _is_number(text: str) -> bool:
    return text.lstrip("-").replace(".", "", 1).isdigit()


def _is_a_day(written: str) -> str:
    try:
        date.fromisoformat(written)
    except ValueError:
        raise ValueError("'release_date' is a day that does not exist") from None
    return written


def _fits(written: str) -> str:
    if len(written) > _LONGEST_FACT:
        raise ValueError(f"a fact has at most {_LONGEST_FACT} characters")
    return written


def _all_fit(written: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_fits(text) for text in written)


def _are_weeks(written: tuple[str, ...]) -> tuple[str, ...]:
    if not all(text.isascii() and text.isdigit() and int(text) for text in written):
        raise ValueError("'disease_control_weeks' should be whole numbers of weeks, such as [16]")
    return written


def _are_more_facts(written: dict[str, str]) -> dict[str, str]:
    for name in written:
        _fits(f"trial.{name}")
        if name in _OWN_FACTS:
            raise ValueError(f"'{name}' has a word of its own in trial.yaml and stands outside 'facts:'")
    return written


def _as_tuple(written: object) -> object:
    return (written,) if isinstance(written, str) else written


def _for_all(written: object) -> object:
    return {"*": written} if isinstance(written, str) else written


def _are_decisions(written: dict[str, str]) -> dict[str, str]:
    for code, reason in written.items():
        if not re.fullmatch(r"OM[0-9]{3}", code):
            raise ValueError(f"'{code}' is no code of a warning; write it as it is shown, such as OM928")
        if not reason.strip():
            raise ValueError(f"why is {code} accepted? write the reason behind the ':'")
    return written


Accepted = Annotated[dict[str, str], AfterValidator(_are_decisions)]
"""Warnings of ``omopify check`` that are meant to be so: code and reason."""

Title = Annotated[str, AfterValidator(_fits)]
"""What something is called, as METADATA can hold it."""

Fact = Annotated[Text, AfterValidator(_fits)]
"""One fact of a trial, as METADATA can hold it."""

FactList = Annotated[Texts, AfterValidator(_all_fit)]
"""One fact, or several."""


class SourceSpec(Model):
    """How one form of the export is found and read."""

    file: Texts = ()
    """Patterns of file names in the data folder; ``{source}`` stands for the source's name, in any case."""
    sheet: str | None = None
    """The worksheet of a workbook; ``{source}`` as above."""
    format: Literal["csv", "tsv", "xlsx", "xpt", "sas7bdat", "parquet"] | None = None
    """Only needed when the file's ending does not tell."""
    header_row: int | None = Field(None, ge=1)
    """The row with the column ids (1 = first)."""
    label_row: int | None = Field(None, ge=1)
    """The row with the columns' labels, if there is one."""
    delimiter: str | None = None
    """What stands between the cells of a text file; detected, and told, if it is not written."""
    encoding: str | None = None
    """How the letters of a text file are written (utf-8, cp1252); detected, and told, if it is not written."""
    missing: Texts | None = None
    """Spellings that mean 'nothing here', in any case."""
    dates: Texts | None = None
    """Date formats, in the order in which they are tried: ``%Y-%m-%d``, ``%d.%m.%Y``, ``iso`` ..."""
    decimal: Literal[".", ","] | None = None
    """The decimal mark of its numbers; ``.`` if it is not written."""
    optional: bool | None = None
    """The export may lack this form."""
    several: bool | None = None
    """Several files may hold this form; they are stacked."""
    ignore: Annotated[dict[str, str], BeforeValidator(_for_all)] = Field(default_factory=dict)
    """Columns that no map uses, each (or a pattern such as ``C30_Q*``) with the reason; one reason for all of them."""


class Scope(Model):
    """Who belongs to the trial's data: rows of other subjects are not used, and counted."""

    source: str = Field(alias="from")
    """The source that says who belongs to the data."""
    on: str
    """The subject column; sources without it are not affected."""
    where: str
    """The condition that a row of a subject must fulfil."""


class Eras(Model):
    """Which era tables of the CDM are filled: how many days may lie between events of one era."""

    drug: int | None = Field(None, ge=0, strict=True)
    """DRUG_ERA, by ingredient: 30 is usual. Left out, the table stays empty."""
    condition: int | None = Field(None, ge=0, strict=True)
    """CONDITION_ERA, by condition: 30 is usual. Left out, the table stays empty."""

    def tables(self) -> dict[str, int]:
        """Return the tables that are filled, each with its days."""
        days = {"drug_era": self.drug, "condition_era": self.condition}
        return {table: window for table, window in days.items() if window is not None}


class QualitySpec(Model):
    """How the result's quality is judged."""

    folder: FileName = "quality"
    """The folder of the project's own suites, and of changes.yaml and waivers.yaml."""
    small_cell: int = Field(5, ge=1, strict=True)
    """Counts from 1 to one below this are masked in the copy of the report that leaves."""
    transfer: Literal["monthly", "end_of_participation", "cohort_completion"] | None = None
    """The transfer that the data are for: its required variables must be there."""


class ProjectFile(FileModel):
    """``omopify.yaml``: which maps, which data, which vocabulary, and where the result goes."""

    mappings: FileName
    """A shipped pack's name, or the path of a folder of maps."""
    data: FileName
    """The folder that holds the export."""
    vocabulary: FileNames = ("starter",)
    """A file made by ``omopify vocab load``; or ``starter``, ``demo_restricted`` and folders of an Athena download."""
    vocabulary_in_result: Literal["used", "all"] = "used"
    """Which concepts the result carries: those that its rows use, with their ancestors and relations, or all."""
    concepts: FileName = "concepts"
    """A folder with the project's own concept files, as <pack>/<file>.csv: their rows come before the pack's."""
    out: FileName = "out"
    """The folder of the result (also ``--out``)."""
    register_folder: FileName = Field("register", alias="register")
    """Where the key register is kept: the only way back from an id to a subject. It never leaves the site."""
    release_date: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$"), AfterValidator(_is_a_day)] | None = None
    """The date of this export; without it the date of the newest file in it."""
    sources: dict[str, SourceSpec] = Field(default_factory=dict)
    """Changes to the pack's sources: ``defaults`` for all, or one by one."""
    facts: dict[str, Fact] = Field(default_factory=dict)
    """Changes to the trial's ``facts:``, by name."""
    cdm_source: dict[str, Text] = Field(default_factory=dict)
    """Changes to the row of CDM_SOURCE."""
    quality: QualitySpec = QualitySpec()
    """How the result's quality is judged."""
    accept: Accepted = Field(default_factory=dict)
    """Warnings of ``omopify check`` that are meant to be so, in any file of the project: code and reason."""
    data_is: Literal["synthetic", "deidentified", "real"] = "real"
    """What the export holds: its rows may be written into tests of maps (``omopify test --freeze``) only if they are
    made up or de-identified."""

    @property
    def released(self) -> date | None:
        """The date of this export, if the project says it."""
        return date.fromisoformat(self.release_date) if self.release_date else None


class TrialFile(FileModel):
    """``trial.yaml``: the trial's facts and its sources."""

    trial: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """The trial's short name: small letters, digits and _."""
    name: Title
    """What people call the trial."""
    country: Title = Field("", pattern=r"^([A-Z]{2})?$")
    """The two letters of ISO 3166."""
    registry: FactList = ()
    """Where the trial is registered, such as NCT04817956."""
    edc: Title = ""
    """The system that the export is from."""
    model: FileName | None = None
    """The shared pack that the trial harmonises to (``prime_rose``); none for maps straight to OMOP."""
    local_vocabulary: FileName | None = None
    """A CSV file in the pack with concepts of the trial's own (concept_id above 2 billion, concept_code, concept_name,
    vocabulary_id, domain_id, maps_to): they are source concepts, never standard ones."""
    codes: dict[str, Annotated[tuple[CodeMark, ...], BeforeValidator(_as_tuple)]] = Field(default_factory=dict)
    """What codes may be written without, by vocabulary: ``ICD10: dots`` finds C509 and C50.9. Case never matters."""
    ctcae: Fact | None = None
    """The version of CTCAE that the protocol uses."""
    disease_control_weeks: Annotated[Texts, AfterValidator(_are_weeks)] = ()
    """The weeks at which clinical benefit is judged."""
    ecog_eligible: FactList = ()
    """The ECOG grades that the trial includes."""
    response_criteria: FactList = ()
    """The sets of response criteria that the trial uses (recist, irecist, rano, ...)."""
    assessment_window_days: Fact | None = None
    """How many days an assessment may lie away from its week."""
    facts: Annotated[dict[str, Fact], AfterValidator(_are_more_facts)] = Field(default_factory=dict)
    """More facts of the trial, for expressions: ``trial.<name>``. A project may change them."""
    eras: Eras | None = None
    """Which era tables are filled, instead of what the shared model says."""
    sources: dict[str, SourceSpec]
    """The forms of the export by name, and ``defaults`` for all of them."""
    columns: FileName | None = None
    """A CSV file with the export's columns (source, column, label, presence): what the export must bring."""
    pairs: str | None = None
    """How a label's code column is called: ``{}CD``."""
    versions: str | None = None
    """How revisions of a question are called: ``{}__{n}``."""
    identifiers: Texts = ()
    """Columns that identify a subject; never shown."""
    scope: dict[str, Scope] = Field(default_factory=dict)
    """Who belongs to the data, by the rule's name; without it everybody in the export."""
    cdm_source: dict[str, Text] = Field(default_factory=dict)
    """Columns of CDM_SOURCE and what they say."""
    accept: Accepted = Field(default_factory=dict)
    """Warnings of ``omopify check`` about this folder's files that are meant to be so: code and reason."""

    def stated(self) -> dict[str, tuple[str, ...]]:
        """Return all facts of the trial by name, each with its values; one that is not given has none."""
        own = {name: getattr(self, name) for name in _OWN_FACTS if name != "id"}
        written: dict[str, str | tuple[str, ...] | None] = {"id": self.trial, **own, **self.facts}
        lists = {name: said if isinstance(said, tuple) else (said,) for name, said in written.items()}
        return {name: tuple(value for value in values if value) for name, values in lists.items()}

    def fact(self, name: str) -> str | None:
        """Return the fact that expressions call ``trial.<name>``, or None if there is no such fact.

        One with several values is a list with commas.
        """
        return ", ".join(self.stated().get(name, ())) or None

    def fact_names(self) -> list[str]:
        """Return the names that ``fact`` knows."""
        return list(self.stated())

    def decided(self, project: ProjectFile, problems: Problems) -> TrialFile:
        """Return the trial with what a project decides under ``facts:``; note facts that the trial does not have."""
        for name in project.facts:
            if name not in self.facts:
                hint = did_you_mean(name, self.facts) or f"it has: {', '.join(self.facts) or 'none'}"
                if name in _OWN_FACTS:
                    hint = "what the protocol fixes is said in trial.yaml only"
                message = f"the trial '{self.trial}' has no '{name}' under 'facts:'"
                problems.add("OM121", message, project.at("facts", name, key=True), hint)
        return self.model_copy(update={"facts": {**self.facts, **project.facts}})


class ModelFile(FileModel):
    """``model.yaml``: what a shared pack is called."""

    model: Title
    """The model's short name."""
    name: Title
    """What people call it."""
    version: Fact = ""
    """Its version."""
    definition: str = ""
    """What it is, in a sentence."""
    eras: Eras | None = None
    """Which era tables are filled, unless the trial says otherwise."""


class ModelField(Model):
    """One field of a shared table."""

    type: FieldType = "text"
    """What kind of value it holds."""
    required: bool = False
    """A row without it is rejected."""
    values: Texts = ()
    """The value set: what the field may hold."""
    unit: str = ""
    """The unit of its numbers."""
    partial: Literal["earliest", "middle", "latest", "reject"] = "reject"
    """What is done with partial dates unless a map says otherwise."""
    definition: str = ""
    """What it means."""
    source: str = ""
    """Where the definition is from."""


class TableFile(FileModel):
    """``dsp/<table>.yaml``: one table of the shared model."""

    table: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """The table's name: small letters, digits and _."""
    definition: str = ""
    """What a row of it is."""
    source: str = ""
    """Where the definition is from: the consortium's variable list, a manual, a paper."""
    transfer: Texts = ()
    """In which transfers the table travels: monthly, end_of_participation, cohort_completion."""
    fields: dict[str, ModelField]
    """Its fields, by name."""

    @model_validator(mode="after")
    def _names_are_free(self) -> TableFile:
        seen: dict[str, str] = {}
        for name, field in self.fields.items():
            if name.casefold() in ("trial", "_file", "_row"):
                raise ValueError(f"every table has '{name}' already; leave it out")
            if seen.setdefault(name.casefold(), name) != name:
                raise ValueError(f"'{name}' and '{seen[name.casefold()]}' differ in capitals only")
            numeric = field.type in ("integer", "number")
            if numeric and not all(_is_number(value) for value in field.values):
                raise ValueError(f"the values of '{name}' should be numbers, as its type is {field.type}")
        return self
