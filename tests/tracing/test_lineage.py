"""Every row of the export is accounted for, map by map and row by row, in what traces are made from."""

from __future__ import annotations

import pytest

from omopify.specs.project import LoadedMap
from tests.tracing.conftest import Case

EACH = """
SELECT "map", 'used' AS fate, file_number, row, piece, made_of
FROM audit.row_origins WHERE part IS NULL AND NOT starts_with("map", 'eras.')
UNION ALL SELECT "map", 'left', file_number, row, piece, made_of FROM audit.left_out
UNION ALL
SELECT r."map", 'rejected', f.file_number, r.row, r.piece, r.made_of FROM audit.rejects AS r
JOIN audit.files AS f ON f.file = r.file AND f.sheet IS NOT DISTINCT FROM r.sheet
"""


def test_no_row_of_a_form_is_missing_in_any_map_that_reads_it(case: Case) -> None:
    # Given the rows of each form as the csv module reads them
    forms = [(number, source, row) for number, source in case.rows("SELECT file_number, source FROM audit.files")
             for row in case.form(source)]  # fmt: skip
    assert len(forms) == case.rows("SELECT sum(rows)::bigint FROM audit.files")[0][0] > 1500
    # When they are laid beside what each map says it did with them
    found = set(case.rows(f'SELECT DISTINCT "map", file_number, row FROM ({EACH}) WHERE made_of IS NULL'))
    readers = case.rows(
        "SELECT map, source FROM audit.map_sources WHERE NOT joined AND NOT starts_with(source, 'dsp.')"
    )
    # Then each map has an answer for each row
    wanted = {(name, number, row) for name, source in readers for number, form, row in forms if form == source}
    assert len(wanted) > 2000
    assert wanted <= found
    assert {one for one in found if one[0] in {name for name, _ in readers}} == wanted


def test_no_row_of_a_harmonised_table_is_missing_in_any_map_that_reads_it(case: Case) -> None:
    by_hand = {name for name, loaded in maps(case).items() if loaded.spec.sql}
    readers = case.rows("SELECT map, source FROM audit.map_sources WHERE NOT joined AND starts_with(source, 'dsp.')")
    checked = 0
    for name, table in readers:
        if name in by_hand:
            continue
        held = set(case.rows(f"SELECT _file, _row, rowid + 1 FROM {table}"))
        told = f'SELECT file_number, row, made_of FROM ({EACH}) WHERE "map" = ?'
        assert held <= set(case.rows(told, [name])), (name, table)
        checked += len(held)
    assert checked > 10_000


def test_the_fates_of_rows_add_up_to_the_accounting(case: Case) -> None:
    several = {name for name, loaded in maps(case).items() if any(join.many for join in loaded.spec.join.values())}
    counts = (
        f'SELECT "map", fate, count(DISTINCT (file_number, row, piece, made_of)), count(*) FROM ({EACH}) GROUP BY ALL'
    )
    fates = {(name, fate): (each, every) for name, fate, each, every in case.rows(counts)}
    accounting = "SELECT map, rows_used, rows_filtered + rows_deduplicated, rows_rejected FROM audit.map_rows"
    for name, used, left, lost in case.rows(f"{accounting} WHERE NOT starts_with(map, 'eras.')"):
        each, every = fates.get((name, "used"), (0, 0))
        assert (every if name in several else each) == used or maps(case)[name].spec.sql, name
        assert fates.get((name, "left"), (0, 0))[1] == left, name
        assert fates.get((name, "rejected"), (0, 0))[1] == lost, name


def test_no_row_has_two_fates(case: Case) -> None:
    by_hand = [name for name, loaded in maps(case).items() if loaded.spec.sql]
    twice = case.rows(
        f'SELECT "map", file_number, row, piece, made_of FROM ({EACH}) WHERE "map" NOT IN (SELECT unnest(?)) '
        "GROUP BY ALL HAVING count(DISTINCT fate) > 1",
        [by_hand],
    )
    assert twice == []


@pytest.mark.parametrize("schema", ["dsp", "cdm"])
def test_each_row_of_the_result_has_an_origin_with_its_own_place(case: Case, schema: str) -> None:
    if schema == "cdm":
        tables = ["cohort", "episode_event", "fact_relationship"]
    else:
        tables = [name for (name,) in case.rows("SELECT table_name FROM duckdb_tables() WHERE schema_name = 'dsp'")]
    for table in tables:
        name = f"dsp.{table}" if schema == "dsp" else table
        numbers = {number for (number,) in case.rows(f"SELECT rowid + 1 FROM {schema}.{table}")}
        traced = {row for (row,) in case.rows("SELECT row_id FROM audit.row_origins WHERE table_name = ?", [name])}
        assert traced == numbers, table
        if schema == "dsp":
            own = f"SELECT rowid + 1, _file, _row FROM dsp.{table}"
            origins = "SELECT row_id, file_number, row FROM audit.row_origins WHERE table_name = ?"
            assert set(case.rows(own)) <= set(case.rows(origins, [name])), table


def test_rows_that_only_link_others_come_from_where_what_they_link_does(case: Case) -> None:
    """The drug of an entry in CM is fact 2 of its relation: both must come from one row of the form."""
    pairs = case.rows(
        "SELECT link.row, drug.row FROM cdm.fact_relationship AS fact "
        "JOIN audit.row_origins AS link ON link.table_name = 'fact_relationship' AND link.row_id = fact.rowid + 1 "
        "JOIN audit.row_origins AS drug ON drug.table_name = 'drug_exposure' AND drug.row_id = fact.fact_id_2 "
        "WHERE link.map = 'adverse_event_reason_for_medication'"
    )
    assert len(pairs) == 36
    assert all(one == other for one, other in pairs)


def test_a_piece_is_the_column_that_its_cell_stands_in(case: Case) -> None:
    """The answer to item n of C30 stands in the column C30_Qn of the row that the lineage names."""
    answers = case.rows(
        "SELECT origin.row, origin.piece, answer.item, answer.answer_recorded FROM dsp.questionnaire_answer AS answer "
        "JOIN audit.row_origins AS origin ON origin.row_id = answer.rowid + 1 "
        "WHERE origin.table_name = 'dsp.questionnaire_answer' AND origin.map = 'impress_quality_of_life_c30'"
    )
    form = case.form("C30")
    assert len(answers) == 2313
    assert {str(item) for _, _, item, _ in answers} == {str(n) for n in range(1, 31)}
    for row, piece, item, recorded in answers:
        assert int(item) == piece
        assert form[row][f"C30_Q{piece}"] == recorded


def maps(case: Case) -> dict[str, LoadedMap]:
    return {loaded.spec.map: loaded for loaded in case.project.pack.maps}
