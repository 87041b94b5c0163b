"""Expressions in plain words, for those who approve maps and do not read SQL.

The words say no more and no less than the expression does; where they would become harder to read than it, they stand
beside it and not instead of it, so callers show both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from omopify.compiler.parsing import Refused, parse, shown, split_order

_COMPARED: Mapping[type[exp.Expr], str] = {
    exp.EQ: "is", exp.NEQ: "is not", exp.GT: "is greater than", exp.GTE: "is at least", exp.LT: "is less than",
    exp.LTE: "is at most",
}  # fmt: skip
_CALCULATED: Mapping[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}
_BUILT_IN = {"_row": "the row's number in its file", "_source": "the form that the row is from"}

_PHRASES: Mapping[str, tuple[str, ...]] = {
    "lower": ("{0} in small letters",),
    "upper": ("{0} in capitals",),
    "trim": ("{0} without blanks around it",),
    "fold": ("{0} (capitals and blanks aside)",),
    "length": ("the number of characters of {0}",),
    "left": ("the first {1} characters of {0}",),
    "right": ("the last {1} characters of {0}",),
    "substr": ("{0} from character {1} on", "{2} characters of {0} from character {1} on"),
    "replace": ("{0} with {1} replaced by {2}",),
    "part": ("piece {2} of {0} cut at {1}",),
    "capture": ("what the pattern {1} finds in {0}", "what bracket {2} of the pattern {1} finds in {0}"),
    "number": ("the number in {0}",),
    "date": ("the date in {0}",),
    "text": ("{0} as text",),
    "year": ("the year of {0}",),
    "month": ("the month of {0}",),
    "day": ("the day of {0}",),
    "days_between": ("the days from {0} to {1}",),
    "years_between": ("the full years from {0} to {1}",),
    "abs": ("{0} without its sign",),
    "round": ("{0} rounded to a whole number", "{0} rounded to {1} decimals"),
    "floor": ("{0} rounded down",),
    "ceil": ("{0} rounded up",),
    "min": ("the lowest of {0}",),
    "max": ("the highest of {0}",),
    "sum": ("the sum of {0}",),
    "avg": ("the mean of {0}",),
    "count": ("how many of {0} are filled",),
    "any_true": ("whether for any row {0}",),
    "lead": ("{0} of the next row",),
    "lag": ("{0} of the previous row",),
    "first": ("{0} of the first row",),
    "row_number": ("the place in the order",),
    "nullif": ("{0}, or nothing if it is {1}",),
}
"""How a function reads, by the number of its values: the first phrase for the fewest, the second for one more."""

_CONDITIONS: Mapping[str, tuple[str, str]] = {
    "starts_with": ("{0} begins with {1}", "{0} does not begin with {1}"),
    "contains": ("{0} contains {1}", "{0} does not contain {1}"),
    "matches": ("{0} fits the pattern {1}", "{0} does not fit the pattern {1}"),
}
"""Functions that are conditions, and what they say when they do not hold."""

_NAME, _VALUE, _CONDITION, _SEVERAL = range(4)
"""How tightly words hold together: what is looser than its place allows stands in brackets."""


@dataclass(frozen=True, slots=True)
class _Said:
    words: str
    loose: int = _NAME

    def within(self, most: int) -> str:
        return self.words if self.loose <= most else f"({self.words})"


def spoken(text: str, facts: Callable[[str], str | None] = lambda _name: None) -> str:
    """Return an expression or a condition in plain words; as it is written if it cannot be read.

    ``facts`` gives what ``trial.<name>`` stands for.
    """
    try:
        return _say(parse(text), facts).words
    except (Refused, RecursionError, LookupError, ValueError):  # also a call with too few values
        return " ".join(text.split())


def spoken_condition(text: str, facts: Callable[[str], str | None] = lambda _name: None) -> str:
    """Return a condition in plain words: as ``spoken``, but a column that holds yes or no alone is a condition too."""
    try:
        return _holds(parse(text), facts).words
    except (Refused, RecursionError, LookupError, ValueError):
        return " ".join(text.split())


def spoken_order(text: str, facts: Callable[[str], str | None] = lambda _name: None) -> str:
    """Return one line of an ``order:`` in plain words."""
    value, direction = split_order(text)
    if value.strip() == "_row":
        return "the order of the file" if direction == "ASC" else "the order of the file, the last row first"
    return f"{spoken(value, facts)}{', the highest first' if direction == 'DESC' else ''}"


def columns_in(text: str) -> tuple[str, ...]:
    """Return the columns that an expression names, each once, as ``COLUMN`` or ``join.COLUMN``; facts are none."""
    try:
        tree = parse(text)
    except (Refused, RecursionError):
        return ()
    found = [node for node in tree.find_all(exp.Column, bfs=False) if node.table.casefold() != "trial"]
    names = [f"{node.table}.{node.name}" if node.table else node.name for node in found]
    return tuple(dict.fromkeys(name for name in names if name not in _BUILT_IN))


def is_column(text: str) -> bool:
    """Say whether an expression is a column as it stands."""
    try:
        return isinstance(parse(text), exp.Column) and not text.strip().casefold().startswith("trial.")
    except (Refused, RecursionError):
        return False


def listed(parts: Sequence[str], word: str = "and") -> str:
    """Return ``a, b and c``."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} {word} {parts[-1]}" if parts else ""


