"""Spoils the files of a mapping in every way that hands, editors, merges and machines spoil them; seeded.

Half of the mutants change the text, half of them the tree: those are still YAML and reach the rooms behind the parser.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import yaml

Tree = Any

WORDS = [
    "",
    "~",
    "null",
    "true",
    "no",
    "on",
    "0",
    "-1",
    "007",
    "1e999",
    ".inf",
    ".nan",
    "12:30",
    "2026-13-45",
    "9" * 400,
    "0x1F",
    "0o17",
    "=",
    "<<",
    "*",
    "&",
    "!",
    "%",
    "@",
    "`",
    "{}",
    "[]",
    "{{",
    "}}",
    "{{ trial.ctcae }}",
    "{n}",
    "{item:1..3}",
    "{item:3..1}",
    "{item:1..99999999}",
    "{:}",
    "{item:}",
    "$x",
    "'",
    '"',
    "''",
    "\\",
    "/",
    "../../etc/passwd",
    "/dev/zero",
    "CON",
    "a\x00b",
    "\ufeffx",
    "\u202eabc",
    "e\u0301",
    "\u017f",
    "\u0130",
    "\u00df",
    "\U0001f600",
    "\u2028",
    "\x85",
    "\ud7ff",
    " ",
    "\t",
    "x" * 3000,
    "dsp.",
    "dsp.subject",
    "dsp.dsp",
    "person",
    "by_domain",
    "cdm_source",
    "concept",
    "_row",
    "_file",
    "_source",
    "trial",
    "trial.",
    "trial.ctcae",
    "trial.nothing",
    "SubjectId",
    "subjectid",
    "dm.SEX",
    "%Y-%m-%d",
    "%d",
    "%Y%Y",
    "iso",
    "1.5",
    "99999999999999999999",
    "2147483648",
    "32809 Case Report Form",
    "0 No",
    "-5 X",
]
"""Values that have surprised somebody's parser."""

EXPRESSIONS = [
    "(",
    ")",
    "()",
    "(" * 80 + "1" + ")" * 80,
    "not " * 60 + "true",
    "1 +",
    "+ 1",
    "A.B.C.D",
    "a..b",
    ".a",
    "a.",
    "-- x",
    "/* x",
    "1; 2",
    "select 1",
    "(select 1)",
    "case",
    "case when end",
    "case when 1 = 1 then 2",
    "case a when 1 then 2 end",
    "x is y",
    "x is not y",
    "x in ()",
    "x in (select 1)",
    "x in (null)",
    "x between 1",
    "x between 2 and 1",
    "null = null",
    "null is null",
    "not null",
    "min(x)",
    "count(*)",
    "count()",
    "lead(x)",
    "row_number()",
    "if()",
    "if(1)",
    "if(1 = 1, 2, 3, 4)",
    "concat()",
    "coalesce()",
    "round(1, x)",
    "round(1, 99999999)",
    "left('a', -1)",
    "substr('a', 0, -5)",
    "part('a', '', 0)",
    "matches('a', '(')",
    "matches(x, y)",
    "capture('a', 'b', 99)",
    "capture('a', '(a+)+$')",
    "number('x')",
    "date('2020-02-30')",
    "date(date(x))",
    "year(1)",
    "make_date(1, 2)",
    "add_days(date(x), 1e30)",
    "1/0",
    "1e400 * 1e400",
    "9223372036854775808 + 1",
    "'a' || 1",
    "'a' + 1",
    "x::int",
    "cast(x as int)",
    "x at time zone 'a'",
    "interval '1' day",
    "x[1]",
    "x.y[1]",
    "{a: 1}",
    "[1, 2]",
    "lambda x: x",
    "x -> 1",
    "* ",
    "distinct x",
    "x over ()",
    "x filter (where 1)",
    "exists (select 1)",
    "any(x)",
    "all(x)",
    '"',
    '"a""b"',
    "'a''b'",
    "'a",
    "$$a$$",
    "$1",
    "?",
    ":x",
    "@x",
    "#x",
    "`x`",
    "x like 'a' escape 'b'",
    "x ilike 'a'",
    "x similar to 'a'",
    "x ~ 'a'",
    "x <=> 1",
    "x == 1",
    "x != 1",
    "x && y",
    "x <> all (1)",
    "!x",
    "~x",
    "x ^ y",
    "x % 2",
    "x mod 2",
    "true and",
    "and",
    "is null",
    "x is null is null",
    "e'\\x00'",
    "b'1'",
    "x'1'",
    "n'1'",
    "date '2020-01-01'",
    "timestamp 'x'",
    "now()",
    "random()",
    "read_csv('/etc/passwd')",
    "trial.x = 1",
    "text(text(text(x)))",
    "abs(-x) = -abs(x)",
    "x = 'NK'",
    "x in (1, 'a', null)",
    "unnest(x)",
    "x collate y",
    "cube(x)",
    "values (1)",
    "with a as (select 1) select 2",
    "pragma x",
    "set x = 1",
    "drop table x",
    "if",
    "if x",
    "end",
    "case end",
    "when",
    "interval",
]
"""Expressions that are none, or ask for what expressions may not do."""


