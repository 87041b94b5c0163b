"""Value maps with lines that do nothing, words without an effect, and choices that are never reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from omopify.compiler.codelists import column_of
from omopify.compiler.fields import fold
from omopify.compiler.lint.conditions import Domain, Known, arrives
from omopify.compiler.lint.filters import why
from omopify.compiler.lint.look import Look, parts
from omopify.errors import Location, Problems
from omopify.specs.maps import MapFile
from omopify.specs.project import LoadedMap, read_table, shown
from omopify.specs.values import ConceptSpec, FieldSpec
from omopify.specs.yamlfile import Step


def values(look: Look) -> None:
    """Note repeated lines (OM924), values that never arrive (OM925) or are forgotten (OM934), and dead ways (OM933)."""
    for loaded, _ in look.maps():
        spec, known = loaded.spec, look.known(loaded.spec)
        for part, steps in parts(spec):
            _never_reached(look, spec, part, steps)
            if part.map:
                _mapped(look, loaded, part, steps, known)
        ways: dict[tuple[Step, ...], list[tuple[ConceptSpec, tuple[Step, ...]]]] = {}
        for part, steps in parts(spec):
            if isinstance(part, ConceptSpec) and isinstance(steps[-1], int):
                ways.setdefault(steps[:-1], []).append((part, steps))
        for several in ways.values():
            first = next((n for n, (way, _) in enumerate(several) if way.concept and way.concept.id), len(several))
            for _, steps in several[first + 1 :]:
                hint = "the way above always gives a concept; put it last"
                look.warn("OM933", "this way to a concept is never tried", spec.at(*steps), hint)


def _never_reached(look: Look, spec: MapFile, part: FieldSpec | ConceptSpec, steps: tuple[Step, ...]) -> None:
    for number, text in enumerate(part.value[:-1]):
        if (
            text.strip()[:1] == "'"
            and text.strip()[-1:] == "'"
            and text.strip()[1:-1].replace("''", "").count("'") == 0
        ):
            at = spec.at(*steps, "value", number + 1)
            look.warn("OM933", "this expression is never reached", at, f"{text} above is always filled; put it last")
            return


def _mapped(
    look: Look, loaded: LoadedMap, part: FieldSpec | ConceptSpec, steps: tuple[Step, ...], known: Known
) -> None:
    domains = [_domain(text, known) for text in part.value]
    keys = list(_keys(loaded, part, steps))
    seen: dict[str, Location] = {}
    for key, at in keys:
        first = seen.setdefault(fold(key), at)
        if first is not at:
            look.warn("OM924", f"'{key}' stands here for the second time", at, f"delete it; first on line {first.line}")
        elif all(domain is not None and not _may_arrive(key, domain) for domain in domains):
            domain = next(d for d in domains if d is not None)
            hint = why(key, domain) if key.strip() else "an empty cell stays empty; leave the line out"
            look.warn("OM925", f"'{key}' never arrives here", at, hint)
    otherwise = isinstance(part, FieldSpec) and part.otherwise is not None
    (only,) = domains if len(domains) == 1 else (None,)
    if only and only.values and not otherwise and not _is_one_of_several(steps):
        forgotten = [value for value in only.values if fold(value) not in seen]
        if forgotten:
            names = ", ".join(f"'{value}'" for value in forgotten[:8]) + (" ..." if len(forgotten) > 8 else "")
            hint = "add what it becomes, or ~ if it means nothing" if isinstance(part, FieldSpec) else "add its concept"
            look.warn("OM934", f"{names} may arrive here, but has no line", loaded.spec.at(*steps, "map"), hint)


def _is_one_of_several(steps: tuple[Step, ...]) -> bool:
    return isinstance(steps[-1], int)


def _domain(text: str, known: Known) -> Domain | None:
    """Return what is known of an expression that is a column, perhaps written in another way; None for any other."""
    name = column_of(text)
    if name is None:
        return None
    domain = known(name)
    return domain if domain.values or domain.never else None


def _may_arrive(key: str, domain: Domain) -> bool:
    """Say whether a key of a value map can meet a value; case and blanks do not matter."""
    folded = Domain(tuple(fold(value) for value in domain.values), domain.never)
    return bool(key.strip()) and arrives(fold(key), folded)


def _keys(loaded: LoadedMap, part: FieldSpec | ConceptSpec, steps: tuple[Step, ...]) -> Iterator[tuple[str, Location]]:
    if isinstance(part, FieldSpec) and part.map and part.map.file:
        path = loaded.folder / part.map.file
        for line, row in read_table(path, ("from", "to"), loaded.spec.at(*steps), Problems()):
            yield row["from"], Location(shown(path), line, 1)
        return
    inline: Mapping[str, object] = {}
    if isinstance(part, ConceptSpec):
        inline = part.map
    elif part.map:
        inline = part.map.values
    for key in inline:
        yield key, _place(loaded.spec, steps, key)


def _place(spec: MapFile, steps: tuple[Step, ...], key: str) -> Location:
    inside = spec.at(*steps, "map", "values")
    return spec.at(*steps, "map", *(("values",) if inside != spec.at(*steps, "map") else ()), key, key=True)


_DATES, _NUMBERS = ("date", "datetime"), ("integer", "number")
_WORDS = {
    "start": "date", "end": "date", "date": "date", "number": "number", "low": "number", "high": "number",
    "quantity": "number", "text": "text", "source": "text", "value_source": "text", "qualifier_source": "text",
}  # fmt: skip
"""What the words of event tables hold."""


def words(look: Look) -> None:
    """Note words that are written in a map and change nothing (OM931)."""
    for loaded, _ in look.maps():
        spec = loaded.spec
        for word, why_not in _idle(spec):
            look.warn("OM931", f"'{word}' changes nothing here", spec.at(word, key=True), why_not)
        for part, steps in parts(spec):
            if isinstance(part, FieldSpec):
                kind = _kind(look, spec, steps)
                for word, why_not in _idle_in_field(part, kind, spec.to.startswith("dsp.")):
                    look.warn("OM931", f"'{word}' changes nothing here", spec.at(*steps, word, key=True), why_not)


def _idle(spec: MapFile) -> Iterator[tuple[str, str]]:
    said = spec.model_fields_set
    if "otherwise" in said and spec.to != "by_domain":
        yield "otherwise", "it goes with 'to: by_domain'"
    if "on_unmapped" in said and not spec.concept:
        yield "on_unmapped", "the map has no 'concept:'"
    for word in ("reads", "gives"):
        if word in said and not spec.sql:
            yield word, "it goes with 'sql:'"
    if "too_long" in said and spec.to.startswith("dsp."):
        yield "too_long", "only columns of OMOP have a length"


def _kind(look: Look, spec: MapFile, steps: tuple[Step, ...]) -> str:
    """Return the type of the field that is filled; empty if it is not known."""
    if spec.to.startswith("dsp."):
        wanted = look.shared_field(spec.to, str(steps[-1])) if steps[0] == "set" else None
        return wanted.type if wanted else ""
    return _WORDS.get(str(steps[-1]), "") if steps[0] in (*_WORDS, "attributes") else ""


def _idle_in_field(part: FieldSpec, kind: str, shared: bool) -> Iterator[tuple[str, str]]:
    said = part.model_fields_set
    if part.otherwise is not None and not part.map:
        yield "otherwise", "it goes with 'map:'"
    for word in ("partial", "dates", "not_before"):
        if word in said and kind and kind not in _DATES:
            yield word, f"the field is no date, but {_a(kind)}"
    if part.decimal and kind and kind not in _NUMBERS:
        yield "decimal", f"the field is no number, but {_a(kind)}"
    if "too_long" in said and (shared or kind in (*_DATES, *_NUMBERS)):
        yield "too_long", "only texts in columns of OMOP have a length"


def _a(kind: str) -> str:
    return {"integer": "a whole number", "boolean": "yes or no", "text": "a text"}.get(kind, f"a {kind}")
