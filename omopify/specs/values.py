"""The parts that maps are made of: how one value, one date, one concept is written."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from omopify.specs.model import FileName, Model, Text, Texts

Partial = Literal["earliest", "middle", "latest", "reject"]
"""What to do with a date whose day or month is not known: take the first, middle or last day that it can be,
or leave the field empty and say so (reject)."""

TooLong = Literal["error", "truncate"]
"""What to do with a text longer than its CDM column: leave it out and say so, or cut it and count it."""

_CUT = r"[-./ ,]{0,2}"
_DATE_FORMAT = re.compile(f"(%Y{_CUT}%[mb]{_CUT}%d|%d{_CUT}%[mb]{_CUT}%Y|%m{_CUT}%d{_CUT}%Y)")
DATE_FORMAT_HINT = "write %Y-%m-%d for yyyy-mm-dd, %d.%m.%Y for dd.mm.yyyy, %d-%b-%Y for dd-MON-yyyy, or iso"


def is_date_format(text: str) -> bool:
    """Say whether a text is a date format of the language: year, month and day in a usual order, or ``iso``."""
    return text == "iso" or bool(_DATE_FORMAT.fullmatch(text))


_CONSTANT = re.compile(r"^(\d+)(?:\s+(\S.*))?$")


def _value_map(written: object) -> object:
    if isinstance(written, str):
        return {"file": written}
    if isinstance(written, dict) and "file" not in written and "values" not in written:
        return {"values": written}
    return written


class ValueMap(Model):
    """The trial's spellings and what they become; case, outer blanks and repeated blanks do not matter."""

    file: FileName | None = None
    """A CSV file in the pack with the columns ``from`` and ``to`` (others are notes)."""
    values: dict[str, Text | None] = Field(default_factory=dict)
    """The spellings, and what each becomes; ``~`` for a word that is known and means nothing."""


class FieldSpec(Model):
    """How one field is filled."""

    value: Texts = ()
    """A scalar SQL expression, mostly a column's name; of several the first that is filled is taken."""
    constant: Text | None = None
    """A fixed text instead of an expression."""
    map: Annotated[ValueMap, BeforeValidator(_value_map)] | None = None
    """The trial's spellings and what they become."""
    otherwise: Text | None = None
    """What a value becomes that ``map`` does not know; without it such values are counted and left out."""
    partial: Partial | None = None
    """What is done with a date whose day or month is not known."""
    dates: Texts = ()
    """Date formats of this field, when they differ from the source's."""
    decimal: Literal[".", ","] | None = None
    """The decimal mark of this field, when it differs from the source's."""
    comparator: bool = False
    """For ``number``: read '<5' as 5 and put the sign into the operator."""
    not_before: str | None = None
    """A date field of the same map: an imputed date is never put before it."""
    too_long: TooLong | None = None
    """A text longer than its column: left out and noted (error), or cut and counted (truncate)."""
    note: str = ""
    """What was assumed about this field."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, written: Any) -> Any:
        if isinstance(written, (str, int, float, bool, list)):
            return {"value": written}
        if written is None:
            raise ValueError("the field is empty; write an expression, or leave the line out")
        return written

    @model_validator(mode="after")
    def _one_way(self) -> FieldSpec:
        if bool(self.value) == (self.constant is not None):
            raise ValueError("give either 'value' (an expression) or 'constant' (a fixed text)")
        return self


class Constant(Model):
    """A concept id with the name that a reader can check: ``32809 Case Report Form``."""

    id: int
    """The concept's id."""
    name: str = ""
    """Its name, which is checked against the vocabulary."""

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, written: Any) -> Any:
        found = _CONSTANT.match(str(written)) if isinstance(written, (str, int)) else None
        if found:
            return {"id": int(found[1]), "name": found[2] or ""}
        if isinstance(written, dict):
            return written
        raise ValueError(
            f"'{written}' is no concept; write its id and name, such as '32809 Case Report Form', "
            f"or {{value: {written}, vocabulary: SNOMED, by: name}} to look a column up"
        )


class ConceptSpec(Model):
    """One way to find a concept; of several ways the first that finds a standard concept is taken."""

    concept: Constant | None = None
    """Always this concept."""
    value: Texts = ()
    """An expression whose value is looked up; of several the first that is filled is taken."""
    via: FileName | None = None
    """A concept file in the pack (Usagi's save format): only accepted rows count."""
    vocabulary: Texts = ()
    """Source vocabularies to look in, in this order; from there 'Maps to' leads to the standard concept."""
    domain: str | None = None
    """Only concepts of this domain (``Unit``, ``Route``, ...), where one name stands for several things."""
    by: Literal["code", "name", "variant"] = "code"
    """Whether ``value`` is the concept's code, its name (or a synonym), or a gene variant (``BRAF V600E``, HGVS)."""
    map: dict[str, Constant] = Field(default_factory=dict)
    """A few values and the concept of each."""
    result: Constant | None = None
    """The result (``value``) of rows whose concept is found this way: that a gene variant is there, for example."""

    @model_validator(mode="after")
    def _one_way(self) -> ConceptSpec:
        ways = sum((self.concept is not None, self.via is not None, bool(self.vocabulary), bool(self.map)))
        if ways != 1:
            raise ValueError("say how the concept is found: one of 'concept', 'via', 'vocabulary' or 'map'")
        if self.by != "code" and not self.vocabulary:
            raise ValueError(f"'by: {self.by}' needs 'vocabulary'")
        if self.result and not (self.via or self.vocabulary):
            raise ValueError("'result' goes with 'via' or 'vocabulary'; elsewhere write 'value:' for the map")
        if (self.concept is None) == (not self.value):
            raise ValueError("'value' says what is looked up by 'via', 'vocabulary' or 'map'")
        return self


def _alternatives(written: object) -> object:
    if isinstance(written, (list, tuple)):
        return [_alternative(item) for item in written]
    return [_alternative(written)]


def _alternative(written: object) -> object:
    if isinstance(written, (str, int)) and not isinstance(written, bool):
        return {"concept": written}
    return written


Concept = Annotated[tuple[ConceptSpec, ...], BeforeValidator(_alternatives)]
"""A concept: an id with its name, one way to look it up, or several ways in order."""
