"""The copy that may leave: counts that could tell who somebody is are hidden.

As in OHDSI's tools, counts from 1 to one below the limit are small (``minCellCount``, 5 unless the project says
otherwise): each becomes ``<5``.  That alone would not hide them where other numbers give them away, so percentages of
hidden counts go, and other numbers become ``≥5`` where a sum or a difference would tell (complementary suppression;
:mod:`omopify.quality.outputs.suppression`).  The rest counts as well: 98 of 100 says that 2 are left.

Zero stays: that nobody is there tells of nobody.  Counts of checks, of statements and of seconds are no counts of
persons.  Terms of the export are never in this copy, nor what is proposed for those of few rows.
"""

from __future__ import annotations

import copy
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from omopify.quality.findings import place_of
from omopify.quality.outputs.suppression import Cell, Equation, Suppression

MASKED_TEXT = r"^(<|≥)[0-9]+$"
"""How a hidden count is written."""

_COUNTED = {
    "Measurement": ("violated", "denominator"),
    "Part": ("violated", "denominator"),
    "Link": ("rows",),
    "MapRows": ("read", "used", "filtered", "duplicate", "rejected", "written"),
    "Unmapped": ("rows",),
    "Loss": ("rows", "of"),
    "Coverage": ("filled", "rows"),
    "Counted": ("before", "now"),
    "Comparison": ("persons_appeared", "persons_vanished"),
}
_PERSONS = ("cdm", "person", "rows")
_LEFT_OUT = ("filtered", "duplicate", "rejected")
_COUNTING = {
    "trial.rows_rejected": "rejected",
    "trial.rows_exported_twice": "duplicate",
    "trial.values_left_out": "value left out",
    "trial.dates_filled_in": "date filled in",
    "trial.terms_without_concept": "terms",
}
"""Checks whose parts say of a map or a field what the findings say as well."""
_PROPOSED = ("term", "concept_id", "concept_name", "vocabulary", "score")


def counted_fields(name: str) -> tuple[str, ...]:
    """Return the fields of a class of the model that count persons or rows."""
    return _COUNTED.get(name, ())


