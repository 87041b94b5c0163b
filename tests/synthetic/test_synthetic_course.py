"""A clean export tells courses that could have happened: dates in order, responses by the rules."""

from __future__ import annotations

import re
from calendar import monthrange
from collections import defaultdict
from datetime import date
from itertools import pairwise

import pytest

from omopify.synthetic import draw_truth, render_impress

Forms = dict[str, list[dict[str, str]]]
FULL = re.compile(r"\d{4}-\d{2}-\d{2}")
CUT = date(2026, 1, 31)


def day(text: str) -> date | None:
    """Read a full date; a partial one counts as unknown."""
    return date.fromisoformat(text) if FULL.fullmatch(text) else None


def earliest(text: str) -> date | None:
    """Return the first day that a possibly partial date may mean."""
    return date.fromisoformat(text.replace("NK", "01")) if text else None


def latest(text: str) -> date | None:
    """Return the last day that a possibly partial date may mean."""
    if not text:
        return None
    year, month, in_month = text.split("-")
    last_month = 12 if month == "NK" else int(month)
    last_day = monthrange(int(year), last_month)[1] if in_month == "NK" else int(in_month)
    return date(int(year), last_month, last_day)


def dates_of(rows: list[dict[str, str]], column: str) -> dict[str, list[date]]:
    found = defaultdict(list)
    for row in rows:
        if (known := day(row[column])) is not None:
            found[row["SubjectId"]].append(known)
    return found


@pytest.fixture(scope="module")
def consent() -> dict[str, date]:
    """Consent has no form of its own; only the truth knows it."""
    subjects = draw_truth(400, 7).subjects
    ids = (f"{row['site']}_{row['site_number']:04d}_{row['enrolment']}" for row in subjects.iter_rows(named=True))
    return dict(zip(ids, subjects["consent_date"], strict=True))


@pytest.fixture(scope="module")
def death(clean: Forms) -> dict[str, date]:
    return {subject: days[0] for subject, days in dates_of(clean["FU"], "FUPDEDAT").items()}


def test_subject_ids_and_second_enrolments(clean: Forms) -> None:
    ids = [row["SubjectId"] for row in clean["DM"]]
    assert len(ids) == len(set(ids)) == 400
    assert all(re.fullmatch(r"[A-Z]_\d{4}_[12]", subject) for subject in ids)
    by_id = {row["SubjectId"]: row for row in clean["DM"]}
    again = [subject for subject in ids if subject.endswith("_2")]
    assert len(again) == 400 // 60
    for subject in again:
        first = by_id[subject[:-1] + "1"]
        assert (first["BRTHDAT"], first["SEX"]) == (by_id[subject]["BRTHDAT"], by_id[subject]["SEX"])
    for form, rows in clean.items():
        assert {row["SubjectId"] for row in rows} <= set(ids), form


def test_second_enrolment_follows_the_first(clean: Forms) -> None:
    stops, starts = dates_of(clean["EOT"], "EOTDAT"), dates_of(clean["TR"], "TRC1_DT")
    died = {row["SubjectId"] for row in clean["FU"] if row["FUPSSTCD"] == "2"}
    contacts = dates_of(clean["FU"], "FUPALDAT")
    compared = 0
    for subject in (row["SubjectId"] for row in clean["DM"] if row["SubjectId"].endswith("_2")):
        first = subject[:-1] + "1"
        assert first not in died
        if subject in starts:
            assert max(stops.get(first, []) + starts[first] + contacts[first]) < min(starts[subject])
            compared += 1
    assert compared > 2


