"""How one field is filled: the expression, then the conversion that the target's type asks for.

A steward writes no casts.  A value that cannot be converted is a finding of its row: a value issue if the
field may be empty, a reject if it may not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from omopify.compiler.expressions import Names, Over, compile_condition, compile_expression
from omopify.compiler.plan import Finding, Item, Unmapped
from omopify.compiler.relations import Context
from omopify.compiler.typed import (
    BOOLEAN,
    DATE,
    DATETIME,
    DIFFERENT_FORMATS,
    DIFFERENT_FORMATS_HINT,
    INTEGER,
    NULL,
    NUMBER,
    NUMERIC,
    TEXT,
    Typed,
    alike,
    as_text,
    coalesced,
    date_formats,
    literal,
    quoted,
    read_number,
)
from omopify.errors import Location, did_you_mean
from omopify.specs.maps import MapFile
from omopify.specs.project import LoadedMap, read_table
from omopify.specs.values import DATE_FORMAT_HINT, FieldSpec, ValueMap, is_date_format

REASONS = {
    DATE: "not a date",
    DATETIME: "not a date",
    NUMBER: "not a number",
    INTEGER: "not a whole number",
    BOOLEAN: "not yes or no",
}
"""What is said of a value that cannot be read as its field's type."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)")


@dataclass(frozen=True, slots=True)
class Target:
    """What a field must be: its type, whether it must be filled, its value set, length and partial-date rule."""

    name: str
    type: str
    required: bool = False
    values: tuple[str, ...] = ()
    length: int | None = None
    partial: str = "reject"