def _holds(node: exp.Expr, facts: Callable[[str], str | None]) -> _Said:
    """Say that something holds, which a column of yes and no does not say by itself."""
    said = _say(node, facts)
    plain = node.unnest() if isinstance(node, exp.Paren) else node
    return _Said(f"{said.words} is yes", _CONDITION) if isinstance(plain, exp.Column) else said


def _say(node: exp.Expr, facts: Callable[[str], str | None]) -> _Said:
    def say(part: exp.Expr, most: int = _VALUE) -> str:
        return (_holds if most >= _CONDITION else _say)(part, facts).within(most)

    match node:
        case exp.Column():
            return _column(node, facts)
        case exp.Literal():
            return _Said(f"'{node.this}'" if node.is_string else str(node.this))
        case exp.Boolean():
            return _Said("yes" if node.this else "no")
        case exp.Null():
            return _Said("nothing")
        case exp.Paren():
            return _say(node.this, facts)
        case exp.Neg():
            return _Said(f"-{say(node.this, _NAME)}")
        case exp.Not(this=exp.Is(expression=exp.Null())):
            return _filled(node.this.this, say, "filled")
        case exp.Is(expression=exp.Null()):
            return _filled(node.this, say, "empty")
        case exp.Not(this=exp.In() as inner):
            return _among(inner, say, "is none of")
        case exp.In():
            return _among(node, say, "is one of")
        case exp.Not(this=exp.Anonymous() as call) if str(call.this).casefold() in _CONDITIONS:
            return _call(call, say, negated=True)
        case exp.Not():
            return _Said(f"it does not hold that {say(node.this, _CONDITION)}", _CONDITION)
        case exp.And() | exp.Or():
            parts = [say(part, _CONDITION) for part in node.flatten() if type(part) is not type(node)]
            return _Said(f" {'and' if isinstance(node, exp.And) else 'or'} ".join(parts), _SEVERAL)
        case exp.Between():
            low, high = say(node.args["low"]), say(node.args["high"])
            return _Said(f"{say(node.this)} is between {low} and {high}", _CONDITION)
        case exp.Like():
            return _Said(f"{say(node.this)} looks like {say(node.expression)} (% stands for anything)", _CONDITION)
        case exp.DPipe():
            joined = listed([say(part, _NAME) for part in node.flatten()])
            return _Said(f"{joined} put together (nothing if one is empty)", _VALUE)
        case exp.Case():
            return _case(node, say)
        case exp.If():
            return _choice([(node.args["true"], say(node.this, _SEVERAL))], node.args.get("false"), say)
        case exp.Anonymous():
            return _call(node, say)
    for kind, words in _COMPARED.items():
        if type(node) is kind:
            return _Said(f"{say(node.this)} {words} {say(node.expression)}", _CONDITION)
    for kind, sign in _CALCULATED.items():
        if type(node) is kind:
            return _Said(f"{say(node.this, _NAME)} {sign} {say(node.expression, _NAME)}", _VALUE)
    return _Said(shown(node), _VALUE)


def _column(node: exp.Column, facts: Callable[[str], str | None]) -> _Said:
    if node.table.casefold() == "trial":
        fact = facts(node.name)
        return _Said(f"the trial's {node.name}" + (f" ({fact})" if fact else ""))
    name = f"{node.table}.{node.name}" if node.table else node.name
    return _Said(_BUILT_IN.get(name, name))


