"""From a row of the export forward to everything that became of it, or why nothing did.

Rows are followed level by level: what the maps made of the form's row, then what others made of that.  Each level
takes a few queries, whatever number of rows it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omopify import cdm
from omopify.specs.maps import MapFile
from omopify.specs.project import LoadedMap
from omopify.tracing.concepts import by_map, ways_of
from omopify.tracing.model import Concept, Forward, Outcome, Place, Remark, Use, Written
from omopify.tracing.pieces import piece_of
from omopify.tracing.reasons import builtin_filter, rejected
from omopify.tracing.result import DSP, File, Result

_ERAS = {"drug_exposure": ("eras.drug", "drug_era"), "condition_occurrence": ("eras.condition", "condition_era")}
_MOST_CONCEPTS = 3
Query = Callable[[list[str]], list[Any]]


@dataclass(frozen=True, slots=True)
class _Used:
    map: str
    table: str
    part: str | None
    id: int
    piece: int | None
    made_of: int | None


@dataclass(frozen=True, slots=True)
class _Left:
    map: str
    reason: str
    field: str | None
    """The field of a row that was rejected; None if a filter left it out."""
    piece: int | None
    made_of: int | None


@dataclass
class Following:
    """Follows one row of the export."""

    result: Result
    file: File
    row: int
    seen: set[tuple[str, int]] = field(default_factory=set)
    remarks: dict[str, list[Remark]] = field(default_factory=dict)

    def follow(self, place: Place) -> Forward:
        """Return all that became of the row."""
        at = {"file": self.file.number, "row": self.row}
        for name, fieldname, reason in self.result.rows("remarks.sql", at):
            self.remarks.setdefault(name, []).append(Remark(fieldname, reason))
        readers, joined = self._readers(self.file.source)
        used, left = self._fates(readers, at, "used_at.sql", "left_out_at.sql")
        uses = tuple(self._use(name, used.get(name, []), left.get(name, []), 0) for name in readers)
        unread = "" if readers else self._unread()
        return Forward(place, uses, joined, self._scopes(), unread)

    def _readers(self, source: str) -> tuple[list[str], tuple[str, ...]]:
        found = self.result.rows("readers.sql", {"source": source})
        reads = list(dict.fromkeys(name for name, joined in found if not joined))
        return reads, tuple(dict.fromkeys(name for name, joined in found if joined and name not in reads))

    def _fates(
        self, maps: Sequence[str], at: Mapping[str, object], used: str, left: str, **values: object
    ) -> tuple[dict[str, list[_Used]], dict[str, list[_Left]]]:
        parameters = {"maps": list(maps), **at}
        by_use: dict[str, list[_Used]] = {}
        by_loss: dict[str, list[_Left]] = {}
        if maps:
            for row in self.result.rows(used, parameters, **values):
                by_use.setdefault(row[0], []).append(_Used(*row))
            for row in self.result.rows(left, parameters, **values):
                by_loss.setdefault(row[0], []).append(_Left(row[0], row[1], row[2], row[3], row[4]))
        return by_use, by_loss

    def _use(self, name: str, used: list[_Used], left: list[_Left], many: int) -> Use:
        """Return what a map did; ``many`` are the harmonised rows that it read (0: a row of the form)."""
        loaded = self.result.maps.get(name)
        outcomes = []
        if used:
            read = len({(one.piece, one.made_of) for one in used})
            pieces = self._pieces(loaded, (one.piece for one in used))
            outcomes.append(Outcome("used", read, pieces=pieces, rows=self._written(name, used)))
        outcomes += self._left(name, loaded, left)
        if not outcomes:
            outcomes.append(self._without_a_trace(loaded, many))
        remarks = tuple(dict.fromkeys(self.remarks.get(name, ())))
        return Use(name, loaded.spec.at("map") if loaded else None, tuple(outcomes), remarks)

    def _written(self, name: str, used: list[_Used]) -> tuple[Written, ...]:
        groups: dict[tuple[str, str | None], list[int]] = {}
        for one in used:
            ids = groups.setdefault((one.table, one.part), [])
            if one.id not in ids:
                ids.append(one.id)
        return tuple(self._rows(name, table, part, ids) for (table, part), ids in groups.items())

    def _rows(self, name: str, table: str, part: str | None, ids: list[int]) -> Written:
        together = self.result.rows("merged.sql", {"table": table, "map": name, "numbers": ids})
        merged = max((count for _, count in together), default=0)
        if not table.startswith(DSP):
            concepts = self._concepts(name, part, table, ids)
            uses = self._eras(table, ids)
            return Written(table, tuple(ids), len(ids), part, concepts, merged, uses=uses)
        fresh = [number for number in ids if (table, number) not in self.seen]
        self.seen |= {(table, number) for number in fresh}
        uses, joined = self._onward(table, fresh) if fresh else ((), ())
        return Written(table, tuple(ids), len(ids), part, (), merged, not fresh, uses, joined)

    def _onward(self, table: str, numbers: list[int]) -> tuple[tuple[Use, ...], tuple[str, ...]]:
        """Return what became of harmonised rows."""
        readers, joined = self._readers(table)
        by_hand = [name for name in readers if (found := self.result.maps.get(name)) and found.spec.sql]
        bare, at = table.removeprefix(DSP), {"numbers": numbers}
        others = [name for name in readers if name not in by_hand]
        used, left = self._fates(others, at, "used_of.sql.jinja", "left_out_of.sql.jinja", table=bare)
        uses = []
        for name in readers:
            if name in by_hand:
                uses.append(self._about(name, bare, numbers))
            else:
                uses.append(self._use(name, used.get(name, []), left.get(name, []), len(numbers)))
        return tuple(uses), joined

    def _about(self, name: str, table: str, numbers: list[int]) -> Use:
        """Return what a hand-written SELECT, which reads rows as a whole, says about these."""
        parameters = {"numbers": numbers, "map": name}
        used = [_Used(*row) for row in self.result.rows("results_about.sql.jinja", parameters, table=table)]
        left = [_Left(*row) for row in self.result.rows("left_out_about.sql.jinja", parameters, table=table)]
        loaded = self.result.maps[name]
        words = f"The SELECT in {loaded.spec.sql} reads all rows of {DSP}{table} together."
        if used:
            words += " These of its results stand at this row:"
        elif not left:
            words += " None of its results stands at this row; those of the same person may be made of it, too."
        whole = Outcome("read as a whole", len(numbers), words=words, at=loaded.spec.at("sql"))
        rows = self._written(name, used)
        outcomes = [Outcome(whole.fate, whole.many, "", words, (), whole.at, (), rows)]
        return Use(name, loaded.spec.at("map"), (*outcomes, *self._left(name, loaded, left)))

    def _left(self, name: str, loaded: LoadedMap | None, left: list[_Left]) -> list[Outcome]:
        groups: dict[tuple[str, str | None], list[_Left]] = {}
        for one in left:
            groups.setdefault((one.reason, one.field), []).append(one)
        outcomes = []
        for (reason, fieldname), members in groups.items():
            pieces = self._pieces(loaded, (one.piece for one in members))
            if fieldname is not None:
                outcomes.append(rejected(loaded, fieldname, reason, len(members), pieces))
            elif reason == "duplicate":
                words = "Another row has the same key and the same content; that one is used."
                at = loaded.spec.at("key") if loaded else None
                outcomes.append(Outcome("duplicate", len(members), "", words, (), at, pieces))
            else:
                outcomes.append(self._filtered(name, loaded, reason, len(members), pieces))
        return outcomes

    def _filtered(
        self, name: str, loaded: LoadedMap | None, reason: str, many: int, pieces: tuple[str, ...]
    ) -> Outcome:
        trial = self.result.project.pack.trial
        if loaded and reason in loaded.spec.where:
            described = self.result.described(name)
            part = described.part("where", reason) if described else None
            words = part.words if part else ""
            there = loaded.spec.at("where", reason, key=True)
            return Outcome("filtered", many, reason, words, (loaded.spec.where[reason],), there, pieces)
        if reason in trial.scope:
            scope = trial.scope[reason]
            words = f"The subject is not in scope: only those count of whom '{scope.source}' has such a row."
            there = trial.at("scope", reason, key=True)
            return Outcome("filtered", many, reason, words, (scope.where,), there, pieces)
        words, path = builtin_filter(loaded.spec if loaded else None, reason)
        at = loaded.spec.at(*path, key=True) if loaded and path else None
        return Outcome("filtered", many, reason, words, (), at, pieces)

    def _without_a_trace(self, loaded: LoadedMap | None, many: int) -> Outcome:
        if loaded and loaded.spec.sql:
            words = (
                f"The SELECT in {loaded.spec.sql} reads all rows of the form together; none of its results stands here."
            )
            return Outcome("read as a whole", max(many, 1), words=words, at=loaded.spec.at("sql"))
        return Outcome("unexplained", max(many, 1), words="The accounting does not say: please report it.")

    def _pieces(self, loaded: LoadedMap | None, numbers: Iterable[int | None]) -> tuple[str, ...]:
        if loaded is None or not _has_pieces(loaded.spec):
            return ()
        return tuple(said for n in sorted({n for n in numbers if n}) if (said := piece_of(loaded.spec, n)))

    def _concepts(self, name: str, part: str | None, table: str, ids: list[int]) -> tuple[Concept, ...]:
        column, key = cdm.words(table).get("concept", ""), cdm.tables()[table].id_field
        if not column or not key:
            return ()
        found = self.result.rows("concepts_of.sql.jinja", {"ids": ids}, table=f"cdm.{table}", key=key, concept=column)
        known = self.result.concepts([one for (one,) in found[:_MOST_CONCEPTS]])
        loaded = self.result.maps.get(name)
        ways = ways_of(loaded.spec, part) if loaded else ()
        return tuple(by_map(known[one], ways) for (one,) in found[:_MOST_CONCEPTS])

    def _eras(self, table: str, ids: list[int]) -> tuple[Use, ...]:
        """Return the eras that events are part of, or why they are in none."""
        if table not in _ERAS:
            return ()
        name, era = _ERAS[table]
        if era not in self.result.project.pack.eras.tables():
            return ()
        found: dict[int, None] = {}
        inside = 0
        for number in ids:
            eras = self.result.rows("eras.sql", {"map": name, "id": number})
            inside += bool(eras)
            found.update(dict.fromkeys(row_id for _, row_id in eras))
        outcomes = []
        if inside:
            outcomes.append(Outcome("used", inside, rows=(Written(era, tuple(found), len(found)),)))
        if inside < len(ids):
            missing = (
                "no concept" if table != "drug_exposure" else "no concept, or none that holds a standard ingredient"
            )
            outcomes.append(
                Outcome("filtered", len(ids) - inside, "has_concept", f"It has {missing}, so it is in no era.")
            )
        return (Use(name, None, tuple(outcomes)),)

    def _scopes(self) -> tuple[str, ...]:
        scopes = self.result.project.pack.trial.scope
        return tuple(name for name, scope in scopes.items() if scope.source == self.file.source)

    def _unread(self) -> str:
        decided = self.result.rows("decisions.sql", {"source": self.file.source})
        said = [
            f"{count} columns {decision}" + (f" ({reason})" if reason else "") for decision, reason, count in decided
        ]
        return "No map reads this form for its rows. " + ("; ".join(said) + "." if said else "")


def _has_pieces(spec: MapFile) -> bool:
    return bool(spec.unpivot or spec.split or (spec.slots and not spec.slots.on_conflict))
