"""The copy that may leave: no small count is in it, and none can be reckoned from what is."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from omopify.quality.outputs.masking import masked

COUNTS = {
    "measurement": ("violated", "denominator"),
    "parts": ("violated", "denominator"),
    "flow": ("rows",),
    "maps": ("read", "used", "filtered", "duplicate", "rejected", "written"),
    "unmapped": ("rows",),
    "losses": ("rows", "of"),
    "coverage": ("filled", "rows"),
    "counts": ("before", "now"),
    "code_lists": ("before", "now"),
}
"""Every count of persons or rows in quality.json, beside those of pictures and two of the comparison."""


def counts(document: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every declared count of a document, with its place."""
    for number, result in enumerate(document["results"]):
        holders = [("measurement", result["measurement"])]
        holders += [("parts", part) for part in result["measurement"].get("parts", ())]
        for kind, holder in holders:
            yield from ((f"result {number} {kind} {name}", holder[name]) for name in COUNTS[kind] if name in holder)
    for part, kinds in (
        ("findings", ("flow", "maps", "unmapped", "losses", "coverage")),
        ("comparison", ("counts", "code_lists")),
    ):
        for kind in kinds:
            for number, holder in enumerate(document.get(part, {}).get(kind, ())):
                yield from ((f"{kind} {number} {name}", holder[name]) for name in COUNTS[kind] if name in holder)
    for name in ("persons_appeared", "persons_vanished"):
        if name in document.get("comparison", {}):
            yield name, document["comparison"][name]
    for picture in document.get("findings", {}).get("pictures", ()):
        for number, row in enumerate(picture["rows"]):
            for name in picture["counts"]:
                yield f"{picture['id']} {number} {name}", row[picture["columns"].index(name)]


def sums(cells: Sequence[Any], limit: int, most: int) -> list[set[int]]:
    """Return for each number what it may be: what is shown, or what its text allows."""
    ways = {f"<{limit}": set(range(1, limit)), f"≥{limit}": set(range(limit, most + 1)), "≥1": set(range(1, most + 1))}
    return [{cell} if isinstance(cell, int) else ways[cell] for cell in cells]


def is_told(cells: Sequence[Any], total: int, limit: int) -> bool:
    """Say whether a total tells one of the hidden numbers that make it up, by trying all that they may be."""
    ways = sums(cells, limit, total)
    for place, own in enumerate(ways):
        if isinstance(cells[place], int):
            continue
        others = {0}
        for number, way in enumerate(ways):
            if number != place:
                others = {so_far + value for so_far in others for value in way if so_far + value <= total}
        if len({value for value in own if total - value in others}) < 2:
            return True
    return False


def result(
    violated: int, denominator: int, parts: Sequence[tuple[int, int]] = (), table: str = "person"
) -> dict[str, Any]:
    measurement: dict[str, Any] = {"violated": violated, "denominator": denominator}
    if parts:
        measurement["parts"] = [{"name": f"p{n}", "violated": v, "denominator": d} for n, (v, d) in enumerate(parts)]
    pct = 100 * violated / denominator if denominator else None
    check = {"id": "x", "schema": "cdm", "table": table, "description": "d"}
    return {"check": check, "measurement": measurement, "status": "fail", "pct": pct}


def document(**findings: Any) -> dict[str, Any]:
    results, comparison = findings.pop("results", []), findings.pop("comparison", {})
    return {"schema_version": 1, "results": results, "findings": findings, "comparison": comparison}


def one_map(name: str, form: str, used: int, filtered: int, duplicate: int, rejected: int) -> dict[str, Any]:
    read = used + filtered + duplicate + rejected
    words = {"used": used, "filtered": filtered, "duplicate": duplicate, "rejected": rejected}
    return {"map": name, "sources": [form], "targets": ["dsp.t"], "read": read, **words, "written": used}


def picture(rows: Sequence[Sequence[Any]], columns: Sequence[str] = ("age", "sex", "persons")) -> dict[str, Any]:
    series = columns[1] if len(columns) == 3 and columns[1] != "persons" else None
    counted = [name for name in ("persons", "of") if name in columns]
    return {
        "id": "p", "columns": list(columns), "rows": [list(row) for row in rows], "x": columns[0], "y": "persons",
        "series": series, "counts": counted,
    }  # fmt: skip


