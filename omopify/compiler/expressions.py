"""Scalar expressions: parsed when the map is read, checked word by word, and given a type.

A steward writes ``coalesce(AEENDAT, SAEENDAT)`` or ``AESERCD = 1``; everything that is not a scalar over the
map's own columns (statements, sub-selects, files, random numbers, today's date) is refused here, so that a map
can neither read nor do what it does not say.  Text is never cast by the engine's own rules: a comparison of a
text column with a number reads the number with ``o_num``, which gives NULL where the engine would stop.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlglot import exp

from omopify.compiler.functions import ANY, FUNCTIONS, SAME_TYPE, Function
from omopify.compiler.parsing import Refused, is_text_call, offset_of, parse, shown
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
    literal,
    read_date,
    read_number,
    read_part,
)
from omopify.errors import Location, Problems, did_you_mean


@dataclass(slots=True)
class Names:
    """What an expression may refer to: columns (also ``join.COLUMN``) and the trial's facts.

    ``used`` collects the columns that were asked for; ``open`` accepts unknown columns (when neither the
    export nor a column list says what there is).
    """

    columns: Mapping[str, Typed]
    owner: str
    """How the columns' owner is called in messages: ``source 'ae'``."""
    labels: Mapping[str, str] = field(default_factory=dict)
    fact: Callable[[str], str | None] = lambda _name: None
    facts: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    open: Callable[[str], Typed | None] = lambda _name: None
    used: set[str] = field(default_factory=set)
    folded: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Index the columns by their folded names."""
        self.folded = {name.casefold(): name for name in self.columns}

    def column(self, name: str) -> Typed | None:
        """Return a column by its name in any case, and note that it is used."""
        known = name if name in self.columns else self.folded.get(name.casefold())
        if known is None:
            return self.open(name)
        self.used.add(known)
        return self.columns[known]


_COMPARISONS: Mapping[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}
_ARITHMETIC: Mapping[type[exp.Expr], str] = {exp.Add: "+", exp.Sub: "-", exp.Mul: "*", exp.Div: "/"}


KEY = "key"


@dataclass(frozen=True, slots=True)
class Over:
    """What window functions and aggregates in an expression run over (SQL for PARTITION BY and ORDER BY)."""

    partition: str
    order: str = ""
    kind: str = "aggregate"
    by: frozenset[str] | None = None
    """For aggregates: the columns (as SQL) that are the same in all rows of a group."""

    def clause(self) -> str:
        """Return the OVER clause."""
        order = f" ORDER BY {self.order}" if self.order else ""
        return f" OVER (PARTITION BY {self.partition}{order})"


def compile_expression(
    text: str, names: Names, at: Location, problems: Problems, over: Over | None = None
) -> Typed | None:
    """Check one scalar expression and return it as SQL with its type; note what is wrong and return None.

    ``at`` is where the text starts in the map; ``over`` allows aggregates or window functions.
    """
    try:
        compiler = _Compiler(names, over)
        # Most expressions are a column's name, and exports have columns called 'Weight (kg)', 'Order' or 'Begin'.
        if text.strip().casefold() in names.folded:
            return compiler.allowed(names.column(text.strip()), text.strip(), 0)
        return compiler.compile(parse(text))
    except Refused as refused:
        place = replace(at, column=at.column + refused.offset) if at.line else at
        # The words quoted may hold line breaks of a YAML block; a message is one line.
        problems.add(refused.code, " ".join(refused.message.split()), place, refused.hint)
    except RecursionError:
        problems.add("OM302", "the expression is nested too deeply", at)
    return None


def compile_condition(
    text: str, names: Names, at: Location, problems: Problems, over: Over | None = None
) -> Typed | None:
    """Check one condition; note what is wrong (also that it is none) and return None."""
    found = compile_expression(text, names, at, problems, over)
    if found and found.type != BOOLEAN:
        hint = "such as COLUMN is not null, or COLUMN = 1"
        problems.add("OM306", f"this is {_a(found.type)}, not a condition", at, hint)
        return None
    return found


class _Compiler:
    def __init__(self, names: Names, over: Over | None):
        self.names, self.over = names, over
        self.inside = False
        """Whether the part that is compiled stands inside an aggregate."""

    def compile(self, node: exp.Expr) -> Typed:
        match node:
            case exp.Column():
                return self.column(node)
            case exp.Paren():
                inner = self.compile(node.this)
                return replace(inner, sql=f"({inner.sql})")
            case exp.Literal():
                if node.is_string:
                    return Typed(literal(str(node.this)), TEXT)
                whole = str(node.this).isdigit()
                return Typed(str(node.this), INTEGER if whole else NUMBER)
            case exp.Boolean():
                return Typed("TRUE" if node.this else "FALSE", BOOLEAN)
            case exp.Null():
                return Typed("NULL", NULL)
            case exp.Neg():
                inner = self.number(node.this)
                if isinstance(node.this, exp.Literal):
                    return replace(inner, sql=f"-{inner.sql}")
                return Typed(f"-CAST({inner.sql} AS double)", NUMBER)
            case exp.Not(this=exp.Is(expression=exp.Null())):
                return Typed(f"{self.compile(node.this.this).sql} IS NOT NULL", BOOLEAN)
            case exp.Not():
                return Typed(f"NOT {self.typed(node.this, BOOLEAN).sql}", BOOLEAN)
            case exp.And() | exp.Or():
                word = "AND" if isinstance(node, exp.And) else "OR"
                left, right = self.typed(node.left, BOOLEAN), self.typed(node.right, BOOLEAN)
                return Typed(f"{left.sql} {word} {right.sql}", BOOLEAN)
            case exp.Is():
                return self.is_(node)
            case exp.In():
                return self.in_(node)
            case exp.Between():
                parts = [node.this, node.args["low"], node.args["high"]]
                this, low, high = self.alike(parts)
                self.in_order(parts, [this, low, high], "between")
                return Typed(f"{this.sql} BETWEEN {low.sql} AND {high.sql}", BOOLEAN)
            case exp.Like():
                text = _operand(node.this, self.typed(node.this, TEXT))
                return Typed(f"{text} LIKE {_operand(node.expression, self.typed(node.expression, TEXT))}", BOOLEAN)
            case exp.DPipe():
                left, right = self.text(node.left), self.text(node.right)
                return Typed(f"{left.sql} || {right.sql}", TEXT)
            case exp.Case():
                return self.case(node)
            case exp.If():
                return self.choice([(node.this, node.args["true"])], node.args.get("false"))
            case exp.Anonymous():
                return self.function(node)
        for kind, sign in _COMPARISONS.items():
            if type(node) is kind:
                left, right = self.alike([node.this, node.expression])
                if isinstance(node.expression, exp.Null) or isinstance(node.this, exp.Null):
                    raise Refused("OM303", "nothing is ever equal to null", "write 'is null'", offset_of(node))
                if sign not in ("=", "<>"):
                    self.in_order([node.this, node.expression], [left, right], sign)
                one, two = _operand(node.this, left), _operand(node.expression, right)
                return Typed(f"{one} {sign} {two}", BOOLEAN)
        for kind, sign in _ARITHMETIC.items():
            if type(node) is kind:
                return self.arithmetic(node, sign)
        hint = "no casts: the target's type decides" if isinstance(node, exp.Cast) else _REFUSAL
        raise Refused("OM303", f"'{shown(node)}' may not stand in an expression", hint, offset_of(node))

    def column(self, node: exp.Column) -> Typed:
        name = f"{node.table}.{node.name}" if node.table else node.name
        if node.args.get("db"):
            raise Refused("OM303", f"'{shown(node)}' has too many dots", offset=offset_of(node))
        if node.table.casefold() == "trial":
            fact = self.names.fact(node.name)
            if fact is None and node.name in self.names.facts:
                message = f"the trial does not give its '{node.name}'"
                raise Refused("OM304", message, f"add '{node.name}:' to trial.yaml", offset_of(node))
            if fact is None:
                hint = did_you_mean(node.name, self.names.facts) or "add it under 'facts:' in trial.yaml"
                raise Refused("OM304", f"the trial has no fact '{node.name}'", hint, offset_of(node))
            return Typed(literal(fact), TEXT)
        found = self.names.column(name)
        if found is None and not node.table:
            matches = [c for p in self.names.prefixes if (c := self.names.column(f"{p}.{name}"))]
            if len(matches) > 1:
                message = f"'{name}' is a column of several sources"
                raise Refused("OM305", message, "write 'source.COLUMN'", offset_of(node))
            found = matches[0] if matches else None
        if found is None:
            known = [*self.names.columns]
            hint = did_you_mean(name, known)
            label = self.names.labels.get(hint.removeprefix("did you mean '").removesuffix("'?"), "")
            hint = f'{hint.removesuffix("?")} ("{label}")?' if label and hint else hint
            raise Refused("OM301", f"unknown column '{name}' in {self.names.owner}", hint, offset_of(node))
        return self.allowed(found, name, offset_of(node))

    def allowed(self, found: Typed | None, name: str, offset: int) -> Typed:
        """Refuse a column that may differ within a group; return it otherwise."""
        assert found is not None
        if self.over and self.over.by is not None and not self.inside and found.sql not in self.over.by:
            hint = f"write min({name}) or max({name}), or add it to 'by:'"
            raise Refused("OM308", f"'{name}' may differ within a group", hint, offset)
        return found

    def typed(self, node: exp.Expr, wanted: str) -> Typed:
        """Compile ``node`` and read it as ``wanted``; refuse what cannot be read so."""
        found = self.compile(node)
        if found.type == NULL and wanted in (DATE, DATETIME):
            return Typed("CAST(NULL AS date)", DATE)
        if found.type in (wanted, NULL) or (wanted == NUMBER and found.type == INTEGER):
            return found
        if wanted == DATE and found.type == DATETIME:
            return Typed(f"CAST({found.sql} AS date)", DATE)
        if found.type in (TEXT, NUMBER) and wanted == INTEGER:
            return Typed(f"o_whole({read_number(found)})", INTEGER)
        if found.type == TEXT and wanted == NUMBER:
            return Typed(read_number(found), NUMBER)
        if found.type == TEXT and wanted in (DATE, DATETIME):
            return Typed(read_date(found, found.dates), DATE)
        if wanted == TEXT:
            return as_text(found)
        hint = "write a condition, such as COLUMN = 1" if wanted == BOOLEAN else ""
        raise Refused("OM306", f"'{shown(node)}' is {_a(found.type)}, not {_a(wanted)}", hint, offset_of(node))

    def in_order(self, nodes: list[exp.Expr], found: list[Typed], word: str) -> None:
        """Refuse to put text in order: '10' would come before '9', and 31.01. behind 01.02."""
        if all(f.type in (TEXT, NULL) for f in found) and not any(is_text_call(n) for n in nodes):
            hint = "write number(X) or date(X), or text(X) if you mean the alphabet"
            raise Refused("OM319", f"'{word}' would compare text", hint, offset_of(nodes[0]))

    def number(self, node: exp.Expr) -> Typed:
        return self.typed(node, NUMBER)

    def text(self, node: exp.Expr) -> Typed:
        return self.typed(node, TEXT)

    def alike(self, nodes: list[exp.Expr]) -> list[Typed]:
        """Compile values that are compared; text beside a number or date is read as one."""
        found = [self.compile(node) for node in nodes]
        types = {f.type for f in found} - {NULL}
        if len(types) <= 1:
            return found
        wanted = next((t for t in (DATE, DATETIME, NUMBER, INTEGER, BOOLEAN) if t in types), TEXT)
        if wanted == BOOLEAN:
            message = f"'{shown(nodes[0])}' is compared with true or false"
            raise Refused("OM306", message, "write 1 or 0, as it is exported", offset_of(nodes[0]))
        if wanted in (DATE, DATETIME):
            return [self.date_literal(n) or self.typed(n, DATE) for n in nodes]
        return [self.typed(n, NUMBER if wanted in NUMERIC else wanted) for n in nodes]

    def date_literal(self, node: exp.Expr) -> Typed | None:
        if isinstance(node, exp.Literal) and node.is_string:
            if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", str(node.this)):
                raise Refused("OM306", f"'{node.this}' is no date", "write 'YYYY-MM-DD'", offset_of(node))
            return Typed(f"CAST({literal(str(node.this))} AS date)", DATE)
        return None

    def is_(self, node: exp.Is) -> Typed:
        negated = isinstance(node.expression, exp.Not)
        right = node.expression.this if negated else node.expression
        word = "IS NOT" if negated else "IS"
        if isinstance(right, exp.Null):
            return Typed(f"{self.compile(node.this).sql} {word} NULL", BOOLEAN)
        if isinstance(right, exp.Boolean):
            return Typed(f"{self.typed(node.this, BOOLEAN).sql} {word} {'TRUE' if right.this else 'FALSE'}", BOOLEAN)
        raise Refused("OM303", "'is' is only for null, true and false", offset=offset_of(node.this))

    def in_(self, node: exp.In) -> Typed:
        if node.args.get("query") or node.args.get("unnest") or not node.expressions:
            hint = "such as AEOUT in ('Fatal', 'Death')"
            raise Refused("OM303", "'in' takes a list of values", hint, offset_of(node.this))
        if any(isinstance(value, exp.Null) for value in node.expressions):
            raise Refused("OM303", "nothing is ever equal to null", "write 'is null'", offset_of(node.this))
        this, *values = self.alike([node.this, *node.expressions])
        return Typed(f"{this.sql} IN ({', '.join(v.sql for v in values)})", BOOLEAN)

    def case(self, node: exp.Case) -> Typed:
        if node.this is not None:
            ifs = [(exp.EQ(this=node.this, expression=branch.this), branch.args["true"]) for branch in node.args["ifs"]]
        else:
            ifs = [(branch.this, branch.args["true"]) for branch in node.args["ifs"]]
        return self.choice(ifs, node.args.get("default"))

    def choice(self, ifs: list[tuple[Any, Any]], default: Any) -> Typed:
        conditions = [self.typed(condition, BOOLEAN) for condition, _ in ifs]
        values = self.alike([value for _, value in ifs] + ([default] if default is not None else []))
        branches = "".join(f" WHEN {c.sql} THEN {v.sql}" for c, v in zip(conditions, values, strict=False))
        last = f" ELSE {values[-1].sql}" if default is not None else ""
        return replace(merged(values, ifs[0][1]), sql=f"CASE{branches}{last} END")

    def arithmetic(self, node: exp.Expr, sign: str) -> Typed:
        left = self.compile(node.this)
        if left.type in (DATE, DATETIME):
            hint = "write add_days(date, days) or days_between(from, to)"
            raise Refused("OM306", "dates are not added or subtracted with signs", hint, offset_of(node.this))
        one, two = self.number(node.this), self.number(node.expression)
        if sign == "/":
            return Typed(f"CAST({one.sql} AS double) / nullif({two.sql}, 0)", NUMBER)
        # In double precision no sum of two whole numbers is too large; the target's type rounds nothing away.
        return Typed(f"CAST({one.sql} AS double) {sign} {two.sql}", NUMBER)

    def function(self, node: exp.Anonymous) -> Typed:
        name = str(node.this).casefold()
        if name in SAME_TYPE:
            return self.same_type(name, node)
        function = FUNCTIONS.get(name)
        if function is None:
            hint = did_you_mean(name, [*FUNCTIONS, *SAME_TYPE])
            if name in ("cast", "try_cast", "convert"):
                hint = "no casts: the target's type decides; number(X), date(X) and text(X) read a value"
            raise Refused("OM307", f"unknown function '{node.this}'", hint or _REFUSAL, offset_of(node))
        if function.kind != "scalar" and (self.over is None or self.over.kind != function.kind):
            if self.over and self.over.kind == KEY:
                message = f"'{node.this}' may not stand in a key: it would change with every new row"
                raise Refused("OM308", message, offset=offset_of(node))
            needed = "group" if function.kind == "aggregate" else "window"
            raise Refused("OM308", f"'{node.this}' needs a '{needed}:' in the map", offset=offset_of(node))
        if function.kind != "scalar" and self.inside:
            raise Refused("OM308", f"'{node.this}' may not stand inside another such function", offset=offset_of(node))
        most, least = len(function.arguments), len(function.arguments) - function.optional
        if not least <= len(node.expressions) <= most:
            raise Refused("OM309", f"'{node.this}' takes {_count(least, most)}", offset=offset_of(node))
        if name in ("matches", "capture"):
            self.pattern(node.expressions[1])
            if len(node.expressions) > 2 and not isinstance(node.expressions[2], exp.Literal):
                raise Refused("OM309", "'capture' takes the plain number of a group", offset=offset_of(node))
        if name == "count" and isinstance(node.expressions[0], exp.Star):
            return self.windowed(function, Typed("count(*)", INTEGER))
        self.inside = self.inside or function.kind == "aggregate"
        arguments = [
            self.compile(given) if wanted == ANY else self.typed(given, wanted)
            for given, wanted in zip(node.expressions, function.arguments, strict=False)
        ]
        if function.kind == "aggregate":
            self.inside = False
        if name in ("min", "max"):
            self.in_order(node.expressions, arguments, name)
        match name:
            case "number":
                return replace(self.typed(node.expressions[0], NUMBER), type=NUMBER)
            case "date":
                return self.typed(node.expressions[0], DATE)
            case "text":
                return as_text(arguments[0])
            case "year" | "month":
                if arguments[0].type not in (TEXT, DATE, DATETIME):
                    self.typed(node.expressions[0], DATE)
                return Typed(read_part(arguments[0], name), INTEGER)
            case "capture" if len(arguments) == 2:
                arguments.append(Typed("1", INTEGER))
            case "round" if len(arguments) == 1:
                arguments.append(Typed("0", INTEGER))
            case "round" if not isinstance(node.expressions[1], exp.Literal):
                raise Refused("OM309", "'round' takes a plain whole number of digits", offset=offset_of(node))
            case "substr" if len(arguments) == 2:
                return Typed(f"substr({arguments[0].sql}, {arguments[1].sql})", TEXT)
        result = arguments[0].type if function.result == "same" else function.result
        origin = arguments[0] if arguments else Typed("", TEXT)
        found = replace(origin, sql=function.sql.format(*(a.sql for a in arguments)), type=result)
        return self.windowed(function, found)

    def pattern(self, node: exp.Expr) -> None:
        """Refuse a regular expression that the engines do not all know, before any data meets it."""
        text = str(node.this) if isinstance(node, exp.Literal) and node.is_string else None
        if text is None:
            raise Refused("OM318", "the pattern must be a text in quotes", offset=offset_of(node))
        try:
            re.compile(text)
        except re.error as error:
            raise Refused("OM318", f"this is not a regular expression: {error.msg}", offset=offset_of(node)) from None
        if re.search(r"\(\?[=!<]|\\[1-9]", text):
            hint = "look-around and back references differ between engines"
            raise Refused("OM318", "this pattern is too clever", hint, offset_of(node))

    def windowed(self, function: Function, found: Typed) -> Typed:
        if function.kind == "scalar" or self.over is None:
            return found
        if found.sql.startswith("(max("):  # any(): the OVER belongs to the aggregate inside
            inner = found.sql[1:].removesuffix(" = 1)")
            return replace(found, sql=f"({inner}{self.over.clause()} = 1)")
        return replace(found, sql=found.sql + self.over.clause())

    def same_type(self, name: str, node: exp.Anonymous) -> Typed:
        if not node.expressions:
            raise Refused("OM309", f"'{node.this}' takes at least one value", offset=offset_of(node))
        if name == "if":
            if len(node.expressions) not in (2, 3):
                raise Refused("OM309", "'if' takes a condition and one or two values", offset=offset_of(node))
            return self.choice([(node.expressions[0], node.expressions[1])], (*node.expressions, None)[2])
        if name == "concat":
            parts = [f"coalesce({self.text(e).sql}, '')" for e in node.expressions]
            return Typed(f"nullif({' || '.join(parts)}, '')", TEXT)
        values = self.alike(list(node.expressions))
        kind = merged(values, node)
        if name in ("greatest", "least"):
            self.in_order(node.expressions, values, name)
        if name == "nullif" and len(values) != 2:
            raise Refused("OM309", "'nullif' takes two values", offset=offset_of(node))
        return replace(kind, sql=f"{name}({', '.join(v.sql for v in values)})")


def _operand(node: exp.Expr, found: Typed) -> str:
    return f"({found.sql})" if isinstance(node, (*_COMPARISONS, exp.Is, exp.In, exp.Between, exp.Like)) else found.sql


def merged(values: list[Typed], node: exp.Expr) -> Typed:
    """Return what values that stand for one another have in common; refuse formats that contradict each other."""
    found = alike(values)
    if found is None:
        raise Refused("OM325", DIFFERENT_FORMATS, DIFFERENT_FORMATS_HINT, offset_of(node))
    return found


def orders_text(text: str, found: Typed) -> bool:
    """Say whether ordering by an expression would put text into alphabetical order without being asked to."""
    return found.type == TEXT and not is_text_call(parse(text))


_REFUSAL = "an expression is one value made of columns and the functions of docs/mapping-language.md"


def _a(kind: str) -> str:
    return {TEXT: "text", DATE: "a date", DATETIME: "a date and time", BOOLEAN: "a condition", NULL: "nothing"}.get(
        kind, "a whole number" if kind == INTEGER else "a number"
    )


def _count(least: int, most: int) -> str:
    if most == 0:
        return "no values"
    return f"{most} value{'s' if most > 1 else ''}" if least == most else f"{least} to {most} values"
