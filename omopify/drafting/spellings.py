"""Reads the values of a column as those of a value set, as far as their spelling tells."""

from __future__ import annotations

from dataclasses import dataclass, field

from omopify.drafting.lexicon import Lexicon, Variable, fold
from omopify.scanning.model import Column
from omopify.specs.packs import ModelField

_READ = {"1", "true", "yes", "y", "0", "false", "no", "n"}
"""What is read as yes or no without any list."""

_ALIKE = 90
"""From which likeness (0-100) a long spelling is taken for another one."""


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a column's values become."""

    targets: dict[str, str] = field(default_factory=dict)
    """Value as the scan shows it, to the value of the value set."""
    open: dict[str, int] = field(default_factory=dict)
    """Values that nobody can place from their spelling, and in how many rows they stand."""
    rows: dict[str, int] = field(default_factory=dict)
    known: float = 0.0
    """The share of the told rows whose value is placed, from 0 to 1."""
    needed: bool = True
    """Whether a list is needed at all: '1' needs none where 1 is what the value set says."""

    @property
    def told(self) -> bool:
        """Say whether the scan told any value."""
        return bool(self.targets or self.open)


def spelled(column: Column, variable: Variable, wanted: ModelField, lexicon: Lexicon) -> Spelling:
    """Place the values that the scan tells of a column."""
    known = dict(lexicon.values.get((variable.table, variable.field), {}))
    if wanted.type == "boolean":
        known |= lexicon.values.get(("*", "yes or no"), {})
        known |= {"1": "true", "0": "false"}
    known |= {fold(value): value for value in wanted.values}
    known |= _of_same_set(lexicon, variable, wanted)
    labels = {fold(pair.code): pair.label for pair in column.pairs}
    targets: dict[str, str] = {}
    left: dict[str, int] = {}
    for value in column.values:
        target = _placed(value.value, known, wanted) or _placed(labels.get(fold(value.value), ""), known, wanted)
        if target is not None:
            targets[value.value] = target
        else:
            left[value.value] = value.rows
    rows = {value.value: value.rows for value in column.values}
    placed = sum(rows[value] for value in targets)
    plain = all(_as_it_is(value, target, wanted) for value, target in targets.items())
    return Spelling(targets, left, rows, placed / sum(rows.values()) if rows else 0.0, needed=not plain or bool(left))


def _of_same_set(lexicon: Lexicon, variable: Variable, wanted: ModelField) -> dict[str, str]:
    """Return the spellings of another variable that may hold the same values, such as the response at best."""
    found: dict[str, str] = {}
    if wanted.values and (variable.table, variable.field) not in lexicon.values:
        for spellings in lexicon.values.values():
            if set(spellings.values()) <= set(wanted.values):
                found |= spellings
    return found


def _placed(value: str, known: dict[str, str], wanted: ModelField) -> str | None:
    folded = fold(value)
    if not folded:
        return None
    if folded in known:
        return known[folded]
    if wanted.type in ("integer", "number"):
        return _leading_number(folded, wanted)
    if len(folded) < 6:
        return None
    from rapidfuzz import fuzz, process

    near = process.extractOne(folded, list(known), scorer=fuzz.ratio, score_cutoff=_ALIKE)
    return known[near[0]] if near else None


def _leading_number(folded: str, wanted: ModelField) -> str | None:
    """Read ``grade 3``, ``3 - severe`` and ``3.0`` as 3."""
    words = folded.replace("-", " ").replace(":", " ").replace("(", " ").split()
    numbers = [word.removesuffix(".0") for word in words if word.removesuffix(".0").isdigit()]
    if len(numbers) == 1 and numbers[0] in wanted.values and (words[0].removesuffix(".0").isdigit() or len(words) == 2):
        return numbers[0]
    return None


def _as_it_is(value: str, target: str, wanted: ModelField) -> bool:
    if wanted.type == "boolean":
        return value.strip().lower() in _READ
    if wanted.type in ("integer", "number"):
        return value.strip() in (target, f"{target}.0")
    return value == target