@dataclass
class Columns:
    """The columns of a map's step table while they are collected, and what may be wrong with them."""

    loaded: LoadedMap
    context: Context
    names: Names
    raw: list[Item] = field(default_factory=list)
    typed: list[Item] = field(default_factory=list)
    imputed: list[Item] = field(default_factory=list)
    """Date fields after imputation; they replace the typed ones."""
    issues: list[Finding] = field(default_factory=list)
    rejects: list[Finding] = field(default_factory=list)
    imputations: list[Finding] = field(default_factory=list)
    unmapped: list[Unmapped] = field(default_factory=list)
    too_long: list[tuple[str, str, Location]] = field(default_factory=list)
    over: Over | None = None
    dates: set[str] = field(default_factory=set)
    """The date fields so far; others may say that they are not before them."""

    @property
    def spec(self) -> MapFile:
        """The map whose columns these are."""
        return self.loaded.spec

    def expression(self, text: str, *steps: str | int) -> Typed | None:
        """Compile one expression of the map, written at ``steps``."""
        at = _inside(self.spec, steps, text)
        return compile_expression(text, self.names, at, self.context.problems, self.over)

    def condition(self, text: str, *steps: str | int) -> Typed | None:
        """Compile one condition of the map, written at ``steps``."""
        at = _inside(self.spec, steps, text)
        return compile_condition(text, self.names, at, self.context.problems, self.over)

    def first_of(self, texts: tuple[str, ...], *steps: str | int) -> Typed | None:
        """Compile several expressions of which the first that is filled is taken."""
        found = []
        for number, text in enumerate(texts):
            one = self.expression(text, *steps, *((number,) if len(texts) > 1 else ()))
            if one is None:
                return None
            found.append(one)
        types = {f.type for f in found} - {NULL}
        if types == set(NUMERIC):
            found = [replace(f, type=NUMBER) for f in found]
        elif len(types) > 1:
            found = [as_text(f) for f in found]
        if len(found) == 1:
            return found[0]
        merged = alike(found)
        if merged is None:
            self.context.problems.add("OM325", DIFFERENT_FORMATS, self.spec.at(*steps), DIFFERENT_FORMATS_HINT)
            return None
        return replace(merged, sql=coalesced([f.sql for f in found]))

    def add(self, spec: FieldSpec, target: Target, *steps: str | int) -> Typed | None:
        """Add one field; return its expression, or None if something is wrong with it."""
        found = self.value_of(spec, *steps)
        if found is None:
            return None
        column = quoted(target.name)
        if target.type in (DATE, DATETIME):
            self.dates.add(target.name)
        if spec.map:
            if not self._mapped(spec, target, found, *steps):
                return None
        elif target.type in (DATE, DATETIME) and found.type == TEXT and found.sql != "NULL":
            self._date(spec, target, found, *steps)
        elif found.type == TEXT and target.type != TEXT:
            self._convert(target, found)
        elif target.type == TEXT and target.values:
            self._value_set(target, found)
        else:
            sql = self._cast(found, target, *steps)
            if sql is None:
                return None
            self._typed_value(target, found, sql)
        if target.length:
            rule = spec.too_long or self.spec.too_long
            self.limit(target.name, target.name, target.length, rule, self.spec.at(*steps))
        if target.required:
            self.rejects.append(Finding(target.name, "missing", f"{column} IS NULL"))
        return found

    def _typed_value(self, target: Target, found: Typed, sql: str) -> None:
        """Add a value that has its type already; it may still be no whole number, or not in the value set."""
        rounds = target.type == INTEGER and found.type == NUMBER
        if not rounds and not target.values:
            self.carry(target.name, Typed(sql, target.type))
            return
        raw = self._keep_raw(target, found.sql if rounds else sql)
        read = f"o_whole({raw})" if rounds else raw
        allowed = ", ".join(target.values)
        self.typed.append(Item(f"CASE WHEN {read} IN ({allowed}) THEN {read} END" if allowed else read, target.name))
        reason = "not in the value set" if allowed else REASONS[target.type]
        self._issue(target, reason, f"{raw} IS NOT NULL AND {quoted(target.name)} IS NULL")

    def carry(self, name: str, found: Typed) -> None:
        """Add a column that is taken as it is."""
        self.raw.append(Item(found.sql, name))
        self.typed.append(Item(quoted(name), name))

    def value_of(self, spec: FieldSpec, *steps: str | int) -> Typed | None:
        """Compile the expression (or constant) of a field, written at ``steps``."""
        if spec.constant is not None:
            return Typed(literal(spec.constant), TEXT, decimal=spec.decimal or ".")
        deeper = steps if self.spec_is_short(*steps) else (*steps, "value")
        found = self.first_of(spec.value, *deeper)
        return replace(found, decimal=spec.decimal) if found and spec.decimal else found

    def spec_is_short(self, *steps: str | int) -> bool:
        """Say whether a field was written in its short form (an expression, no words)."""
        return self.spec.at(*steps, "value") == self.spec.at(*steps)

    def _cast(self, found: Typed, target: Target, *steps: str | int) -> str | None:
        if found.type in (target.type, NULL) or (target.type == NUMBER and found.type == INTEGER):
            return found.sql
        if target.type == TEXT:
            return as_text(found).sql
        if target.type == INTEGER and found.type == NUMBER:
            return f"o_whole({found.sql})"
        if target.type == DATETIME and found.type == DATE:
            return f"CAST({found.sql} AS timestamp)"
        if target.type == DATE and found.type == DATETIME:
            return f"CAST({found.sql} AS date)"
        if target.type in NUMERIC and found.type == BOOLEAN:
            return f"CASE WHEN {found.sql} THEN 1 WHEN NOT ({found.sql}) THEN 0 END"
        message = f"'{target.name}' is of type {target.type}, but this is of type {found.type}"
        self.context.problems.add("OM306", message, self.spec.at(*steps))
        return None

    def _keep_raw(self, target: Target, sql: str) -> str:
        self.carry(f"{target.name}.raw", Typed(sql, TEXT))
        return quoted(f"{target.name}.raw")

    def _convert(self, target: Target, found: Typed) -> None:
        raw = self._keep_raw(target, found.sql)
        number = read_number(Typed(raw, TEXT, found.dates, found.decimal))
        sql = {NUMBER: number, INTEGER: f"o_whole({number})", BOOLEAN: f"o_bool({raw})"}[target.type]
        reason = REASONS[target.type]
        if target.values:
            sql = f"CASE WHEN {sql} IN ({', '.join(target.values)}) THEN {sql} END"
            reason = "not in the value set"
        self.typed.append(Item(sql, target.name))
        self._issue(target, reason, f"{raw} IS NOT NULL AND {quoted(target.name)} IS NULL")

    def _issue(self, target: Target, reason: str, condition: str) -> None:
        if target.required:
            self.rejects.append(Finding(target.name, reason, condition))
        else:
            self.issues.append(Finding(target.name, reason, condition))

    def _value_set(self, target: Target, found: Typed) -> None:
        raw = self._keep_raw(target, as_text(found).sql)
        allowed = ", ".join(literal(value) for value in target.values)
        self.typed.append(Item(f"CASE WHEN {raw} IN ({allowed}) THEN {raw} END", target.name))
        lost = f"{raw} IS NOT NULL AND {quoted(target.name)} IS NULL"
        self._issue(target, "not in the value set", lost)
        self.unmapped.append(Unmapped(target.name, raw, lost))

    def _mapped(self, spec: FieldSpec, target: Target, found: Typed, *steps: str | int) -> bool:
        assert spec.map is not None
        values = self._map_values(spec.map, *steps)
        if values is None:
            return False
        branches, nothing, wrong = [], [], False
        for key, becomes in values.items():
            if becomes is None or becomes == "":
                nothing.append(folded(key))
                branches.append(f"WHEN {folded(key)} THEN NULL")
                continue
            sql = self._constant(becomes, target, *steps, "map", key)
            if sql is None:
                wrong = True
            else:
                branches.append(f"WHEN {folded(key)} THEN {sql}")
        if wrong:
            return False
        raw = self._keep_raw(target, as_text(found).sql)
        said = f"o_fold({raw})"
        if all(_NUMBER.fullmatch(key.strip()) for key in values):
            # A code that is exported as 1.0 is the code 1.
            said = f"coalesce(o_plain(o_num({raw})), {said})"
        last = ""
        if spec.otherwise is not None:
            other = self._constant(spec.otherwise, target, *steps, "otherwise")
            if other is None:
                return False
            last = f" ELSE {other}"
        # A missing value stays missing, whatever 'otherwise' says of unknown ones.
        case = f"CASE {said} {' '.join(branches)}{last} END" if branches else "NULL"
        if spec.otherwise is not None:
            case = f"CASE WHEN {raw} IS NOT NULL THEN {case} END"
        self.typed.append(Item(case, target.name))
        lost = f"{raw} IS NOT NULL AND {quoted(target.name)} IS NULL"
        if nothing:
            lost += f" AND {said} NOT IN ({', '.join(nothing)})"
        self._issue(target, "not in the value map", lost)
        self.unmapped.append(Unmapped(target.name, raw, lost))
        return True

    def _map_values(self, written: ValueMap, *steps: str | int) -> dict[str, str | None] | None:
        if not written.file:
            self.note_same(written.values, *steps)
            return dict(written.values)
        path = self.loaded.folder / written.file
        at = self.spec.at(*steps, "map")
        rows = read_table(path, ("from", "to"), at, self.context.problems)
        if not rows:
            return None
        values: dict[str, str | None] = {}
        written_as: dict[str, str] = {}
        lines: dict[str, int] = {}
        for line, row in rows:
            key = fold(row["from"])
            if key in lines and values[written_as[key]] != row["to"]:
                place = Location(str(path), line, 1)
                message = f"'{row['from']}' becomes two different values"
                self.context.problems.add("OM320", message, place, f"see line {lines[key]}")
            if key not in lines:
                values[row["from"]], written_as[key], lines[key] = row["to"], row["from"], line
        return values

    def note_same(self, keys: Iterable[str], *steps: str | int) -> None:
        """Note keys of a ``map:`` that are one value, as case and blanks do not matter."""
        seen: dict[str, str] = {}
        for key in keys:
            first = seen.setdefault(fold(key), key)
            if first != key:
                message = f"'{key}' and '{first}' are the same value here (case and blanks do not matter)"
                self.context.problems.add("OM320", message, self.spec.at(*steps, "map", key, key=True))

    def _constant(self, text: str, target: Target, *steps: str | int) -> str | None:
        at = self.spec.at(*steps)
        if target.values and text not in target.values:
            hint = did_you_mean(text, target.values) or f"its values: {', '.join(target.values)}"
            self.context.problems.add("OM321", f"'{text}' is not in the value set of '{target.name}'", at, hint)
            return None
        if target.type == TEXT:
            return literal(text)
        if target.type == BOOLEAN and text.casefold() in ("true", "false"):
            return text.upper()
        if target.type in NUMERIC and re.fullmatch(r"-?\d+(\.\d+)?", text):
            return text
        if target.type == DATE and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return f"CAST({literal(text)} AS date)"
        self.context.problems.add("OM322", f"'{text}' is not of type {target.type}, as '{target.name}' is", at)
        return None

    def _date(self, spec: FieldSpec, target: Target, found: Typed, *steps: str | int) -> None:
        formats = date_formats(spec.dates or found.dates)
        for text in spec.dates:
            if not is_date_format(text):
                at = self.spec.at(*steps, "dates")
                self.context.problems.add("OM323", f"'{text}' is not a date format", at, DATE_FORMAT_HINT)
                return
        raw = self._keep_raw(target, found.sql)
        rule = spec.partial or self.spec.partial or target.partial
        full = coalesced([f"o_date({raw}, {literal(f)})" for f in formats])
        if target.type == DATETIME:
            timed = [f"o_datetime({raw}, {literal(f)})" for f in formats]
            full = coalesced([*timed, f"CAST({full} AS timestamp)"])
        guess = _guess(raw, formats, rule)
        column, complete = quoted(target.name), f"{target.name}.full"
        self.typed.append(Item(full, complete))
        lost = f"{raw} IS NOT NULL AND {column} IS NULL"
        other = self._date_above(spec.not_before, *steps) if spec.not_before else ""
        if rule == "reject":
            sql = quoted(complete)
            self._issue(target, "partial date", f"{lost} AND {guess} IS NOT NULL")
            lost += f" AND {guess} IS NULL"
        elif other and rule != "latest":
            # Only an imputed end is moved, and only within what was recorded: an end that is before its start
            # even on its last possible day is for the quality checks.
            moved = f"WHEN {guess} < {other} AND {other} <= {_guess(raw, formats, 'latest')} THEN {other}"
            sql = f"coalesce({quoted(complete)}, CASE {moved} ELSE {guess} END)"
        else:
            sql = f"coalesce({quoted(complete)}, {guess})"
        self.imputed.append(Item(sql, target.name))
        if rule != "reject":
            made_up = f"{quoted(complete)} IS NULL AND {column} IS NOT NULL"
            self.imputations.append(Finding(target.name, rule, made_up))
        self._issue(target, "not a date", lost)

    def _date_above(self, name: str, *steps: str | int) -> str:
        if name not in self.dates:
            hint = did_you_mean(name, self.dates)
            message = f"'{name}' is not a date field above this one"
            self.context.problems.add("OM324", message, self.spec.at(*steps, "not_before"), hint)
        return next((item.sql for item in self.imputed if item.alias == name), quoted(name))

    def limit(self, name: str, column: str, length: int, rule: str, at: Location) -> None:
        """Say what is done with texts that are longer than their CDM column: fail the run, or cut and count."""
        longer = f"length({quoted(column)}) > {length}"
        if rule == "error":
            self.too_long.append((name, longer, at))
        else:
            self.issues.append(Finding(name, "cut to its length", longer))


def fold(text: str) -> str:
    """Return a text as the SQL function ``o_fold`` does: case, outer and repeated blanks do not matter."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", text)).strip().lower()


def folded(key: str) -> str:
    """Return a value map's key as SQL; capitals beyond ASCII are left to the engine, which folds the data too."""
    return literal(fold(key)) if key.isascii() else f"o_fold({literal(key.strip())})"


def _guess(raw: str, formats: tuple[str, ...], rule: str) -> str:
    return coalesced([f"o_impute({raw}, {literal(f)}, {literal(rule)})" for f in formats])


def _inside(spec: MapFile, steps: tuple[str | int, ...], text: str) -> Location:
    """Return where an expression starts, inside its quotes."""
    at = spec.at(*steps)
    line = spec.line(at.line)
    quote = line[at.column - 1 : at.column]
    return replace(at, column=at.column + 1) if quote in ('"', "'") and not text.startswith(quote) else at