def _filled(node: exp.Expr, say: Callable[..., str], word: str) -> _Said:
    """Say that something is filled or empty; of several, ``coalesce(...)`` asks for any of them."""
    if isinstance(node, exp.Anonymous) and str(node.this).casefold() == "coalesce" and len(node.expressions) > 1:
        parts = [say(part) for part in node.expressions]
        if word == "filled":
            return _Said(f"one of {listed(parts, 'or')} is filled", _CONDITION)
        return _Said(f"{listed(parts)} are all empty", _CONDITION)
    if not isinstance(node, exp.Column):
        word = "known" if word == "filled" else "not known"
    return _Said(f"{say(node)} is {word}", _CONDITION)


def _among(node: exp.In, say: Callable[..., str], words: str) -> _Said:
    values = [say(value) for value in node.expressions]
    words = words if len(values) > 1 else words.replace(" one of", "").replace("none of", "not")
    return _Said(f"{say(node.this)} {words} {listed(values, 'or')}", _CONDITION)


def _case(node: exp.Case, say: Callable[..., str]) -> _Said:
    branches = []
    for branch in node.args["ifs"]:
        when = f"{say(node.this)} is {say(branch.this)}" if node.this else say(branch.this, _SEVERAL)
        branches.append((branch.args["true"], when))
    return _choice(branches, node.args.get("default"), say)


def _choice(branches: Sequence[tuple[exp.Expr, str]], otherwise: exp.Expr | None, say: Callable[..., str]) -> _Said:
    parts = [f"{say(value)} if {when}" for value, when in branches]
    parts.append(f"else {say(otherwise)}" if otherwise is not None else "else nothing")
    return _Said("; ".join(parts), _SEVERAL)


def _call(node: exp.Anonymous, say: Callable[..., str], *, negated: bool = False) -> _Said:
    name, given = str(node.this).casefold(), node.expressions
    if name in _CONDITIONS:
        return _Said(_CONDITIONS[name][negated].format(*(say(part) for part in given)), _CONDITION)
    match name:
        case "if":
            return _choice([(given[1], say(given[0], _SEVERAL))], given[2] if len(given) > 2 else None, say)
        case "coalesce" if len(given) == 2 and isinstance(given[1], exp.Literal):
            return _Said(f"{say(given[0])} (or {say(given[1])} if that is empty)", _VALUE)
        case "coalesce":
            return _Said(f"the first that is filled of {listed([say(part) for part in given])}", _VALUE)
        case "greatest" | "least":
            word = "highest" if name == "greatest" else "lowest"
            return _Said(f"the {word} of {listed([say(part) for part in given])}", _VALUE)
        case "concat":
            return _Said(f"{listed([say(part, _NAME) for part in given])} put together", _VALUE)
        case "add_days":
            return _days_later(given, say)
        case "make_date":
            return _date_of(given, say)
        case "count" if given and isinstance(given[0], exp.Star):
            return _Said("the number of rows", _VALUE)
    phrases = _PHRASES.get(name)
    if not phrases:
        return _Said(shown(node), _VALUE)
    fewest = 1 + max((int(digit) for digit in "0123" if f"{{{digit}}}" in phrases[0]), default=-1)
    phrase = phrases[min(len(phrases) - 1, max(0, len(given) - fewest))]
    most = _CONDITION if name == "any_true" else _VALUE
    return _Said(phrase.format(*(say(part, most) for part in given)), _VALUE if given else _NAME)


def _date_of(given: Sequence[exp.Expr], say: Callable[..., str]) -> _Said:
    """Say which date is put together; what is no bare column or number says by itself whether it is year or month."""
    bare = exp.Column | exp.Literal
    parts = [
        f"{word} {say(part)}" if isinstance(part, bare) else say(part)
        for word, part in zip(("year", "month", "day"), given, strict=True)
    ]
    return _Said(f"the date of {listed(parts)}", _VALUE)


def _days_later(given: Sequence[exp.Expr], say: Callable[..., str]) -> _Said:
    day, number = given
    word = "before" if isinstance(number, exp.Neg) else "after"
    count = say(number.this if isinstance(number, exp.Neg) else number)
    days = "1 day" if count == "1" else f"{count} days"
    return _Said(f"{days} {word} {say(day)}", _VALUE)