def spoiled(text: str, chance: random.Random) -> bytes:
    """Return a spoiled version of a YAML file."""
    if chance.random() < 0.35:
        return _spoil_text(text, chance)
    tree = yaml.load(text, yaml.BaseLoader)
    for _ in range(chance.choice((1, 1, 1, 2, 3, 6))):
        tree = _spoil_tree(tree, chance)
    return yaml.dump(tree, allow_unicode=True, sort_keys=False, width=200).encode("utf-8", "surrogatepass")


def _spoil_text(text: str, chance: random.Random) -> bytes:
    way: Callable[[str, random.Random], str | bytes] = chance.choice(TEXT_WAYS)
    made = way(text, chance)
    return made if isinstance(made, bytes) else made.encode("utf-8", "surrogatepass")


def _lines(way: Callable[[list[str], int, random.Random], None]) -> Callable[[str, random.Random], str]:
    def spoil(text: str, chance: random.Random) -> str:
        lines = text.splitlines(keepends=True) or [""]
        way(lines, chance.randrange(len(lines)), chance)
        return "".join(lines)

    return spoil


@_lines
def _repeat(lines: list[str], at: int, chance: random.Random) -> None:
    lines.insert(chance.randrange(len(lines)), lines[at])


@_lines
def _lose(lines: list[str], at: int, chance: random.Random) -> None:
    del chance, lines[at]


@_lines
def _indent(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at] = chance.choice((" ", "\t", "    ", "- ", "? ", ": ")) + lines[at]


@_lines
def _swap(lines: list[str], at: int, chance: random.Random) -> None:
    other = chance.randrange(len(lines))
    lines[at], lines[other] = lines[other], lines[at]


@_lines
def _mark(lines: list[str], at: int, chance: random.Random) -> None:
    mark = chance.choice(("<<<<<<< HEAD\n", "=======\n", ">>>>>>> b\n", "---\n", "...\n", "%YAML 9.9\n", "%TAG ! x\n"))
    lines.insert(at, mark)


@_lines
def _anchor(lines: list[str], at: int, chance: random.Random) -> None:
    lines[at] = lines[at].replace(
        ": ", chance.choice((": &a ", ": *a ", ": !!python/object:os.system ", ": !!set ", ": !x ")), 1
    )


def _characters(text: str, chance: random.Random) -> str:
    characters = list(text)
    for _ in range(chance.choice((1, 1, 3, 10))):
        place = chance.randrange(len(characters) + 1)
        given = chance.choice("\x00\t\r\n\x07:{}[]\"'#&*!|>%@`\\,-?~\ufeff\u2028\x85\udc80\U0010ffff")
        characters[place : place + chance.choice((0, 1, 1, 5))] = given
    return "".join(characters)


def _cut(text: str, chance: random.Random) -> str:
    return text[: chance.randrange(len(text) + 1)]


def _encoded(text: str, chance: random.Random) -> bytes:
    encoding = chance.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-8-sig", "cp500"))
    return text.encode(encoding, "replace")


def _latin(text: str, chance: random.Random) -> bytes:
    raw = bytearray(text.encode("utf-8"))
    raw[chance.randrange(len(raw))] = chance.randrange(128, 256)
    return bytes(raw)


def _deep(text: str, chance: random.Random) -> str:
    depth = chance.choice((50, 500, 5000, 50_000))
    opening, closing = chance.choice((("[", "]"), ("{a: ", "}"), ("? ", ""), ("- ", ""), ("{", "}")))
    return f"{text}\nnote: {opening * depth}{closing * depth}\n"


def _laughs(text: str, chance: random.Random) -> str:
    levels = chance.choice((3, 12))
    made = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
    for n in range(1, levels):
        made += f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n"
    return chance.choice((made + text, text + "\n" + made, "x: &x [*x]\n" + text, "<<: &x {<<: *x}\n" + text))


