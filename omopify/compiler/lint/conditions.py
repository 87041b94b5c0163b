"""Whether a condition can hold at all, and whether it can fail: by trying it on every kind of value that tells.

A condition is tried on the values that it names, on others below, between and above them, and on nothing; what it
does not take apart (``matches(X, ...)``, ``A = B``) may be true, false or unknown.  So ``never`` and ``always`` are
said of conditions only of which they are true, whatever the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise, product
from math import prod
from typing import Literal

from sqlglot import exp

from omopify.compiler.fields import fold
from omopify.compiler.parsing import Refused, parse

Truth = bool | None
Said = str | float | bool | None
Verdict = Literal["never", "always", "sometimes"]

MOST = 5_000
"""The most combinations of values that are tried; what would take more is not judged."""


@dataclass(frozen=True, slots=True)
class Domain:
    """What is known of a column before a row is read."""

    values: tuple[str, ...] = ()
    """All that it may hold; anything if empty."""
    never: frozenset[str] = frozenset()
    """Spellings (folded) that never arrive: the source reads them as empty."""
    filled: bool = False
    """It is never empty."""


Known = Callable[[str], Domain]
"""What is known of a column by its name in small letters."""


Row = Mapping[str, Said]
Holds = Callable[[Row], Truth]


@dataclass
class _Operand:
    column: str = ""
    shape: str = ""
    """The function around the column that changes what it may hold: ``fold``, ``lower``, ``upper``."""
    texts: set[str] = field(default_factory=set)
    numbers: set[float] = field(default_factory=set)
    truth: bool = False
    """It is a condition that is not taken apart."""


def judge(texts: Iterable[str], known: Known) -> Verdict:
    """Say whether all of these conditions together ``never`` hold, ``always`` do, or ``sometimes``."""
    try:
        return _judge(texts, known)
    except RecursionError:
        return "sometimes"


def _judge(texts: Iterable[str], known: Known) -> Verdict:
    operands: dict[str, _Operand] = {}
    conditions = [_compiled(tree, operands) for text in texts if (tree := _tree(text)) is not None]
    choices = [_values(operand, known) for operand in operands.values()]
    if not conditions or prod(len(values) for values in choices) > MOST:
        return "sometimes"
    seen = set()
    for combination in product(*choices):
        row = dict(zip(operands, combination, strict=True))
        seen.add(all(holds(row) is True for holds in conditions))
        if len(seen) == 2:
            return "sometimes"
    return "always" if seen == {True} else "never"


def follows(text: str, earlier: Iterable[str], known: Known) -> bool:
    """Say whether a condition holds of every row of which the earlier ones hold."""
    return judge([*earlier, f"({text}) is not true"], known) == "never"


@lru_cache(maxsize=4096)
def _comparisons(text: str) -> tuple[tuple[str, str, tuple[str, ...]], ...]:
    """Return what an expression compares with texts: (column, what is done to it, the texts)."""
    tree, found = _tree(text), []
    for node in tree.walk() if tree is not None else ():
        if isinstance(node, (exp.EQ, exp.NEQ, exp.In)) and (test := _test(node)) and test.texts:
            found.append((*_inside(test.operand), test.texts))
    return tuple(found)


def impossible(text: str, known: Known) -> Iterator[tuple[str, str, Domain]]:
    """Yield what an expression compares a column with although the column never holds it: (text, column, domain)."""
    for column, shape, texts in _comparisons(text):
        if column and shape in _SHAPES:
            for said in texts:
                if not arrives(said, known(column), shape):
                    yield said, column, known(column)


def arrives(text: str, domain: Domain, shape: str = "") -> bool:
    """Say whether a column may hold a text, after the function *shape* (``fold``, ``lower`` ...) if one is given."""
    written = _SHAPES[shape]
    if written(text) != text:
        return False
    if domain.values:
        return text in {written(value) for value in domain.values} or _number(text) in _numbers(domain.values)
    return fold(text) not in domain.never


def _numbers(texts: Iterable[str]) -> set[float]:
    return {number for text in texts if (number := _number(text)) is not None}


def _tree(text: str) -> exp.Expr | None:
    try:
        return parse(text)
    except (Refused, RecursionError):
        return None


def operand_name(node: exp.Expr) -> str:
    """Return what a part of an expression is known by: columns in small letters, texts as they are."""
    copy = node.copy()
    for column in list(copy.find_all(exp.Column)):
        for part in column.parts:
            part.set("this", part.name.casefold())
            part.set("quoted", False)
    return str(copy.sql()).strip()


_SIGNS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "=", exp.NEQ: "<>", exp.GT: ">", exp.GTE: ">=", exp.LT: "<", exp.LTE: "<=",
}  # fmt: skip
_MIRRORED = {"=": "=", "<>": "<>", ">": "<", ">=": "<=", "<": ">", "<=": ">="}


@dataclass(frozen=True, slots=True)
class _Test:
    """One comparison of an operand with something that is written out."""

    operand: exp.Expr
    holds: Callable[[Said], Truth]
    texts: tuple[str, ...] = ()
    numbers: tuple[float, ...] = ()


def _test(node: exp.Expr) -> _Test | None:
    """Take a comparison apart; None if both sides differ from row to row."""
    if type(node) in _SIGNS:
        sign, left, right = _SIGNS[type(node)], node.this, node.expression
        if _literal(left) is not None and _literal(right) is None:
            sign, left, right = _MIRRORED[sign], right, left
        literal = _literal(right)
        if literal is None or _literal(left) is not None:
            return None
        return _Test(left, lambda value: _compare(value, sign, literal), *_named([literal]))
    if isinstance(node, exp.In) and node.expressions:
        literals = [_literal(part) for part in node.expressions]
        if any(literal is None for literal in literals):
            return None
        said = [literal for literal in literals if literal is not None]
        return _Test(node.this, lambda value: _any(_compare(value, "=", one) for one in said), *_named(said))
    if isinstance(node, exp.Between):
        low, high = _literal(node.args["low"]), _literal(node.args["high"])
        if low is None or high is None:
            return None
        return _Test(node.this, lambda v: _both(_compare(v, ">=", low), _compare(v, "<=", high)), *_named([low, high]))
    if isinstance(node, exp.Is):
        right = _positive(node)
        if isinstance(right, exp.Null):
            negated = right is not node.expression
            return _Test(node.this, lambda value: (value is None) != negated)
    return None


def _positive(node: exp.Is) -> exp.Expr:
    """Return what stands behind ``is`` or ``is not``."""
    found: exp.Expr = node.expression.this if isinstance(node.expression, exp.Not) else node.expression
    return found


def _literal(node: exp.Expr) -> str | float | None:
    if isinstance(node, exp.Paren):
        return _literal(node.this)
    if isinstance(node, exp.Neg):
        inner = _literal(node.this)
        return -inner if isinstance(inner, float) else None
    if not isinstance(node, exp.Literal):
        return None
    return str(node.this) if node.is_string else _number(str(node.this))


def _named(literals: list[str | float]) -> tuple[tuple[str, ...], tuple[float, ...]]:
    texts = tuple(literal for literal in literals if isinstance(literal, str))
    return texts, tuple(literal for literal in literals if isinstance(literal, float))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _compare(value: Said, sign: str, literal: str | float) -> Truth:
    if value is None or isinstance(value, bool):
        return None
    if isinstance(literal, float):
        number = value if isinstance(value, float) else _number(value)
        return None if number is None else _ordered(number, sign, literal)
    if isinstance(value, float):
        return None if (number := _number(literal)) is None else _ordered(value, sign, number)
    return _ordered(value, sign, literal)


def _ordered(one: float | str, sign: str, two: float | str) -> bool:
    before = one < two  # type: ignore[operator]  # both are numbers, or both are texts
    return {
        "=": one == two, "<>": one != two, "<": before, ">=": not before, "<=": before or one == two,
        ">": not before and one != two,
    }[sign]  # fmt: skip


def _any(truths: Iterable[Truth]) -> Truth:
    found = list(truths)
    return True if True in found else None if None in found else False


def _both(one: Truth, two: Truth) -> Truth:
    return False if one is False or two is False else None if one is None or two is None else True


def _compiled(node: exp.Expr, operands: dict[str, _Operand]) -> Holds:
    """Return a condition as a function of its operands' values, which are noted in ``operands``."""
    if isinstance(node, exp.Paren):
        return _compiled(node.this, operands)
    if isinstance(node, exp.Boolean):
        said = bool(node.this)
        return lambda _row: said
    if isinstance(node, exp.Not):
        inner = _compiled(node.this, operands)
        return lambda row: None if (found := inner(row)) is None else not found
    if isinstance(node, (exp.And, exp.Or)):
        left, right = _compiled(node.left, operands), _compiled(node.right, operands)
        if isinstance(node, exp.And):
            return lambda row: _both(left(row), right(row))
        return lambda row: _any((left(row), right(row)))
    if isinstance(node, exp.Is) and isinstance(truth := _positive(node), exp.Boolean):
        inner, wanted, negated = _compiled(node.this, operands), bool(truth.this), truth is not node.expression
        return lambda row: (inner(row) is wanted) != negated
    test = _test(node)
    if test is None:
        name = operand_name(node)
        operands.setdefault(name, _Operand()).truth = True
        return lambda row: found if isinstance(found := row[name], bool) else None
    name, holds = operand_name(test.operand), test.holds
    operand = operands.setdefault(name, _Operand())
    operand.column, operand.shape = _inside(test.operand)
    operand.texts |= set(test.texts)
    operand.numbers |= set(test.numbers)
    return lambda row: holds(row[name])