def test_screen_failures_have_no_cohort_and_no_treatment(clean: Forms) -> None:
    named = {row["SubjectId"] for row in clean["COH"] if row["COHORTNAME"] not in ("", "NA")}
    everyone = {row["SubjectId"] for row in clean["DM"]}
    with_form = {row["SubjectId"] for row in clean["COH"]}
    assert 0.05 < len(everyone - named) / len(everyone) < 0.25
    assert everyone - with_form  # some have no COH row
    assert {row["COHORTNAME"] for row in clean["COH"]} >= {"", "NA"}  # others one without a cohort
    for form in ("TR", "AE", "EOT", "RA", "RNRSP", "C30"):
        assert {row["SubjectId"] for row in clean[form]} <= named, form
    assert (everyone - named) & {row["SubjectId"] for row in clean["MH"]}


def test_one_item_version_a_row(clean: Forms) -> None:
    for form, items in {"COH": ["COHTTYPE", "COHALLO1", "COHALLO2"], "VI": ["VITUMA"]}.items():
        for item in items:
            used = set()
            for row in clean[form]:
                filled = [v for v in ("", "__2", "__3") if row.get(item + v) or row.get(f"{item}{v}CD")]
                assert len(filled) <= 1, (item, row)
                used.update(filled)
            assert {"", "__2"} <= used
    for row in clean["COH"]:  # version k of drug 1 goes with version k of drug 2
        for version in ("", "__2", "__3"):
            assert not row["COHALLO2" + version] or row["COHALLO1" + version]


def test_texts_and_codes_go_together(clean: Forms) -> None:
    for form, rows in clean.items():
        for item in [c for c in rows[0] if c + "CD" in rows[0]]:
            code_of: dict[str, set[str]] = defaultdict(set)
            for row in rows:
                assert bool(row[item]) == bool(row[item + "CD"]), (form, item)
                code_of[row[item]].add(row[item + "CD"])
            assert all(len(codes) == 1 for codes in code_of.values()), (form, item)


# Published pairs, typed from the data dictionary.
@pytest.mark.parametrize(
    ("form", "item", "pairs"),
    [
        ("DM", "SEX", {"Male": "1", "Female": "2"}),
        ("FU", "FUPSST", {"Alive": "1", "Death": "2"}),
        ("EOT", "EOTREOT", {"Adverse event/Toxicity": "1", "Disease progression": "2", "Other": "88"}),
        ("RA", "RATIMRES", {"Partial Response (PR)": "2", "Stable Disease (SD)": "3", "Not Evaluable (NE)": "96"}),
        ("RA", "RAiMOD", {"iStable disease": "3", "iUnconfirmed progressive disease": "4"}),
        ("MH", "MHONGO", {"Past": "1", "Present/dormant": "2", "Current/active": "3"}),
        ("AE", "SAEEXP1", {"Expected": "1", "Not expected": "2"}),
        ("AE", "AEREL1", {"Not related": "1", "Unlikely": "2", "Possibly": "3", "Related": "4"}),
        ("COH", "GENMUT1", {"BRAF activating mutations": "21", "BRCA1 inactivating mutation": "2"}),
    ],
)
def test_published_codes(clean: Forms, form: str, item: str, pairs: dict[str, str]) -> None:
    found = {row[item]: row[item + "CD"] for row in clean[form]}
    assert pairs.items() <= found.items()


def test_ecog_grade_stands_first_in_the_text(clean: Forms) -> None:
    assert all(int(row["ECOGSCD"]) == int(row["ECOGS"][0]) + 1 for row in clean["ECOG"])
    assert {row["ECOGS"][0] for row in clean["ECOG"] if row["EventId"] == "V00"} == {"0", "1", "2"}


