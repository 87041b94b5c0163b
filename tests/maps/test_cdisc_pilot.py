"""The pack cdisc_sdtm on the CDISC pilot study, where it lies at hand.

Everything that is expected is counted from the raw files by other means than the maps: by SQL written by hand
or in plain Python.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from pathlib import Path
from typing import Any

import duckdb
import pytest

from omopify.resources import data
from tests.maps.test_cdisc_sdtm import Converted

PILOT = Path("/work/shared/data/cdisc_pilot")
DOMAINS = "dm suppdm ds suppds sv ae suppae ex cm mh vs lb ts".split()

pytestmark = pytest.mark.skipif(not PILOT.is_dir(), reason="the CDISC pilot data are not here")


@pytest.fixture(scope="module")
def pilot(tmp_path_factory: pytest.TempPathFactory) -> Converted:
    return Converted(tmp_path_factory.mktemp("pilot"), PILOT)


@pytest.fixture(scope="module")
def files() -> duckdb.DuckDBPyConnection:
    """The raw files as they are, each cell a text."""
    connection = duckdb.connect()
    for name in DOMAINS:
        connection.execute(f"CREATE TABLE {name} AS FROM read_csv('{PILOT / name}.csv', all_varchar = true)")
    return connection


def raw(name: str) -> list[dict[str, str]]:
    with (PILOT / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def alike(pilot: Converted, found: str, files: duckdb.DuckDBPyConnection, expected: str) -> list[tuple[Any, ...]]:
    """Compare what two queries give, in no order; the second is asked of the raw files."""
    rows = pilot.rows(found)
    assert Counter(rows) == Counter(files.execute(expected).fetchall())
    return sorted(rows, key=repr)


def count(pilot: Converted, table: str, where: str = "TRUE") -> int:
    return int(pilot.rows(f"SELECT count(*) FROM cdm.{table} WHERE {where}")[0][0])


def known_terms() -> dict[str, int]:
    """Return the concept of each term, from the vocabulary's names and the reviewed file, without the engine."""
    found: dict[str, int] = {}
    path = data("mappings", "cdisc_sdtm", "concepts", "ae_terms.csv")
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["mappingStatus"] == "APPROVED":
                found[row["sourceName"].lower()] = int(row["conceptId"])
    lines = (data("vocab", "demo_restricted") / "CONCEPT.csv").read_text(encoding="utf-8").splitlines()
    for line in lines[1:]:
        concept_id, name, _, _, _, standard, *_ = line.split("\t")
        if standard == "S":
            found[name.lower()] = int(concept_id)
    return found


def test_as_many_persons_visits_and_deaths_as_the_reference_conversion(pilot: Converted) -> None:
    """OHDSI's clinical trials group converted the same study: 306 persons and periods, 3559 visits, 3 deaths."""
    assert [count(pilot, name) for name in ("person", "observation_period", "visit_occurrence", "death")] == [
        306, 306, 3559, 3
    ]  # fmt: skip