def _inside(node: exp.Expr) -> tuple[str, str]:
    """Return the column that an operand is (in small letters), and what is done to it: '' for nothing."""
    shape = ""
    while isinstance(node, exp.Paren):
        node = node.this
    if isinstance(node, exp.Anonymous) and len(node.expressions) == 1:
        shape, node = str(node.this).casefold(), node.expressions[0]
    if not isinstance(node, exp.Column) or shape not in ("", "fold", "lower", "upper", "number"):
        return "", shape
    return ".".join(part.name for part in node.parts).casefold(), shape


def _values(operand: _Operand, known: Known) -> list[Said]:
    """Return every kind of value that an operand may have, so far as the conditions tell them apart."""
    if operand.truth:
        return [True, False, None]
    domain = known(operand.column) if operand.column else Domain()
    nothing: list[Said] = [] if domain.filled and operand.shape in ("", "fold", "lower", "upper") else [None]
    if domain.values and operand.shape in _SHAPES:
        return [*nothing, *{_SHAPES[operand.shape](value) for value in domain.values}]
    around = _around(sorted(operand.numbers | {n for text in operand.texts if (n := _number(text)) is not None}))
    found: list[Said] = [*nothing, *around]
    if operand.shape != "number":
        found = [*nothing, *(f"{n:g}" for n in around)]
        shape = _SHAPES.get(operand.shape, str)
        texts = {text for text in operand.texts if shape(text) == text and fold(text) not in domain.never}
        # \uffff stands behind every other text, the blank before; the middle ones stand between those that are named.
        found += [*texts, *(f"{text}\x01" for text in texts), " ", "\uffff"]
    return list(dict.fromkeys(found))


_SHAPES: Mapping[str, Callable[[str], str]] = {"": str, "fold": fold, "lower": str.lower, "upper": str.upper}


def _around(numbers: list[float]) -> list[float]:
    if not numbers:
        return []
    between = [(one + two) / 2 for one, two in pairwise(numbers)]
    return [numbers[0] - 1, *numbers, *between, numbers[-1] + 1]