def _long(text: str, chance: random.Random) -> str:
    size = 1_000_000
    return chance.choice(
        (
            f"{text}\nnote: {'x' * size}\n",
            f"{text}\n{'x' * size}: y\n",
            f"{text}\n#{'x' * size}\n",
            f"{text}\n{' ' * size}x: y\n",
            f"{text}\nwhere: {{x: '{'(' * 2000}1{')' * 2000}'}}\n",
            f"{text}\nkey: [{'x, ' * 20_000}x]\n",
            f"{text}\nset: {{x: '{' + '.join(['1'] * 3000)}'}}\n",
            "\n" * 100_000 + text,
            text + "\n" + "".join(f"k{n}: v\n" for n in range(20_000)),
        )
    )


def _other(text: str, chance: random.Random) -> str:
    return chance.choice(
        (
            "",
            "\n",
            "# nothing\n",
            "x",
            "[]",
            "- a\n- b\n",
            "a",
            "42",
            "null",
            "---\n---\n",
            text + "---\n" + text,
            "{" + text,
            "? [a, b]\n: c\n",
            "? {a: b}\n: c\n",
            "!!binary x",
            "--- |\n x",
            "'",
            '"',
            "{}",
            "{? : }",
            ": x",
            "? x",
        )
    )


TEXT_WAYS = (
    _repeat,
    _lose,
    _indent,
    _swap,
    _mark,
    _anchor,
    _characters,
    _characters,
    _cut,
    _encoded,
    _latin,
    _deep,
    _laughs,
    _long,
    _other,
)


def _places(tree: Tree) -> Iterator[tuple[Tree, Any]]:
    """Yield every (parent, key) of a tree."""
    todo = [tree]
    while todo:
        node = todo.pop()
        parts = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
        for key, part in list(parts):
            yield node, key
            todo.append(part)


def _spoil_tree(tree: Tree, chance: random.Random) -> Tree:
    # Given and expected rows are most of a map's text, and least of what may go wrong.
    few = isinstance(tree, dict) and chance.random() < 0.9
    part = {key: value for key, value in tree.items() if key not in ("tests", "note")} if few else tree
    places = [(tree if parent is part else parent, key) for parent, key in _places(part)]
    if not places:
        return {"map": "x"}
    parent, key = chance.choice(places)
    there = parent[key]
    match chance.randrange(10):
        case 0:
            del parent[key]
        case 1:
            parent[key] = chance.choice(WORDS)
        case 2 | 3:
            parent[key] = chance.choice(EXPRESSIONS)
        case 4 if isinstance(parent, dict):
            del parent[key]
            parent[chance.choice((*WORDS, *EXPRESSIONS, *_keys(tree)))] = there
        case 5:
            parent[key] = chance.choice(
                ([], {}, [there], {"value": there}, [[there]], {"x": there}, [there, there], None)
            )
        case 6:
            other, name = chance.choice(places)
            if name in other if isinstance(other, dict) else name < len(other):
                parent[key], other[name] = _copy(other[name]), _copy(there)
        case 7 if isinstance(there, str):
            parent[key] = _edited(there, chance)
        case 8 if isinstance(parent, dict):
            parent[chance.choice(_keys(tree))] = _copy(there)
        case _:
            other, name = chance.choice(places)
            if name in other if isinstance(other, dict) else name < len(other):
                parent[key] = _copy(other[name])
    return tree


def _copy(tree: Tree) -> Tree:
    """Return a copy, so that no part of the tree stands in it twice (YAML would write an alias)."""
    if isinstance(tree, dict):
        return {key: _copy(part) for key, part in tree.items()}
    return [_copy(part) for part in tree] if isinstance(tree, list) else tree


def _keys(tree: Tree) -> list[str]:
    return [str(key) for parent, key in _places(tree) if isinstance(parent, dict)] or ["x"]


def _edited(text: str, chance: random.Random) -> str:
    """Change an expression (or any text) a little: cut it, double it, put another inside."""
    place = chance.randrange(len(text) + 1)
    other = chance.choice((*EXPRESSIONS, *WORDS))
    return chance.choice(
        (
            text[:place],
            text[place:],
            text[:place] + other + text[place:],
            f"({text})",
            f"{text} {other}",
            f"{other} {text}",
            f"not ({text})",
            f"coalesce({text}, {other})",
            f"{text} and {other}",
            f"if({text}, {other})",
            text.upper(),
            text * 30,
        )
    )