def test_dates_are_in_order(clean: Forms, consent: dict[str, date], death: dict[str, date]) -> None:
    starts = {s: min(days) for s, days in dates_of(clean["TR"], "TRC1_DT").items()}
    stops = {s: days[0] for s, days in dates_of(clean["EOT"], "EOTDAT").items()}
    assert len(starts) > 300
    assert len(stops) > 200
    assert len(death) > 100
    for subject, start in starts.items():
        assert consent[subject] < start <= stops.get(subject, start) <= death.get(subject, CUT) <= CUT
    for row in clean["VI"] + clean["ECOG"]:
        visit = day(row.get("ECOGDAT") or row["EventDate"])
        assert visit is not None
        assert consent[row["SubjectId"]] <= visit <= death.get(row["SubjectId"], CUT)
        if row["EventId"] == "V00" and row["SubjectId"] in starts:
            assert visit < starts[row["SubjectId"]]
    for row in clean["VI"]:
        if row["EventId"] == "V03":
            elapsed = (date.fromisoformat(row["EventDate"]) - starts[row["SubjectId"]]).days
            assert 105 <= elapsed <= 119  # week 16, give or take one
    for row in clean["EOT"]:
        assert day(row["EventDate"]) >= stops[row["SubjectId"]]


def test_adverse_events_lie_between_consent_and_the_end(
    clean: Forms, consent: dict[str, date], death: dict[str, date]
) -> None:
    stops = {s: days[0] for s, days in dates_of(clean["EOT"], "EOTDAT").items()}
    numbers = defaultdict(list)
    for row in clean["AE"]:
        subject = row["SubjectId"]
        numbers[subject].append(row["AESPID"])
        latest = min(death.get(subject, CUT), CUT)
        start, end = earliest(row["AESTDAT"]), day(row["AEENDAT"])
        assert start is not None
        assert start >= consent[subject].replace(day=1)
        assert start <= latest
        if subject in stops:
            assert (start - stops[subject]).days <= 30
        if end is not None:
            assert start < end <= latest
        if row["AESERCD"] == "1":
            assert start <= date.fromisoformat(row["SAESTDAT"]) <= (end or latest)
            assert row["SAEREL1"]
        else:
            assert not row["SAESTDAT"] + row["SAEREL1"] + row["SAEEXP1"]
        fatal = row["AETOXGRECD"] == "5"
        assert fatal == (row["AEOUT"] == "Fatal")
        if fatal:
            assert row["AESERCD"] == "1"
            assert not row["AEENDAT"] or day(row["AEENDAT"]) == death.get(subject, day(row["AEENDAT"]))
        assert bool(row["AETRT2"]) == bool(row["AEREL2"])
    for found in numbers.values():
        assert found == [f"{i:02d}" for i in range(1, len(found) + 1)]
    assert any(row["AETOXGRECD"] == "5" for row in clean["AE"])
    assert any("NK" in row["AESTDAT"] for row in clean["AE"])


def test_medication_for_an_adverse_event_names_one_that_exists(clean: Forms) -> None:
    events = {(row["SubjectId"], row["AESPID"]): earliest(row["AESTDAT"]) for row in clean["AE"]}
    linked = 0
    for row in clean["CM"]:
        assert bool(row["CMAENO"]) == (row["CMAEYN"] == "Yes")
        assert (row["CMONGO"] == "Yes") == (not row["CMENDAT"])
        begin, end = earliest(row["CMSTDAT"]), latest(row["CMENDAT"])
        assert begin is not None
        assert end is None or begin <= end
        assert begin <= CUT
        for number in filter(None, row["CMAENO"].split(", ")):
            assert (row["SubjectId"], number) in events
            linked += 1
    assert linked > 100
    assert {"NK" in row["CMSTDAT"] for row in clean["CM"]} == {True, False}


def test_history_and_earlier_treatment_lie_before_consent(clean: Forms, consent: dict[str, date]) -> None:
    for form, start, end in (("MH", "MHSTDAT", "MHENDAT"), ("CT", "CTSTDAT", "CTENDAT")):
        for row in clean[form]:
            first, last = earliest(row[start]), latest(row[end])
            assert first is None or first < consent[row["SubjectId"]]
            assert not row[end] or earliest(row[end]) < consent[row["SubjectId"]]
            assert first is None or last is None or first <= last
        for partial in (r"\d{4}-\d{2}-NK", r"\d{4}-NK-NK"):
            assert any(re.fullmatch(partial, row[start]) for row in clean[form])
    assert all((row["MHONGO"] == "Past") or not row["MHENDAT"] for row in clean["MH"])
    assert any(re.fullmatch(r"\d{4}", row["BRTHDAT"]) for row in clean["DM"])


