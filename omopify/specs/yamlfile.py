"""Read YAML without losing where things were written, and without changing what was written.

PyYAML's own loading forgets positions, lets a repeated key win in silence, and reads ``NO`` as false,
``12:30`` as 750 and ``042`` as 34, all of them real clinical codes.  So its node tree is taken and built
from here: keys stay text, a scalar becomes a number only when it can be written back unchanged, repeated
keys and anchors are refused, and every mapping and sequence remembers the place of its parts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import yaml

from omopify.errors import Location, OmopifyError, Problem, Problems

Step = str | int

DEEPEST = 100
"""How many levels deep a file may be nested; PyYAML's own loading ends the whole program at some thousands."""


class YamlMapping(dict[str, Any]):
    """A mapping that knows where it starts and where each key and value stands."""

    at: Location
    key_at: dict[str, Location]
    value_at: dict[str, Location]
    lines: list[str]
    """The text of the whole file; only at its top."""


class YamlSequence(list[Any]):
    """A sequence that knows where it starts and where each item stands."""

    at: Location
    item_at: list[Location]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own protocol


for _tag, _pattern, _first in (
    ("bool", r"^(?:true|True|TRUE|false|False|FALSE)$", "tTfF"),
    ("null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("int", r"^-?(?:0|[1-9][0-9]{0,17})$", "-0123456789"),
    ("float", r"^-?(?:0|[1-9][0-9]*)\.[0-9]+$", "-0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


_UNFIT = re.compile("[\\x00\\ud800-\\udfff]")
"""What escapes in double quotes can smuggle in, and no file name, terminal or database takes."""

MOST_MISTAKES = 100
"""How many mistakes of one file are told: who sees a hundred has opened the wrong file."""


def read_yaml(path: Path, shown_as: str, problems: Problems) -> YamlMapping | None:
    """Read the mapping at the top of a YAML file; note what is wrong, and then return None."""
    try:
        return parse_yaml(path.read_text(encoding="utf-8-sig"), shown_as)
    except UnicodeDecodeError as error:
        at = Location(shown_as, error.object[: error.start].count(b"\n") + 1, 1)
        problems.add("OM101", "the file is not UTF-8 text", at, "save it as UTF-8")
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        problems.add("OM100", f"the file cannot be read ({reason})", Location(shown_as))
    except OmopifyError as error:
        problems.extend(error.problems)
    return None


def parse_yaml(text: str, path: str) -> YamlMapping:
    """Parse YAML text that holds one mapping; ``path`` is what error messages show.

    Raises:
        OmopifyError: OM101 not YAML, OM102 a key that is no plain word, OM103 a repeated key, OM104 no
            mapping, OM105 an anchor or alias, OM106 nested too deeply.
    """
    seen: set[int] = set()
    problems = Problems()

    def at(mark: Any) -> Location:
        return Location(path, mark.line + 1, mark.column + 1)

    def build(node: yaml.Node) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            if id(node) in seen:
                raise _stop("OM105", "'&' anchors and '*' aliases are not used here", at(node.start_mark))
            seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            return build_mapping(node)
        if isinstance(node, yaml.SequenceNode):
            items = YamlSequence(build(item) for item in node.value)
            items.at, items.item_at = at(node.start_mark), [at(i.start_mark) for i in node.value]
            return items
        if _UNFIT.search(node.value):
            raise _stop("OM101", "not valid YAML: a character that may not stand in it", at(node.start_mark))
        try:
            value = loader.construct_object(node)
        except (yaml.YAMLError, ValueError):
            return node.value
        lossless = not isinstance(value, float) or repr(value) == node.value
        return value if lossless and isinstance(value, (str, int, float, bool, type(None))) else node.value

    def build_mapping(node: yaml.MappingNode) -> YamlMapping:
        mapping = YamlMapping()
        mapping.at, mapping.key_at, mapping.value_at = at(node.start_mark), {}, {}
        for key_node, value_node in node.value:
            here = at(key_node.start_mark)
            if len(problems.found) >= MOST_MISTAKES:
                problems.stop_if_errors()
            if not isinstance(key_node, yaml.ScalarNode):
                problems.add("OM102", "a key must be a plain word", here)
                continue
            key = str(key_node.value)
            if _UNFIT.search(key):
                raise _stop("OM101", "not valid YAML: a character that may not stand in it", here)
            if key in mapping:
                first = mapping.key_at[key].line
                problems.add("OM103", f"'{key}' is written twice", here, f"first on line {first}")
                continue
            mapping.key_at[key], mapping.value_at[key] = here, at(value_node.start_mark)
            mapping[key] = build(value_node)
        return mapping

    try:
        _check_depth(text, at)
        loader = _Loader(text)
        root = loader.get_single_node()
        if not isinstance(root, yaml.MappingNode):
            raise _stop("OM104", "expected lines of the form 'key: value'", Location(path, 1, 1))
        tree = build_mapping(root)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = at(mark) if mark else Location(path)
        words = str(error.problem or error.context)
        hint = ""
        if "could not find expected ':'" in words or "mapping values are not allowed" in words:
            hint = "is a blank missing after a colon, or a quote around a text with a colon, here or in the line above?"
        elif "hexdecimal" in words or "unknown escape" in words:
            hint = "inside double quotes a backslash is special: write the path without quotes, or with /"
        elif "cannot start any token" in words:
            hint = "YAML wants blanks instead of tabs, and quotes around a text that starts with a sign"
        raise OmopifyError(Problem("OM101", f"not valid YAML: {words}", place, hint)) from None
    except yaml.YAMLError:
        raise _stop("OM101", "not valid YAML: a character that may not stand in it", Location(path)) from None
    problems.stop_if_errors()
    tree.lines = text.splitlines()
    return tree


def _check_depth(text: str, at: Callable[[Any], Location]) -> None:
    depth, parser = 0, _Loader(text)
    while parser.check_event():
        event = parser.get_event()
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > DEEPEST:
            raise _stop("OM106", "nested too deeply", at(event.start_mark))


def locate(tree: Any, steps: Sequence[Step], *, key: bool = False) -> Location:
    """Follow ``steps`` down a YAML tree and return the place reached.

    Steps that are not in the file (a missing field, a shorthand written as one word) are skipped, so the
    answer is always the nearest place that exists.  With ``key`` it is the place of the last key itself.
    """
    here: Location = tree.at
    node = tree
    for number, step in enumerate(steps):
        wants_key = key and number == len(steps) - 1
        if isinstance(node, YamlMapping) and str(step) in node:
            here = (node.key_at if wants_key else node.value_at)[str(step)]
            node = node[str(step)]
        elif isinstance(node, YamlSequence) and isinstance(step, int) and step < len(node):
            here, node = node.item_at[step], node[step]
    return here


def _stop(code: str, message: str, at: Location) -> OmopifyError:
    return OmopifyError(Problem(code, message, at))