COUNT = st.one_of(st.integers(0, 7), st.integers(0, 30))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    results = []
    for _ in range(draw(st.integers(0, 5))):
        pairs = [(min(a, b), max(a, b)) for a, b in draw(st.lists(st.tuples(COUNT, COUNT), min_size=1, max_size=4))]
        whole = (sum(v for v, _ in pairs), sum(d for _, d in pairs))
        results.append(result(*whole, pairs if len(pairs) > 1 else (), draw(st.sampled_from(("person", "death")))))
    maps = [
        one_map(f"m{n}", draw(st.sampled_from(("ae", "dm", "dsp.x"))), *draw(st.tuples(*[COUNT] * 4))) for n in range(3)
    ]
    names = st.sampled_from(("ae", "dm"))
    flow = [
        {
            "from_stage": "form",
            "from_name": draw(names),
            "to_stage": "harmonised",
            "to_name": draw(names),
            "rows": draw(COUNT),
        }
        for _ in range(draw(st.integers(0, 4)))
    ]
    terms = st.builds(
        lambda field, rows: {
            "map": "m0",
            "field": field,
            "number": 1,
            "rows": rows,
            "term": "SECRET",
            "concept_name": "Near",
        },
        st.sampled_from(("a", "b")),
        COUNT,
    )
    losses = [
        {
            "kind": "rejected row", "form": "ae", "map": one["map"], "field": "f", "reason": "r",
            "rows": one["rejected"], "of": one["read"],
        }
        for one in maps
    ]  # fmt: skip
    columns = [(min(a, b), max(a, b)) for a, b in draw(st.lists(st.tuples(COUNT, COUNT), max_size=4))]
    coverage = [{"form": "vi", "column": f"c{n}", "filled": a, "rows": b} for n, (a, b) in enumerate(columns)]
    cells = [(age, sex, draw(COUNT)) for age in ("30", "40", "50") for sex in ("female", "male")]
    before, appeared = draw(COUNT), draw(COUNT)
    vanished = draw(st.integers(0, before))
    comparison = {
        "counts": [
            {"what": "persons", "name": "persons", "before": before, "now": before + appeared - vanished},
            {"what": "table", "name": "death", "before": draw(COUNT), "now": draw(COUNT)},
            {"what": "form", "name": "new", "now": 3},
        ],
        "persons_appeared": appeared,
        "persons_vanished": vanished,
    }
    return document(
        results=results, maps=maps, flow=flow, unmapped=draw(st.lists(terms, max_size=6)), losses=losses,
        coverage=coverage, pictures=[picture(cells)], comparison=comparison,
    )  # fmt: skip


@settings(max_examples=50, deadline=None)
@given(documents(), st.integers(3, 6))
def test_no_small_count_is_left_and_what_is_written_is_true(whole: dict[str, Any], limit: int) -> None:
    kept = copy.deepcopy(whole)
    made = masked(whole, limit)
    assert whole == kept, "the exact document is not touched"
    for (place, exact), (_, shown) in zip(counts(whole), counts(made), strict=True):
        if isinstance(shown, str):
            assert shown in (f"<{limit}" if exact < limit else f"≥{limit}", "≥1"), place
            assert exact > 0, f"{place}: zero tells of nobody"
        else:
            assert shown == exact, place
            assert not 0 < shown < limit, place
    assert "SECRET" not in str(made)
    for found in made["results"]:
        hidden = [isinstance(found["measurement"][name], str) for name in ("violated", "denominator")]
        assert not any(hidden) or found["pct"] is None


@settings(max_examples=50, deadline=None)
@given(documents(), st.integers(3, 6))
def test_no_sum_tells_what_is_hidden(whole: dict[str, Any], limit: int) -> None:
    made = masked(whole, limit)

    def may_be_told(cells: Sequence[Any], total: Any) -> bool:
        hidden = [cell for cell in cells if not isinstance(cell, int)]
        # where every number that is not zero is hidden, no more can be
        return bool(hidden) and isinstance(total, int) and len(hidden) < sum(1 for cell in cells if cell != 0)

    for one in made["findings"]["maps"]:
        cells = [one[name] for name in ("used", "filtered", "duplicate", "rejected")]
        if isinstance(one["read"], int):
            assert not is_told(cells, one["read"], limit), one
    for exact, found in zip(whole["results"], made["results"], strict=True):
        violated, denominator = (found["measurement"][name] for name in ("violated", "denominator"))
        if isinstance(violated, int) and isinstance(denominator, int):
            assert not 0 < denominator - violated < limit
        for name in ("violated", "denominator"):
            total, cells = found["measurement"][name], [part[name] for part in found["measurement"].get("parts", ())]
            if may_be_told(cells, total):
                assert not is_told(cells, total, limit), (exact, found)
    for column in made["findings"]["coverage"]:
        if isinstance(column["filled"], int) and isinstance(column["rows"], int):
            assert not 0 < column["rows"] - column["filled"] < limit
    exact_rows, rows = (found["findings"]["pictures"][0]["rows"] for found in (whole, made))
    for key in (lambda row: "all", lambda row: row[0], lambda row: row[1]):
        for name in {key(row) for row in rows}:
            cells = [row[2] for row in rows if key(row) == name]
            total = sum(row[2] for row in exact_rows if key(row) == name)
            if may_be_told(cells, total) and total >= limit:
                assert not is_told(cells, total, limit), (exact_rows, rows)
    persons = made["comparison"]["counts"][0]
    numbers = (
        persons["before"],
        persons["now"],
        made["comparison"]["persons_appeared"],
        made["comparison"]["persons_vanished"],
    )
    assert sum(isinstance(number, str) for number in numbers) != 1
    for counted in made["comparison"]["counts"][:2]:
        if isinstance(counted["before"], int) and isinstance(counted["now"], int):
            assert not 0 < abs(counted["before"] - counted["now"]) < limit