def test_cycles_follow_each_other_and_the_last_dose_is_the_end(clean: Forms) -> None:
    last_dose: dict[str, date] = {}
    previous: dict[tuple[str, str], tuple[int, date]] = {}
    for row in clean["TR"]:
        key, number, start = (row["SubjectId"], row["TRTNO"]), int(row["TRCNO1"]), day(row["TRC1_DT"])
        assert start is not None
        if key in previous:
            assert number == previous[key][0] + 1
            assert (start - previous[key][1]).days >= 21
        else:
            assert number == 1
        previous[key] = (number, start)
        oral, infused = bool(row["TRO_STDT"] or row["TRO_YN"]), bool(row["TRIVDS1"] or row["TRIVDELYN1"])
        assert oral + infused == (row["TRCYNCD"] == "1")
        if row["TRCYNCD"] == "1":
            dose = day(row["TROSTPDT"]) if oral else start
            if dose is not None:
                assert dose >= start
                last_dose[row["SubjectId"]] = max(dose, last_dose.get(row["SubjectId"], dose))
    for row in clean["EOT"]:
        assert day(row["EOTDAT"]) == last_dose[row["SubjectId"]]
    # Both sides of the evaluability rules of the harmonised variables occur.
    days = {(day(r["TROSTPDT"]) - day(r["TRO_STDT"])).days for r in clean["TR"] if r["TROSTPDT"]}  # type: ignore[operator]
    assert min(days) < 28 <= max(days)


def recist(base: int, nadir: int, current: str, new: bool, growth: float, least: int, shrink: float) -> str:
    if new:
        return "PD"
    if not current:
        return "NE"
    now = int(current)
    if now == 0:
        return "CR"
    if now - nadir >= least and now >= nadir * (1 + growth) - 1e-9:
        return "PD"
    return "PR" if now <= base * (1 - shrink) + 1e-9 else "SD"


@pytest.mark.parametrize(
    ("form", "names", "rule"),
    [
        ("RA", "RARECBAS RARECNAD RARECCUR RABASECH RARECCH RANLBASE", (0.20, 5, 0.30)),
        ("RNRSP", "TERNTBAS TERNAD TERNTB TERNCFB TERNCFN RNRSPNL", (0.25, 1, 0.50)),
    ],
)
def test_responses_follow_from_the_sums(clean: Forms, form: str, names: str, rule: tuple[float, int, float]) -> None:
    sums: dict[str, list[int]] = {}
    unconfirmed: set[str] = set()
    seen = set()
    for row in clean[form]:
        base, nadir, current, from_base, from_nadir, new = (row[name] for name in names.split())
        before = sums.setdefault(row["SubjectId"], [int(base)])
        assert int(base) == before[0]
        assert int(nadir) == min(before)
        if current:
            before.append(int(current))
            assert float(from_base) == pytest.approx(100 * (int(current) / int(base) - 1), abs=0.0501)
            if int(nadir):
                assert float(from_nadir) == pytest.approx(100 * (int(current) / int(nadir) - 1), abs=0.0501)
            else:
                assert not from_nadir
        else:
            assert not from_base + from_nadir
        response = recist(int(base), int(nadir), current, new == "Yes", *rule)
        if form == "RNRSP":
            assert row["RNRSPCL"].endswith(f"({response})")
            continue
        assert bool(row["RAASSESS1"]) == bool(row["RATIMRES"])
        assert bool(row["RAASSESS2"]) == bool(row["RAiMOD"])
        if row["RATIMRES"]:
            assert row["RATIMRES"].endswith(f"({response})")
            seen.add(response)
        if row["RAiMOD"]:
            code = {"CR": "1", "PR": "2", "SD": "3", "PD": "4", "NE": "6"}[response]
            if response == "PD" and row["SubjectId"] in unconfirmed:
                code = "5"
            assert row["RAiMODCD"] == code
            if code == "4":
                unconfirmed.add(row["SubjectId"])
            seen.add("i" + code)
        progressed = response == "PD"
        assert bool(row["RAPROGDT"]) == (progressed and bool(row["RATIMRES"]))
        assert bool(row["RAiUNPDT"]) == (progressed and bool(row["RAiMOD"]))
        assert row["RAPROGDT"] <= row["EventDate"]
    if form == "RA":
        assert seen >= {"CR", "PR", "SD", "PD", "i2", "i3", "i4", "i5"}