def masked(document: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """Return a copy of ``quality.json`` that may leave.

    Args:
        document: the file's content (``quality_json.to_document``).
        limit: counts from 1 to one below this are hidden.
    """
    findings, comparison = (copy.deepcopy(document.get(word, {})) for word in ("findings", "comparison"))
    results = [result | {"measurement": copy.deepcopy(result["measurement"])} for result in document["results"]]
    numbers = _Numbers(limit)
    numbers.maps(findings.get("maps", ()))
    numbers.results(results)
    numbers.flow(findings.get("flow", ()), {one["map"]: tuple(one["sources"]) for one in findings.get("maps", ())})
    numbers.losses(findings.get("losses", ()))
    numbers.unmapped(findings.get("unmapped", ()))
    numbers.coverage(findings.get("coverage", ()))
    for picture in findings.get("pictures", ()):
        numbers.picture(picture)
    numbers.comparison(comparison)
    numbers.write()
    for result in results:
        if any(isinstance(result["measurement"].get(name), str) for name in _COUNTED["Measurement"]):
            result["pct"] = None
    for term in findings.get("unmapped", ()):
        for word in _PROPOSED if isinstance(term["rows"], str) else _PROPOSED[:1]:
            term.pop(word, None)
    changed = {"results": results, "findings": findings, "comparison": comparison}
    return {"masked": limit} | {word: changed.get(word, said) for word, said in document.items()}


class _Numbers:
    """Takes the counts out of a document, and puts back what may be seen of them."""

    def __init__(self, limit: int):
        self._found = Suppression(limit)
        self._shared: dict[tuple[object, ...], Cell] = {}
        self._maps: dict[str, dict[str, Cell]] = {}

    def write(self) -> None:
        """Hide what must be hidden."""
        for cell in self._found.hide():
            for holder, key in cell.places:
                holder[key] = self._found.text(cell)

    def _cell(self, holder: Any, key: Any, *names: object) -> Cell | None:
        """Return the number at a place.

        Numbers that are equal and go by the same name (``rows of`` a form, a map, a table) are one, wherever they are
        written: what is hidden at one place must not be seen at another.
        """
        value = holder[key] if isinstance(holder, list) else holder.get(key)
        if not isinstance(value, int) or isinstance(value, bool):
            return None
        known = [one for name in names if (one := self._shared.get((name, value))) is not None]
        cell = known[0] if known else self._found.cell(value)
        for other in dict.fromkeys(known[1:]):
            if other is not cell:
                self._found.total(cell, [other])
        for name in names:
            self._shared.setdefault((name, value), cell)
        cell.places.append((holder, key))
        return cell

    def _sum(self, cells: Sequence[Cell], *names: object, known: bool = True) -> None:
        """Say what numbers come to: the number that goes by one of the names, if there is one.

        Otherwise it may be *known* to somebody all the same, if it is not small itself.
        """
        value = sum(cell.value for cell in cells)
        named = [cell for name in names if (cell := self._shared.get((name, value))) is not None]
        if known and not named and value >= self._found.limit:
            named = [self._found.known(value)]
        for total in dict.fromkeys(named):
            self._found.total(total, cells)

    def _judged(self, result: Mapping[str, Any], pairs: Sequence[tuple[str, Cell | None, Cell | None]]) -> None:
        """The status and the threshold: a reader of ``fail`` may know which parts are above it, but not which are not.

        (By the rule of :func:`omopify.quality.judging.decide`.)
        """
        check, status = result["check"], result["status"]
        limits = check.get("parameters", {}).get("parts", {})
        for name, violated, denominator in pairs:
            if status not in ("pass", "fail") or violated is None or denominator is None:
                continue
            limit = Fraction(str(limits.get(name, check.get("max_pct")) or 0))
            is_above = 100 * violated.value > limit * denominator.value
            if is_above == (status == "fail"):
                self._found.judged(violated, denominator, limit, is_above)

    def _part_of(self, part: Cell | None, whole: Cell | None) -> None:
        if part is not None and whole is not None and part.value <= whole.value:
            self._found.difference(whole, part)

    def results(self, results: Iterable[Mapping[str, Any]]) -> None:
        """Checks: what fails of how many, by part; and the rows of a table, which many checks are about."""
        wholes: defaultdict[tuple[object, ...], set[Cell]] = defaultdict(set)
        for result in results:
            check, measured = result["check"], result["measurement"]
            table = (check["schema"], check["table"], check.get("unit", "rows"))
            violated, denominator = self._cell(measured, "violated"), self._cell(measured, "denominator", table)
            self._part_of(violated, denominator)
            if denominator is not None:
                wholes[table].add(denominator)
            counting = (_COUNTING[check["id"]],) if check["id"] in _COUNTING else (*_LEFT_OUT, "rows")
            parts = []
            for part in measured.get("parts", ()):
                # a part is named by a map, a form or a field: its counts may stand among those of the map or form
                name = part["name"]
                failing = self._cell(part, "violated", *((what, name) for what in counting))
                judged = self._cell(part, "denominator", ("rows", name))
                self._part_of(failing, judged)
                if judged is not None and name in self._maps:  # what a map reads and does not filter
                    self._found.total(self._maps[name]["read"], [judged, self._maps[name]["filtered"]])
                parts.append((name, failing, judged))
            self._judged(result, parts or [("", violated, denominator)])
            for whole, of_parts in ((violated, [p[1] for p in parts]), (denominator, [p[2] for p in parts])):
                if whole is not None and parts:
                    self._found.total(whole, [cell for cell in of_parts if cell is not None])
        for cells in wholes.values():
            largest = max(cells, key=lambda cell: cell.value)
            for cell in cells - {largest}:
                self._found.difference(largest, cell)

    def maps(self, maps: Iterable[dict[str, Any]]) -> None:
        """Rows of maps, which add up."""
        for one in maps:
            form = one["sources"][0] if len(one["sources"]) == 1 and not one["sources"][0].startswith("dsp.") else ""
            cells: dict[str, Cell | None] = {}
            for word in _COUNTED["MapRows"]:
                names = [(word if word in _LEFT_OUT else "rows", one["map"])]
                names += [("rows", form)] if form and word == "read" else []
                cells[word] = self._cell(one, word, *names)
            whole = {name: cell for name, cell in cells.items() if cell is not None}
            if len(whole) == len(cells):
                self._maps[one["map"]] = whole
                self._accounted(whole, bool(form))

    def losses(self, losses: Iterable[dict[str, Any]]) -> None:
        """Rows and values that a map lost, by reason; a check says how many they are of a map."""
        by_map: defaultdict[tuple[str, str], list[Cell]] = defaultdict(list)
        for loss in losses:
            rows, of = self._cell(loss, "rows"), self._cell(loss, "of", ("rows", loss["map"]))
            self._part_of(rows, of)
            if rows is not None:
                by_map[loss["kind"], loss["map"]].append(rows)
        for (kind, name), cells in by_map.items():
            self._sum(cells, ("rejected" if kind == "rejected row" else kind, name), known=False)

    def _accounted(self, cells: Mapping[str, Cell], of_form: bool) -> None:
        """Say that what a map reads is used, filtered, a duplicate or rejected.

        What it uses of a form is the size of a harmonised table, which many checks name: rather the rows of the form
        are hidden.
        """
        lost = sorted((cells[name] for name in _LEFT_OUT), key=lambda cell: cell.value)
        used, read = cells["used"], cells["read"]
        if used.value + sum(cell.value for cell in lost) == read.value:
            last = (read, used) if of_form else (used, read)
            self._found.knowledge.append(Equation((read,), (used, *lost), (*lost, *last)))

    def flow(self, flow: Iterable[dict[str, Any]], sources: Mapping[str, tuple[str, ...]]) -> None:
        """Links: those into a table make up its rows; what maps leave out and write makes up those from a place."""
        into: defaultdict[tuple[object, ...], list[Cell]] = defaultdict(list)
        written: defaultdict[tuple[str, str], list[Cell]] = defaultdict(list)
        left_out: dict[tuple[str, str, str], Cell] = {}
        for link in flow:
            cell = self._cell(link, "rows")
            if cell is None:
                continue
            place = (link["from_stage"], link["from_name"])
            if link["to_stage"] == "left out":
                left_out[*place, link["to_name"]] = cell
            else:
                schema = "dsp" if link["to_stage"] == "harmonised" else "cdm"
                into[schema, link["to_name"], "rows"].append(cell)
                written[place].append(cell)
        for table, cells in into.items():
            self._sum(cells, table)
        reading: defaultdict[tuple[str, str], list[Mapping[str, Cell]]] = defaultdict(list)
        for name, read in sources.items():
            if read and name in self._maps:
                reading[place_of(read)].append(self._maps[name])
        for place, some in reading.items():
            self._same(written[place], [one["written"] for one in some])
            for what in _LEFT_OUT:
                for one in some if (*place, what) in left_out else ():
                    self._same([left_out[*place, what]], [one[what]])

    def _same(self, left: list[Cell], right: list[Cell]) -> None:
        """Say that two lists of numbers add up to the same, if they do."""
        if left and right and sum(cell.value for cell in left) == sum(cell.value for cell in right):
            offered = sorted((*left, *right), key=lambda cell: cell.value)
            self._found.knowledge.append(Equation(tuple(left), tuple(right), tuple(offered)))

    def unmapped(self, unmapped: Iterable[dict[str, Any]]) -> None:
        """Terms of a field: checks say how many rows there are without a concept."""
        fields: defaultdict[tuple[str, str], list[Cell]] = defaultdict(list)
        for term in unmapped:
            cell = self._cell(term, "rows")
            if cell is not None:
                fields[term["map"], term["field"]].append(cell)
        for (name, field), cells in fields.items():
            self._sum(cells, ("terms", f"{name}.{field}"))

    def coverage(self, coverage: Iterable[dict[str, Any]]) -> None:
        """Cells of a column that are filled, of the rows of the form."""
        for column in coverage:
            form = ("rows", column["form"])
            rows = self._cell(column, "rows", form)
            self._part_of(self._cell(column, "filled", form), rows)

    def picture(self, picture: Mapping[str, Any]) -> None:
        """A small table: its sums are taken as known, all in all (which may be all persons), by place and by series."""
        columns = list(picture["columns"])
        with_whole = "of" in columns
        ways = [(), *([(picture["x"],), (picture["series"],)] if picture.get("series") else [])]
        for count in picture.get("counts", ()):
            sums: defaultdict[tuple[object, ...], list[Cell]] = defaultdict(list)
            for row in picture["rows"]:
                cell = self._cell(row, columns.index(count))
                if cell is None:
                    continue
                if count == "of":
                    continue
                if with_whole:  # the same persons at several places: these make up no total
                    self._part_of(cell, self._cell(row, columns.index("of"), ("of", id(row))))
                else:
                    for way in ways:
                        sums[way, *(row[columns.index(name)] for name in way)].append(cell)
            for way, cells in sums.items():
                self._sum(cells, *(() if len(way) > 1 else (_PERSONS, ("cdm", "observation_period", "rows"))))

    def comparison(self, comparison: dict[str, Any]) -> None:
        """Counts then and now: a small difference is a small count, so the earlier number goes."""
        for counted in (*comparison.get("counts", ()), *comparison.get("code_lists", ())):
            what, name = counted["what"], counted["name"]
            names: tuple[object, ...] = (("rows", name),)
            if what == "persons":
                names = (_PERSONS, ("cdm", "person", "persons"))
            elif what == "table":
                names = (("dsp", name[4:], "rows") if name.startswith("dsp.") else ("cdm", name, "rows"),)
            before, now = (self._cell(counted, word, *names) for word in ("before", "now"))
            if before is None or now is None:
                continue
            less, more = sorted((before, now), key=lambda cell: cell.value)
            self._found.difference(more, less, (before, now))
            if what == "persons":
                appeared, vanished = (self._cell(comparison, name) for name in _COUNTED["Comparison"])
                zero = self._found.known(0)
                sides = (before, appeared or zero), (now, vanished or zero)
                if sum(cell.value for cell in sides[0]) == sum(cell.value for cell in sides[1]):
                    self._found.knowledge.append(Equation(*sides, (before, now)))