def test_the_rows_of_a_form_are_hidden_wherever_they_stand() -> None:
    """35 rows, 3 filtered, 32 rows in the harmonised table: whoever sees 35 and 32 knows the 3."""
    made = masked(
        document(
            maps=[one_map("a", "coh", 32, 3, 0, 0), one_map("b", "coh", 19, 16, 0, 0)],
            coverage=[
                {"form": "coh", "column": "X", "filled": 35, "rows": 35},
                {"form": "coh", "column": "Y", "filled": 12, "rows": 35},
            ],
            losses=[
                {"kind": "date filled in", "form": "coh", "map": "a", "field": "f", "reason": "r", "rows": 20, "of": 35}
            ],
        ),
        5,
    )["findings"]  # fmt: skip
    first, second = made["maps"]
    assert (first["read"], first["used"], first["filtered"], first["written"]) == ("≥5", 32, "<5", 32)
    assert (second["read"], second["used"], second["filtered"]) == ("≥5", 19, "≥5")
    assert [(column["filled"], column["rows"]) for column in made["coverage"]] == [("≥5", "≥5"), (12, "≥5")]
    assert made["losses"][0]["of"] == "≥5"


def test_a_check_tells_neither_few_that_fail_nor_few_that_pass() -> None:
    made = masked(document(results=[result(2, 100), result(98, 100), result(10, 100), result(0, 97), result(3, 3)]), 5)
    shown = [(r["measurement"]["violated"], r["measurement"]["denominator"], r["pct"]) for r in made["results"]]
    # 97 of the 100 rows of the table: the 3 others would be known, so 97 goes
    assert shown == [("<5", 100, None), ("≥5", 100, None), (10, 100, 10), (0, "≥5", None), ("<5", "<5", None)]


def test_one_small_bar_takes_the_next_smallest_with_it() -> None:
    rows = [("2024-01", 3), ("2024-02", 20), ("2024-03", 7), ("2024-04", 0)]
    made = masked(document(pictures=[picture(rows, ("month", "persons"))]), 5)
    assert [row[1] for row in made["findings"]["pictures"][0]["rows"]] == ["<5", 20, "≥5", 0]
    two = masked(document(pictures=[picture([*rows, ("2024-05", 2)], ("month", "persons"))]), 5)
    assert [row[1] for row in two["findings"]["pictures"][0]["rows"]] == ["<5", 20, 7, 0, "<5"]


def test_few_who_were_not_seen_are_hidden_too() -> None:
    rows = [("week 8", 31, 32), ("week 16", 20, 26), ("by telephone", 9, None)]
    made = masked(document(pictures=[picture(rows, ("visit", "persons", "of")) | {"series": None}]), 5)
    assert made["findings"]["pictures"][0]["rows"][0] == ["week 8", "≥5", 32]


def test_proposals_for_rare_terms_stay_at_home() -> None:
    terms = [
        {
            "map": "m",
            "field": "f",
            "number": n,
            "rows": rows,
            "term": "said",
            "concept_id": 1,
            "concept_name": "C",
            "score": 0.9,
        }
        for n, rows in enumerate((40, 3, 2), 1)
    ]
    made = masked(document(unmapped=terms), 5)["findings"]["unmapped"]
    assert made[0] == {
        "map": "m",
        "field": "f",
        "number": 1,
        "rows": 40,
        "concept_id": 1,
        "concept_name": "C",
        "score": 0.9,
    }
    assert made[1] == {"map": "m", "field": "f", "number": 2, "rows": "<5"}