def test_assessments_come_after_baseline_and_match_the_criteria(clean: Forms) -> None:
    criteria = {row["SubjectId"]: row["VITUMA"] or row["VITUMA__2"] for row in clean["VI"] if row["EventId"] == "V00"}
    assert set(criteria.values()) == {"RECIST 1.1", "iRecist 1.1", "RANO (for Glioblastoma)"}
    for row in clean["RA"] + clean["RNRSP"]:
        assert re.fullmatch("V0[2-6]", row["EventId"])
        assert ("TERNTB" in row) == (criteria[row["SubjectId"]] == "RANO (for Glioblastoma)")
    both = [row for row in clean["RA"] if row["RAASSESS1"] and row["RAASSESS2"]]
    assert both
    assert all(row["EventId"] == "V00" for row in clean["RCNT"] + clean["RNTMNT"])


def test_questionnaires_every_three_months_with_answers_in_range(clean: Forms) -> None:
    dates: dict[str, list[date]] = defaultdict(list)
    for row in clean["C30"]:
        if row["EventName"].startswith(("Visit", "Month")):
            dates[row["SubjectId"]].append(date.fromisoformat(row["EventDate"]))
        for question in range(1, 31):
            code = row[f"C30_Q{question}CD"]
            assert not code or 1 <= int(code) <= (4 if question <= 28 else 7)
    gaps = {(b - a).days for days in dates.values() for a, b in pairwise(days)}
    assert 91 in gaps
    assert all(gap % 91 == 0 for gap in gaps)
    for row in clean["EQ5D"]:
        assert all(1 <= int(row[f"EQ5D{i}CD"]) <= 5 for i in range(1, 6))
        assert not row["EQ5DVAS"] or 0 <= int(row["EQ5DVAS"]) <= 100


def test_follow_up_ends_with_death_or_loss(clean: Forms, death: dict[str, date]) -> None:
    rows = defaultdict(list)
    for row in clean["FU"]:
        rows[row["SubjectId"]].append(row)
        assert bool(row["FUPALDAT"]) != (row["FUPSSTCD"] == "2")
    for subject, found in rows.items():
        assert all(row["FUPSSTCD"] == "1" for row in found[:-1])
        known = [d for row in found if (d := day(row["FUPALDAT"])) is not None]
        assert known == sorted(known)
        assert all(d <= death.get(subject, CUT) for d in known)
    assert {row["FUPSSTCD"] for row in clean["FU"]} == {"1", "2", "3"}
    for row in clean["EOS"]:
        if (died := day(row["DEATHDTC"])) and row["SubjectId"] in death:
            assert died == death[row["SubjectId"]]


def test_truth_and_rendering_are_open_to_tests(clean: Forms) -> None:
    truth = draw_truth(400, 7)
    forms = render_impress(truth)
    assert set(forms) == set(clean)
    for form, frame in forms.items():
        read = [{column: value or "" for column, value in row.items()} for row in frame.iter_rows(named=True)]
        assert read == clean[form], form
    assert truth.frames()["adverse_events"].height == len(clean["AE"])