def test_persons_and_periods(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    alike(
        pilot,
        "SELECT gender_source_value, year_of_birth, month_of_birth, day_of_birth, race_source_value, "
        "care_site_source_value "
        "FROM cdm.person JOIN cdm.care_site USING (care_site_id)",
        files,
        "SELECT sex, year(d), month(d), day(d), race, siteid FROM (SELECT *, CAST(brthdtc AS date) AS d FROM dm)",
    )
    alike(  # nobody's consent is exported: the first visit or the demographics, whichever came first
        pilot,
        "SELECT observation_period_start_date, observation_period_end_date FROM cdm.observation_period",
        files,
        "SELECT least(min(CAST(sv.svstdtc AS date)), CAST(any_value(dmdtc) AS date)), "
        "CAST(coalesce(any_value(dthdtc), left(any_value(rfpendtc), 10)) AS date) FROM dm JOIN sv USING "
        "(usubjid) GROUP BY usubjid",
    )


def test_visits_planned_and_unscheduled(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    alike(
        pilot,
        "SELECT visit_source_value, visit_start_date, visit_end_date, visit_concept_id FROM cdm.visit_occurrence",
        files,
        "SELECT visit, CAST(svstdtc AS date), CAST(svendtc AS date), 9202 FROM sv",
    )
    assert count(pilot, "visit_occurrence", "visit_source_value LIKE 'UNSCHEDULED%'") == 122
    assert files.execute("SELECT count(*) FROM sv WHERE visit LIKE 'UNSCHEDULED%'").fetchall() == [(122,)]


def test_deaths_agree(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    alike(
        pilot,
        "SELECT death_date, cause_source_value FROM cdm.death",
        files,
        "SELECT CAST(dthdtc AS date), aedecod FROM dm JOIN ae USING (usubjid) WHERE dthdtc IS NOT NULL AND aeout "
        "= 'FATAL'",
    )
    (differ,) = files.execute(
        "SELECT count(*) FROM dm LEFT JOIN ae ON ae.usubjid = dm.usubjid AND aeout = 'FATAL' "
        "LEFT JOIN ds ON ds.usubjid = dm.usubjid AND dsdecod = 'DEATH' "
        "WHERE dthdtc IS NOT NULL AND (aeendtc <> dthdtc OR dsstdtc <> dthdtc)"
    ).fetchall()
    assert pilot.rows("SELECT count(*) FROM audit.value_issues WHERE map = 'death'") == [differ] == [(1,)]


def test_events_and_dated_history(pilot: Converted) -> None:
    known = known_terms()
    history = [row for row in raw("mh") if row["MHSTDTC"] and row["MHBODSYS"] != "SURGICAL AND MEDICAL PROCEDURES"]
    expected = Counter((row["AEDECOD"], known.get(row["AEDECOD"].lower(), 0), None) for row in raw("ae"))
    for row in history:
        term = row["MHDECOD"] or row["MHTERM"]
        expected[term, known.get(term.lower(), 0), row["MHCAT"]] += 1
    columns = "condition_source_value, condition_concept_id, condition_status_source_value"
    found = f"SELECT {columns} FROM cdm.condition_occurrence"
    assert Counter(pilot.rows(found)) == expected
    assert expected.total() == 1191 + 640
    elsewhere = (
        "SELECT DISTINCT table_name FROM audit.written WHERE map IN ('adverse_event', 'medical_history') AND rows > 0"
    )
    assert sorted(pilot.rows(elsewhere)) == [("condition_occurrence",), ("observation",)]


def test_what_is_said_of_an_event_belongs_to_it(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    """Event by event: its term and start, and every observation that points to it."""
    said = [f"SELECT aedecod, aestdtc, '{c}', {c} FROM ae WHERE {c} IS NOT NULL" for c in ("AESEV", "AEREL", "AEOUT")]
    yes = ("AESER", "AESDTH", "AESLIFE", "AESHOSP", "AESDISAB", "AESCONG", "AESCAN", "AESOD")
    said += [f"SELECT aedecod, aestdtc, '{column}', {column} FROM ae WHERE {column} = 'Y'" for column in yes]
    said += [
        "SELECT aedecod, aestdtc, qnam, qval FROM suppae JOIN ae "
        "ON ae.usubjid = suppae.usubjid AND CAST(aeseq AS double) = CAST(idvarval AS double)"
    ]
    union = " UNION ALL ".join(said)
    rows = alike(
        pilot,
        "SELECT condition_source_value, condition_start_date, observation_source_value, "
        "coalesce(value_as_string, value_source_value) FROM cdm.observation AS o JOIN cdm.condition_occurrence AS c "
        "ON condition_occurrence_id = observation_event_id AND o.person_id = c.person_id AND observation_date = "
        "condition_start_date "
        "WHERE obs_event_field_concept_id = 1147127 AND observation_source_value <> 'MHSEV'",
        files,
        "SELECT aedecod, CAST(CASE length(aestdtc) WHEN 4 THEN aestdtc || '-01-01' WHEN 7 THEN aestdtc || '-01' "
        "ELSE aestdtc END AS date), "
        f"column2, column3 FROM ({union}) AS said (aedecod, aestdtc, column2, column3)",
    )
    # severity and outcome of all, 4 without a relation, 3 serious and 46 criteria, a flag for each
    assert len(rows) == 1191 + 1191 + 1187 + 3 + 46 + 1191
    assert Counter(row[3] for row in rows if row[2] == "AETRTEM") == {"Y": 1126, "N": 65}
    called = {row[:2] for row in rows if row[2] == "AESER"}
    not_called = [row for row in rows if row[2] in yes and row[2] != "AESER" and row[:2] not in called]
    assert len(not_called) > 30  # the pilot's dirt: criteria of events that are not called serious are kept


def test_flags_of_subjects(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    alike(
        pilot,
        "SELECT observation_source_value, value_as_string, observation_date FROM cdm.observation "
        "WHERE observation_type_concept_id = 32880 AND observation_event_id IS NULL",
        files,
        "SELECT qnam, qval, CAST(rfstdtc AS date) FROM suppdm JOIN dm USING (usubjid)",
    )
    populations = alike(
        pilot,
        "SELECT cohort_definition_name, count(DISTINCT subject_id) FROM cdm.cohort JOIN cdm.cohort_definition "
        "USING (cohort_definition_id) WHERE cohort_definition_name LIKE 'Population: %' GROUP BY ALL",
        files,
        "SELECT 'Population: ' || qlabel, count(DISTINCT usubjid) FROM suppdm GROUP BY ALL",
    )
    assert sorted(number for _, number in populations) == [118, 147, 190, 234, 254, 254]


def test_arms(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    arms = alike(
        pilot,
        "SELECT cohort_definition_name, cohort_start_date, cohort_end_date FROM cdm.cohort JOIN cdm.cohort_definition "
        "USING (cohort_definition_id) WHERE cohort_definition_name LIKE '% arm: %'",
        files,
        "SELECT kind || ' arm: ' || arm, CAST(rfstdtc AS date), CAST(coalesce(rfxendtc, rfendtc) AS date) FROM "
        "(SELECT 'Planned' AS kind, arm, rfstdtc, rfxendtc, rfendtc FROM dm UNION ALL SELECT 'Actual', actarm, "
        "rfstdtc, rfxendtc, rfendtc "
        "FROM dm) WHERE arm <> 'Screen Failure'",
    )
    assert Counter(name for name, _, _ in arms) == {
        "Planned arm: Placebo": 86, "Planned arm: Xanomeline High Dose": 84, "Planned arm: Xanomeline Low Dose": 84,
        "Actual arm: Placebo": 86, "Actual arm: Xanomeline High Dose": 72, "Actual arm: Xanomeline Low Dose": 96,
    }  # fmt: skip
    assert count(pilot, "observation", "observation_source_value = 'ARM'") == 2 * (306 - 52)


def test_milestones_and_ends_of_participation(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    reason = "CASE WHEN dscat = 'DISPOSITION EVENT' AND dsdecod NOT IN ('COMPLETED', 'SCREEN FAILURE') THEN dsdecod END"
    alike(
        pilot,
        "SELECT observation_source_value, value_as_string, value_source_value, qualifier_source_value, "
        "observation_date, "
        "visit_source_value FROM cdm.observation JOIN cdm.visit_occurrence USING (visit_occurrence_id) "
        "WHERE qualifier_source_value IN ('PROTOCOL MILESTONE', 'DISPOSITION EVENT', 'OTHER EVENT')",
        files,
        f"SELECT dsdecod, left(dsterm, 60), {reason}, dscat, CAST(dsstdtc AS date), sv.visit FROM ds JOIN sv "
        "ON sv.usubjid = ds.usubjid AND CAST(sv.visitnum AS double) = CAST(ds.visitnum AS double)",
    )
    criteria = pilot.rows(
        "SELECT o.value_as_string, e.observation_source_value, e.value_as_string FROM cdm.observation AS o JOIN "
        "cdm.observation AS e "
        "ON e.observation_id = o.observation_event_id AND e.person_id = o.person_id AND "
        "o.obs_event_field_concept_id = 1147165 "
        "WHERE o.observation_source_value = 'ENTCRIT'"
    )
    ended = ("PROTOCOL VIOLATION", "PROTOCOL ENTRY CRITERIA NOT MET")
    assert sorted(criteria) == [("16", *ended), ("16", *ended), ("25", *ended)]


def test_history_without_a_date_and_operations(pilot: Converted) -> None:
    mh = raw("mh")
    operations = [r for r in mh if r["MHSTDTC"] and r["MHBODSYS"] == "SURGICAL AND MEDICAL PROCEDURES"]
    assert count(pilot, "procedure_occurrence") == len(operations)
    used = {name: counts[1] for name, counts in pilot.accounts().items() if name.startswith("medical_history")}
    assert used["medical_history_undated"] == sum(not row["MHSTDTC"] for row in mh)
    assert sum(used.values()) == len(mh)


def test_partial_dates_are_filled_in_and_counted(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    partial = "length({0}) < 10"
    of = "SELECT count(*) FROM {1} WHERE " + partial
    operation = " AND {}(mhbodsys IS NOT DISTINCT FROM 'SURGICAL AND MEDICAL PROCEDURES')"
    # a con-med is written down at each visit and counts once; its end is that of the last time
    last = (
        "SELECT count(*) FROM (SELECT * FROM cm QUALIFY row_number() OVER (PARTITION BY usubjid, cmspid, cmtrt, "
        "cmdose, cmdosu, cmdosfrq, "
        "cmroute, cmstdtc ORDER BY cmdtc DESC, CAST(cmseq AS double) DESC) = 1) WHERE length({}) < 10"
    )
    expected = {
        ("adverse_event", "start"): of.format("aestdtc", "ae"),
        ("medical_history", "start"): of.format("mhstdtc", "mh") + operation.format("NOT "),
        ("medical_history_procedure", "start"): of.format("mhstdtc", "mh") + operation.format(""),
        ("concomitant_medication", "start"): last.format("cmstdtc"),
        ("concomitant_medication", "end"): last.format("cmendtc"),
    }
    found = {
        (name, field): rows
        for name, field, rows in pilot.rows(
            "SELECT map, field, count(*) FROM audit.imputations WHERE rule IN ('earliest', 'latest') GROUP BY ALL"
        )
    }
    assert {key: files.execute(sql).fetchall()[0][0] for key, sql in expected.items()} == {
        k: found[k] for k in expected
    }
    assert found["adverse_event", "start"] == 26
    alike(
        pilot,
        "SELECT year(condition_start_date), count(*) FROM cdm.condition_occurrence GROUP BY ALL",
        files,
        "SELECT CAST(left(d, 4) AS bigint), count(*) FROM (SELECT aestdtc AS d FROM ae UNION ALL SELECT mhstdtc "
        "FROM mh "
        "WHERE mhstdtc IS NOT NULL AND coalesce(mhbodsys, '') <> 'SURGICAL AND MEDICAL PROCEDURES') GROUP BY ALL",
    )


def test_drugs(pilot: Converted) -> None:
    line = "USUBJID CMSPID CMTRT CMDOSE CMDOSU CMDOSFRQ CMROUTE CMSTDTC".split()
    lines = {tuple(row[c] for c in line) for row in raw("cm")}
    found = Counter(row[0] for row in pilot.rows("SELECT drug_source_value FROM cdm.drug_exposure"))
    assert found == Counter(name for _, _, name, *_ in lines) + Counter(row["EXTRT"] for row in raw("ex"))


def test_study_drug(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    alike(
        pilot,
        "SELECT drug_source_value, quantity, dose_unit_source_value, sig, route_source_value, "
        "drug_exposure_start_date, "
        "verbatim_end_date, visit_source_value FROM cdm.drug_exposure JOIN cdm.visit_occurrence USING "
        "(visit_occurrence_id)",
        files,
        "SELECT extrt, CAST(exdose AS double), exdosu, CAST(CAST(exdose AS double) AS integer) || ' mg PATCH "
        "QD', exroute, "
        "CAST(exstdtc AS date), CAST(exendtc AS date), visit FROM ex",
    )
    no_end = "verbatim_end_date IS NULL AND drug_source_value IN ('XANOMELINE', 'PLACEBO')"
    # in all six, the last exposure of dm is not known or lies before this one began
    assert count(pilot, "drug_exposure", f"{no_end} AND drug_exposure_end_date = drug_exposure_start_date") == 6
    assert count(pilot, "drug_exposure", no_end) == 6
    assert pilot.rows("SELECT count(*) FROM audit.imputations WHERE map = 'exposure' AND rule = 'start'") == [(6,)]


def test_results(pilot: Converted) -> None:
    lb = [row for row in raw("lb") if row["LBORRES"]]
    vs = [row for row in raw("vs") if row["VSORRES"] and row["VSSTAT"] != "NOT DONE"]
    found = pilot.rows(
        "SELECT split_part(measurement_source_value, ';', 1), count(*), sum(value_as_number), "
        "count(visit_occurrence_id) FROM cdm.measurement GROUP BY ALL"
    )
    tests: dict[str, list[str]] = {}
    for row in vs:
        tests.setdefault(row["VSTESTCD"], []).append(row["VSSTRESN"])
    for row in lb:
        below = re.fullmatch(r"<([0-9.]+)", row["LBSTRESC"])
        tests.setdefault(row["LBTESTCD"], []).append(row["LBSTRESN"] or (below[1] if below else ""))
    assert {name: rows for name, rows, _, _ in found} == {name: len(values) for name, values in tests.items()}
    for name, rows, total, visits in found:
        assert (total or 0) == pytest.approx(sum(float(value) for value in tests[name] if value)), name
        assert visits == rows, name  # every result belongs to a visit, also those of 1.2000000000000002
    assert sum(rows for _, rows, _, _ in found) == 59580 + 29635


def test_normal_ranges_units_and_what_was_collected(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    rows = alike(
        pilot,
        "SELECT measurement_source_value, unit_source_value, range_low, range_high, value_source_value, "
        "measurement_date, "
        "hour(measurement_datetime) FROM cdm.measurement WHERE measurement_type_concept_id = 32856",
        files,
        "SELECT lbtestcd, lbstresu, CAST(lbstnrlo AS double), CAST(lbstnrhi AS double), "
        "lborres || coalesce(' ' || lborresu, '') || coalesce('; ' || lbnrind, ''), CAST(left(lbdtc, 10) AS date), "
        "CASE WHEN length(lbdtc) > 10 THEN CAST(substr(lbdtc, 12, 2) AS bigint) END FROM lb",
    )
    assert sum(row[2] is not None for row in rows) == 56665
    assert sum(row[6] is not None for row in rows) == 59355
    assert sum(row[4].endswith("; ABNORMAL") for row in rows) == 318
    # the units that the shipped vocabulary does not know keep their text
    unknown = "SELECT unit_source_value, count(*) FROM cdm.measurement WHERE unit_concept_id = 0 GROUP BY ALL"
    assert sorted(pilot.rows(unknown)) == [("U/L", 9094), ("fmol(Fe)", 1809), ("mU/L", 271)]
    # the verdict of the laboratory does not follow from the standardised range, so it must be kept
    outside = "value_as_number > range_high OR value_as_number < range_low"
    assert count(pilot, "measurement", f"value_source_value LIKE '%; NORMAL' AND ({outside})") == 156
    below = "SELECT value_source_value, value_as_number FROM cdm.measurement WHERE operator_concept_id IS NOT NULL"
    assert Counter(pilot.rows(below)) == {("<0.2 mg/dL", 3.42): 5, ("<40 mg/dL; LOW", 2.2204): 1}


def test_vital_signs_keep_the_result_as_collected(pilot: Converted, files: duckdb.DuckDBPyConnection) -> None:
    alike(
        pilot,
        "SELECT measurement_source_value, value_as_number, unit_source_value, value_source_value FROM cdm.measurement "
        "WHERE measurement_type_concept_id = 32809",
        files,
        "SELECT left(concat_ws('; ', vstestcd, vspos, vsloc, vstpt), 50), CAST(vsstresn AS double), vsstresu, "
        "vsorres || ' ' || vsorresu "
        "FROM vs WHERE vsorres IS NOT NULL",
    )


def test_nothing_is_lost_in_silence(pilot: Converted) -> None:
    reads = {
        "person": 306, "observation_period": 306, "care_site": 306, "location": 306, "arm": 2 * 306, "consent": 306,
        "arm_cohort": 2 * 306, "arm_membership": 2 * 306, "subject_flag": 1197, "population_cohort": 1197,
        "population_membership": 1197, "visit": 3559, "death": 306 + 850 + 1191, "disposition": 850,
        "disposition_supplement": 3, "adverse_event": 1191, "adverse_event_supplement": 1191,
        "adverse_event_detail": 16 * 1191, "medical_history": 1818, "medical_history_procedure": 1818,
        "medical_history_undated": 1818, "exposure": 591, "concomitant_medication": 7510, "vital_signs": 29643,
        "laboratory": 59580, "trial_summary": 33, "eras.condition": 1831, "eras.drug": 1675,
    }  # fmt: skip
    accounts = pilot.accounts()
    assert {name: counts[0] for name, counts in accounts.items()} == reads
    filters = Counter()
    for name, rows in pilot.rows("SELECT map, rows FROM audit.filters"):
        filters[name] += rows
    rejects = Counter(row[0] for row in pilot.rows("SELECT map FROM audit.rejects"))
    for name, (read, used, filtered, duplicate, rejected) in accounts.items():
        assert read == used + filtered + duplicate + rejected, name
        assert filtered == filters[name], name
        assert rejected == rejects[name] == 0, name
    assert pilot.rows("SELECT DISTINCT source, \"column\" FROM audit.columns WHERE decision = 'undecided'") == []
    ignored = pilot.rows("SELECT source, \"column\" FROM audit.columns WHERE decision = 'ignored' AND reason IS NULL")
    assert ignored == []


def test_nothing_is_before_birth_and_nothing_ends_before_it_starts(pilot: Converted) -> None:
    starts = {
        "condition_occurrence": ("condition_start_date", "condition_end_date"),
        "drug_exposure": ("drug_exposure_start_date", "drug_exposure_end_date"),
        "procedure_occurrence": ("procedure_date", "procedure_end_date"),
        "visit_occurrence": ("visit_start_date", "visit_end_date"),
        "observation_period": ("observation_period_start_date", "observation_period_end_date"),
        "measurement": ("measurement_date", "measurement_date"),
        "observation": ("observation_date", "observation_date"),
        "drug_era": ("drug_era_start_date", "drug_era_end_date"),
        "condition_era": ("condition_era_start_date", "condition_era_end_date"),
    }
    for table, (start, end) in starts.items():
        early = f"{start} < make_date(year_of_birth, month_of_birth, day_of_birth)"
        counts = f"count(*) FILTER ({early}), count(*) FILTER ({end} < {start})"
        assert pilot.rows(f"SELECT {counts} FROM cdm.{table} JOIN cdm.person USING (person_id)") == [(0, 0)], table


def test_a_second_run_gives_the_same_tables(pilot: Converted) -> None:
    before = pilot.contents()
    pilot.run()
    assert pilot.contents() == before
    assert before["cdm.measurement"][0] == 59580 + 29635