def part_check(name: str, part: str, violated: int, denominator: int) -> dict[str, Any]:
    found = result(violated, denominator, [(violated, denominator)])
    found["check"] |= {"id": name, "schema": "audit", "table": "maps"}
    found["measurement"]["parts"][0]["name"] = part
    return found


def test_terms_that_are_all_rare_do_not_tell_each_other() -> None:
    """Four terms of at least one row each in fewer than five rows: one each. So it is not said that these are few."""
    terms = [{"map": "m", "field": "value", "number": n, "rows": 1} for n in range(1, 5)]
    checks = [part_check("trial.terms_without_concept", "m.value", 4, 40)]
    made = masked(document(unmapped=terms, results=checks), 5)
    assert [term["rows"] for term in made["findings"]["unmapped"]] == ["<5"] * 4
    measured = made["results"][0]["measurement"]
    assert measured["parts"][0] == {"name": "m.value", "violated": "≥1", "denominator": 40}
    assert measured["violated"] == "≥1", "all that fails is what fails of the only part"


def test_six_rows_of_rare_terms_are_hidden_in_the_check_as_well() -> None:
    """3 + 3 of 6 might be 2 + 4; but 1 + 1 + 1 + 1 + 1 of 5 are known to be just that."""
    for rows, shown in (([3, 3], 6), ([1] * 5, "≥5")):
        terms = [{"map": "m", "field": "f", "number": n, "rows": few} for n, few in enumerate(rows, 1)]
        checks = [part_check("trial.terms_without_concept", "m.f", sum(rows), 40)]
        made = masked(document(unmapped=terms, results=checks), 5)
        assert made["results"][0]["measurement"]["parts"][0]["violated"] == shown


def rejected(name: str, rows: int, of: int) -> dict[str, Any]:
    words = {"kind": "rejected row", "form": "ae", "map": name, "field": "f", "reason": f"reason {rows}"}
    return words | {"rows": rows, "of": of}


def test_what_a_map_leaves_out_is_not_told_by_how_many_reasons_there_are() -> None:
    """179 read and 175 used: 4 are left out; with two reasons to reject, that is 1 + 1 + (1 + 1)."""
    maps, losses = [one_map("m", "ae", 175, 1, 1, 2)], [rejected("m", 1, 179), rejected("m", 1, 179)]
    made = masked(document(maps=maps, losses=losses), 5)["findings"]
    assert [made["maps"][0][name] for name in ("filtered", "duplicate", "rejected")] == ["<5"] * 3
    assert "≥5" in (made["maps"][0]["read"], made["maps"][0]["used"])
    assert made["losses"][0]["of"] == made["maps"][0]["read"]


def test_rows_that_a_check_judged_do_not_tell_what_was_filtered() -> None:
    """130 read, 44 of them not filtered, 42 used: 2 are rejected, whoever hides that 86 are filtered."""
    maps = [one_map("m", "f", 42, 86, 0, 2)]
    made = masked(document(maps=maps, results=[part_check("trial.rows_rejected", "m", 2, 44)]), 5)
    one, part = made["findings"]["maps"][0], made["results"][0]["measurement"]["parts"][0]
    assert part["violated"] == one["rejected"] == "<5"
    hidden = {name for name, shown in {**one, "judged": part["denominator"]}.items() if shown == "≥5"}
    assert "used" in hidden or ("judged" in hidden and hidden & {"read", "filtered"})


def judged(violated: int, denominator: int, max_pct: float, status: str) -> dict[str, Any]:
    made = result(violated, denominator)
    made["check"]["max_pct"] = max_pct
    return made | {"status": status}


def test_pass_and_fail_do_not_tell_how_few_there_are() -> None:
    def shown(*found: Any) -> tuple[Any, ...]:
        measured = masked(document(results=[judged(*found)]), 5)["results"][0]["measurement"]
        return measured["violated"], measured["denominator"]

    # at most 1.5 of 150 may fail, and as it is not 0, it is 1: unless nobody knows of how many
    assert shown(1, 150, 1, "pass") == ("<5", "≥5")
    assert shown(1, 250, 1, "pass") == ("<5", 250), "1 or 2"
    # more than 3 of 100 fail, and fewer than 5: unless nobody knows that they are fewer
    assert shown(4, 100, 3, "fail") == ("≥1", 100)
    assert shown(4, 100, 2, "fail") == ("<5", 100), "3 or 4"
    assert shown(2, 100, 0, "fail") == ("<5", 100)


def test_a_part_may_have_its_own_limit() -> None:
    found = result(2, 300, [(1, 150), (1, 150)])
    found["check"] |= {"max_pct": 1, "parameters": {"parts": {"p1": 2.5}}}
    parts = masked(document(results=[found | {"status": "pass"}]), 5)["results"][0]["measurement"]["parts"]
    assert parts[0]["denominator"] == "≥5"
    assert parts[1]["violated"] == "<5"


def narrowed(cells: dict[str, Any], sums: Sequence[tuple[list[str], list[str]]]) -> dict[str, tuple[int, int]]:
    """Return between what the numbers must lie, by trying again and again what sums leave open."""
    known = {name: (shown, shown) if isinstance(shown, int) else (0, 0) for name, shown in cells.items()}
    for name, shown in cells.items():
        if isinstance(shown, str):
            known[name] = (1, int(shown[1:]) - 1) if shown[0] == "<" else (int(shown[1:]), 10**6)
    for _ in range(100):
        for left, right in (*sums, *((right, left) for left, right in sums)):
            for name in left:
                others = [known[other] for other in left if other != name]
                least = sum(known[other][0] for other in right) - sum(high for _, high in others)
                most = sum(known[other][1] for other in right) - sum(low for low, _ in others)
                known[name] = (max(known[name][0], least), min(known[name][1], most))
    return known


SMALL = st.one_of(st.integers(0, 4), st.integers(0, 12))


@settings(max_examples=80, deadline=None)
@given(
    st.integers(5, 60), SMALL, SMALL, st.lists(st.integers(1, 4), max_size=3), st.lists(SMALL, min_size=1, max_size=4)
)
def test_going_from_sum_to_sum_tells_no_small_count(
    used: int, filtered: int, duplicate: int, reasons: list[int], terms: list[int]
) -> None:
    whole = document(
        maps=[one_map("m", "ae", used, filtered, duplicate, sum(reasons))],
        losses=[rejected("m", rows, used + filtered + duplicate + sum(reasons)) for rows in reasons],
        unmapped=[{"map": "m", "field": "f", "number": n, "rows": rows} for n, rows in enumerate(terms, 1)],
        results=[
            part_check("trial.rows_rejected", "m", sum(reasons), used + filtered + duplicate + sum(reasons)),
            part_check("trial.rows_exported_twice", "m", duplicate, used + duplicate + sum(reasons)),
            part_check("trial.terms_without_concept", "m.f", sum(terms), sum(terms) + used),
        ],
    )  # fmt: skip

    def cells(of: dict[str, Any]) -> dict[str, Any]:
        found = {name: of["findings"]["maps"][0][name] for name in COUNTS["maps"]}
        found |= {
            f"{kind} {n}": one["rows"] for kind in ("losses", "unmapped") for n, one in enumerate(of["findings"][kind])
        }
        for number, one in enumerate(of["results"]):
            found |= {f"{number} {word}": one["measurement"]["parts"][0][word] for word in COUNTS["parts"]}
        return found

    exact, shown = cells(whole), cells(masked(whole, 5))
    sums = [
        (["read"], ["used", "filtered", "duplicate", "rejected"]),
        (["rejected"], [f"losses {n}" for n in range(len(reasons))]),
        (["rejected"], ["0 violated"]), (["read"], ["0 denominator"]), (["duplicate"], ["1 violated"]),
        (["read"], ["1 denominator", "filtered"]),
        (["2 violated"], [f"unmapped {n}" for n in range(len(terms))]),
    ]  # fmt: skip
    for name, (low, high) in narrowed(shown, sums).items():
        assert low <= exact[name] <= high
        assert isinstance(shown[name], int) or low < high or exact[name] >= 5, (name, shown)


def test_with_a_limit_of_two_less_than_two_is_not_said() -> None:
    measured = masked(document(results=[result(1, 100)]), 2)["results"][0]["measurement"]
    assert measured == {"violated": "≥1", "denominator": 100}


def test_a_limit_of_one_hides_nothing() -> None:
    whole = document(results=[result(1, 2)], pictures=[picture([("a", "b", 1)])])
    assert masked(whole, 1) == {"masked": 1, **whole}


def test_texts_say_only_less_than_or_at_least() -> None:
    made = masked(document(results=[result(2, 100), result(98, 100)]), 11)
    texts = {shown for _, shown in counts(made) if isinstance(shown, str)}
    assert texts == {"<11", "≥11"}
    assert all(re.fullmatch("[<≥][0-9]+", text) for text in texts)
