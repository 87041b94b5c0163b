"""What stands in the report's HTML: everything that was found, nothing that acts, and the same bytes every time."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from omopify.quality.outputs.quality_json import to_document
from omopify.reports import arrange, flow, pictures
from omopify.reports.quality import render_report
from tests.reports import documents
from tests.reports.conftest import SIGNED, VOID

KINDS = ("full", "masked", "ready", "empty", "nasty")


class Read(HTMLParser):
    """The elements of a page with their attributes, and the texts of some."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": [], "h1": []}
        self._inside: str | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag in self.texts:
            self._inside = tag
            self.texts[tag].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == self._inside:
            self._inside = None

    def handle_data(self, data: str) -> None:
        if self._inside:
            self.texts[self._inside][-1] += data


@pytest.fixture(params=KINDS)
def page(request: pytest.FixtureRequest, reports: dict[str, Path]) -> str:
    return reports[request.param].read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def full(reports: dict[str, Path]) -> str:
    return reports["full"].read_text(encoding="utf-8")


def digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_policy_allows_this_style_and_this_script_and_nothing_else(page: str) -> None:
    read = Read(page)
    policy = next(a["content"] for tag, a in read.elements if a.get("http-equiv") == "Content-Security-Policy")
    data, script = read.texts["script"]
    (style,) = read.texts["style"]
    assert policy == (
        f"default-src 'none'; style-src {digest(style)}; script-src {digest(script)}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    assert json.loads(data).keys() == {"states", "severities", "texts", "rows"}


def test_nothing_is_loaded_and_nothing_acts_but_the_script(page: str) -> None:
    allowed = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}
    for tag, attributes in Read(page).elements:
        assert tag not in {"img", "link", "iframe", "object", "embed", "base", "form", "image", "foreignobject"}
        for name, value in attributes.items():
            assert not name.startswith("on")
            assert name not in {"style", "src", "srcset", "action", "data", "background"}
            assert not name.startswith("xmlns") or value in allowed
            if name in {"href", "xlink:href"}:
                assert value.startswith("#")
    addresses = set(re.findall(r"https?://[^\s\"'<]+", page))
    assert {one for one in addresses if not one.startswith("http://exam")} <= allowed  # that one is a text of nasty()


def test_ids_are_unique_and_links_lead_somewhere(page: str) -> None:
    elements = [attributes for _, attributes in Read(page).elements]
    ids = [a["id"] for a in elements if "id" in a]
    assert len(ids) == len(set(ids))
    assert {a["href"][1:] for a in elements if "href" in a} <= set(ids)


def test_headings_are_in_order(page: str) -> None:
    levels = [int(tag[1]) for tag, _ in Read(page).elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[:2] == [1, 2]
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert levels.count(1) == 1


def test_tables_have_captions_and_headers_have_a_scope(page: str) -> None:
    tags = [tag for tag, _ in Read(page).elements]
    assert all(tags[i + 1] == "caption" for i, tag in enumerate(tags) if tag == "table")
    assert all(a.get("scope") in {"col", "row", "rowgroup"} for tag, a in Read(page).elements if tag == "th")


def test_sections_stand_in_the_order_of_their_weight(full: str) -> None:
    sections = [a["id"] for tag, a in Read(full).elements if tag == "section"]
    order = "verdict changes flow failed terms losses columns heat pictures checks versions sign-off"
    assert sections == order.split()


def test_hostile_texts_stay_texts(reports: dict[str, Path]) -> None:
    read = Read(reports["nasty"].read_text(encoding="utf-8"))
    assert len(read.texts["script"]) == 2
    assert documents.BREAKOUT in read.texts["h1"] or documents.HOSTILE in read.texts["h1"]
    texts = json.loads(read.texts["script"][0])["texts"]
    assert documents.HOSTILE in texts
    assert documents.BREAKOUT in texts
    whole = reports["nasty"].read_text(encoding="utf-8")
    assert "{{ 7 * 7 }}" in whole
    assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\u202a-\u202e\u2066-\u2069]", whole)


def test_a_lone_surrogate_can_be_written() -> None:
    document = documents.document(documents.empty())
    document["subject"]["name"] = "half a \ud83d"
    assert "half a \N{REPLACEMENT CHARACTER}" in render_report(document, None, masked=False).encode("utf-8").decode()


def test_the_same_document_gives_the_same_page(full: str) -> None:
    assert render_report(documents.document(documents.full()), None, masked=False) == full


def test_what_quality_json_leaves_out_because_it_is_empty_changes_nothing(full: str) -> None:
    assert render_report(to_document(documents.full()), None, masked=False) == full


def test_2500_checks_make_a_small_file(reports: dict[str, Path]) -> None:
    data = Read(reports["full"].read_text(encoding="utf-8")).texts["script"][0]
    assert len(json.loads(data)["rows"]) >= 2_500
    assert reports["full"].stat().st_size < 3_000_000


def card(page: str, check: str) -> str:
    """Return the text of a failing check's card."""
    cards = re.findall(r'<details class="card.*?\n</details>\n', page, re.S)
    (found,) = (c for c in cards if f"<code>{check}</code>" in re.sub("<wbr>", "", c))
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub("<wbr>", "", found)).split())


def test_a_failing_check_says_all_that_a_steward_needs(full: str) -> None:
    text = card(full, "oncology.progression_needs_growth")
    assert "12 of 340 assessments fail 3.53 %" in text
    assert "Allowed 1 %" in text
    assert "Changed by Kari Nordmann on 2026-10-02: Two readers at our site measure in cm" in text
    assert "As shipped: none allowed, warning." in text
    assert "What usually causes it: Most often the smallest sum before is missing" in text
    assert "omopify quality rows oncology.progression_needs_growth" in text
    assert "FROM dsp.tumour_assessment" in text


def test_a_waived_check_is_never_shown_as_passed(full: str) -> None:
    text = card(full, "oncology.event_before_consent")
    assert text.startswith("Failed, waived")
    assert "Waived by Kari Nordmann on 2026-11-02 until 2027-02-01: Reconsent after amendment 4" in text
    data = json.loads(Read(full).texts["script"][0])
    (row,) = (r for r in data["rows"] if data["texts"][r[7]] == "oncology.event_before_consent")
    assert data["states"][row[0]] == "Failed, waived"


def test_parts_above_their_limit_are_named_first_and_those_without_a_failure_not_at_all(full: str) -> None:
    text = card(full, "trial.rejected_rows")
    assert "1 of 3 parts" in text  # 9.4 % of 2 %; the whole, with 3.07 %, is not what is judged
    assert "in Adverse events , 9.4 %" in text.partition("Where")[0]
    above, _, within = text.partition("1 more have failing rows, but no more than is allowed")
    assert "Adverse events 14 149 9.4 % 2 % too many" in above
    assert "Concomitant medication 2 152 1.32 % 2 %" in within
    assert "In all 16 of 522 rows, 3.07 %" in text
    assert "Death" not in text
    assert "1 more have no failing rows" in text


def test_checks_of_the_cdm_are_one_entry_for_each_kind_and_come_after_the_others(full: str) -> None:
    found = full.partition('<section id="failed"')[2].partition("</section>")[0]
    warnings = found.partition("<h3>Warning")[2].partition("<h3>")[0]
    titles = re.findall(r'<span class="card-title"><span class="asked">Expected:</span> <bdi>([^<]+)', warnings)
    assert titles == [
        "Few rows of each form are rejected.",
        "… of … is not 0: every term has a concept.",
        "No adverse event begins before consent.",
    ]
    count = sum(
        r.check.type == "standardConceptRecordCompleteness" and r.status == "fail" for r in documents.full().results
    )
    assert f"<b>{count}</b> checks" in warnings
    assert warnings.count('<tr id="check-') == count


def test_the_verdict_names_what_to_look_at_first_in_words(full: str, reports: dict[str, Path]) -> None:
    verdict = full.partition('<section id="verdict"')[2].partition("</section>")[0]
    assert re.findall(r'<a href="#check-\d+"><bdi>([^<]+)', verdict) == [
        "The name of a visit is one of the shared model&#39;s.",
        "Progression is called only where the sum of diameters has grown by at least 20 % and 5 mm over the smallest "
        "sum before, or where there is a new lesion.",  # new since the last delivery
        "Every row that a map read is used, filtered, a duplicate or rejected.",
    ]
    assert "#check-" not in reports["ready"].read_text(encoding="utf-8").partition('<section id="verdict"')[2]


def test_an_error_is_not_a_count(full: str) -> None:
    text = card(full, "dsp.values_in_set.visit.name")
    assert text.startswith("Not measured Expected: The name of a visit")
    assert "Why it could not be measured: the column 'name' cannot be read as text" in text.replace("&#39;", "'")


def test_masked_counts_give_no_share(reports: dict[str, Path]) -> None:
    page = reports["masked"].read_text(encoding="utf-8")
    text = card(page, "trial.accounting_sums")
    assert "&lt;5 of 95 maps" in text
    assert "%" not in text
    assert "Counts below 5 are masked" in page
    assert "Counts are exact" not in page


def test_marks_say_what_the_page_is(reports: dict[str, Path]) -> None:
    marks = {
        name: re.findall(r'<p class="mark[^>]*><b>([^<]+)</b>', path.read_text(encoding="utf-8"))
        for name, path in reports.items()
    }
    assert marks["full"] == marks["brief"] == ["Synthetic", "Unsigned", "Stays here"]
    assert marks["masked"] == ["Synthetic", "Sign-off void", "Copy to share"]
    assert marks["ready"] == ["Stays here"]
    assert marks["empty"] == ["Unsigned", "Stays here"]


def test_sign_off_names_who_when_and_what(reports: dict[str, Path]) -> None:
    signed, void, unsigned = (
        reports[name].read_text(encoding="utf-8").partition('<section id="sign-off"')[2]
        for name in ("ready", "masked", "full")
    )
    for page in (signed, void):
        assert "Kari Nordmann" in page
        assert "21 November 2026, 10:00 UTC" in page
        assert str(SIGNED["data_sha256"]) in page
    assert str(VOID["why"][0]) in void
    assert "is void" not in signed
    assert "Signature" in unsigned


def test_terms_are_named_only_if_the_document_names_them() -> None:
    document = documents.document(documents.full())
    page = render_report(document, None, masked=False)
    assert "no. 1</span>" not in page  # it has no proposal, so there is nothing to say of it
    assert "no. 3</span>" in page
    assert "For the other 40 terms" in page
    document["findings"]["unmapped"][0]["term"] = "ASAT increased"
    page = render_report(document, None, masked=False)
    assert "<bdi>ASAT increased</bdi>" in page
    assert "no. 1</span>" not in page
    assert "no. 2</span>" in page


def section(page: str, name: str) -> str:
    """Return the text of a section."""
    found = page.partition(f'<section id="{name}"')[2].partition("</section>")[0].partition(">")[2]
    return " ".join(re.sub(r"<[^>]+>", " ", re.sub("<wbr>", "", found)).split())


def test_terms_are_counted_by_field_and_without_proposals_there_are_no_columns_for_them(full: str) -> None:
    assert "adverse_event · concept 60 39" in section(full, "terms")
    document = documents.document(documents.full())
    for term in document["findings"]["unmapped"]:
        term |= {"concept_id": None, "concept_name": None, "vocabulary": None, "score": None}
    text = section(render_report(document, None, masked=False), "terms")
    assert "adverse_event · concept 60 39" in text
    assert "omopify quality PROJECT --show-terms" in text
    assert "omopify vocab suggest PROJECT" in text
    assert "Suggestion" not in text


def test_a_question_is_asked_and_a_sentence_is_expected() -> None:
    document = documents.document(documents.full())
    (growth,) = (r for r in document["results"] if r["check"]["id"] == "oncology.progression_needs_growth")
    growth["check"]["description"] = "Has each progression grown?"
    page = render_report(document, None, masked=False)
    assert card(page, "oncology.progression_needs_growth").startswith("Failed Asked: Has each progression grown?")
    assert card(page, "trial.accounting_sums").startswith("Failed Expected: Every row that a map read")
    assert "Asked: Has each progression grown? ( 12 of 340 assessments fail)" in section(page, "verdict")


def test_what_newly_fails_comes_first_and_what_lacks_a_concept_last() -> None:
    document = documents.document(documents.full())
    of = {r["check"]["id"]: r for r in document["results"]}
    terms, consent = of["trial.rejected_rows"], of["oncology.event_before_consent"]
    consent["waiver"] = None
    terms["check"]["subcategory"] = "Vocabulary"

    def order() -> list[str]:
        page = render_report(document, None, masked=False)
        return re.findall(
            r"<code>(trial\.rejected_rows|oncology\.event_before_consent)</code></dd>", re.sub("<wbr>", "", page)
        )

    assert order() == ["oncology.event_before_consent", "trial.rejected_rows"]
    document["comparison"]["checks_failing"] = ["trial.rejected_rows"]
    assert order() == ["trial.rejected_rows", "oncology.event_before_consent"]
    assert "new" in card(render_report(document, None, masked=False), "trial.rejected_rows").partition("Where")[0]


def test_rows_are_offered_only_where_there_are_some_to_see(full: str) -> None:
    assert "omopify quality rows" in card(full, "trial.accounting_sums")  # its query says a file and a row
    document = documents.document(documents.full())
    (sums,) = (r for r in document["results"] if r["check"]["id"] == "trial.accounting_sums")
    sums["check"]["rows_sql"] = (
        "SELECT COLUMNS(lambda name: name IN ('row_id', 'source_row')) FROM (SELECT map AS row_id)"
    )
    assert "omopify quality rows" not in card(render_report(document, None, masked=False), "trial.accounting_sums")


def test_what_the_project_has_changed_is_told_of_checks_that_pass_too() -> None:
    document = documents.document(documents.full())
    (growth,) = (r for r in document["results"] if r["check"]["id"] == "oncology.progression_needs_growth")
    growth["status"], growth["measurement"]["violated"] = "pass", 1
    document["comparison"]["checks_failing"] = []
    document["comparison"]["checks_mended"] = ["oncology.progression_needs_growth", "trial.accounting_sums"]
    page = render_report(document, None, masked=False)
    text = section(page, "failed")
    assert "Changed by Kari Nordmann on 2026-10-02: Two readers at our site measure in cm" in text
    assert "oncology.progression_needs_growth" in text
    mended = section(page, "changes").partition("do not fail now")[2]
    assert "oncology.progression_needs_growth (the project has changed the check" in mended
    assert "trial.accounting_sums (the project" not in mended


def test_consequences_come_after_causes_and_reasons_are_explained() -> None:
    document = documents.document(documents.full())
    one = document["findings"]["losses"][0] | {"form": "AE", "kind": "rejected row"}
    document["findings"]["losses"] = [
        one | {"field": "person", "reason": "not found", "rows": 9},
        one | {"field": "start", "reason": "not a date", "rows": 1},
    ]
    text = section(render_report(document, None, masked=False), "losses")
    assert text.index("· start Rejected row") < text.index("· person Rejected row")
    assert "before 1800 or after 2199" in text
    assert "partial date" not in text


@pytest.mark.parametrize(
    ("violated", "denominator", "written"),
    [
        (0, 10, "0 %"),
        (10, 10, "100 %"),
        (1, 3, "33.33 %"),
        (1, 20_000, "< 0.01 %"),
        (19_999, 20_000, "> 99.99 %"),
        (1, 2, "50 %"),
        ("<5", 10, ""),
        (3, "<5", ""),
        (0, 0, ""),
        (None, None, ""),
    ],
)
def test_shares(violated: object, denominator: object, written: str) -> None:
    assert arrange.percent(violated, denominator) == written


def picture(kind: str, *rows: tuple[object, ...], series: str | None = None) -> dict[str, Any]:
    return {
        "title": "Persons",
        "note": "By month.",
        "kind": kind,
        "columns": ["month", "sex", "persons"],
        "rows": [list(row) for row in rows],
        "x": "month",
        "y": "persons",
        "series": series,
        "counts": ["persons"],
    }


def test_a_masked_count_leaves_a_gap() -> None:
    drawn = pictures.draw(picture("bars", ("May", "", 7), ("June", "", "<5"), ("July", "", 9)), "p")
    assert drawn is not None
    assert {"May", "June", "July"} <= set(re.findall(r">([^<]+)</text>", drawn))
    assert drawn.count('fill="var(--series-1)"') == 2


def test_nothing_is_stacked_on_a_masked_count() -> None:
    rows = (("May", "female", 7), ("May", "male", "<5"))
    assert pictures.draw(picture("stacked bars", *rows, series="sex"), "p") is None
    assert pictures.draw(picture("stacked bars", rows[0], series="sex"), "p") is not None


def test_a_picture_takes_all_its_colours_from_the_page() -> None:
    rows = (("May", "female", 7), ("May", "male", 5), ("June", "male", 5))
    for kind in ("bars", "stacked bars", "line"):
        drawn = pictures.draw(picture(kind, *rows, series="sex"), "p")
        assert drawn is not None
        colours = set(re.findall(r'(?:fill|stroke)="([^"]+)"', drawn))
        assert all(one == "none" or one.startswith("var(--") for one in colours)
        assert '<title id="p-title">Persons</title>' in drawn


def links(*triples: tuple[str, str, Any]) -> list[dict[str, Any]]:
    stages = {"F": "form", "H": "harmonised", "O": "omop", "L": "left out"}
    return [
        {
            "from_stage": stages[start[0]],
            "from_name": start[2:],
            "to_stage": stages[end[0]],
            "to_name": end[2:],
            "rows": n,
        }
        for start, end, n in triples
    ]


def test_boxes_never_overlap_and_every_link_is_drawn() -> None:
    found = documents.document(documents.full())["findings"]["flow"]
    drawn = flow.lay_out(found)
    assert drawn is not None
    passing = sum(one["from_stage"] == "form" and one["to_stage"] == "omop" for one in found)
    assert len(drawn.bands) == len(found) + passing
    for x in {box.x for box in drawn.boxes}:
        column = sorted((box for box in drawn.boxes if box.x == x), key=lambda box: box.y)
        assert all(above.y + above.height < below.y for above, below in pairwise(column))
        assert all(box.height >= flow.LOWEST for box in column)
        assert column[-1].y + column[-1].height <= drawn.height
    assert max(box.x for box in drawn.boxes) + flow.BOX == drawn.width


def test_bands_are_as_wide_as_their_rows() -> None:
    drawn = flow.lay_out(links(("F AE", "H event", 300), ("F AE", "L rejected", 100), ("H event", "O condition", 300)))
    assert drawn is not None
    widths = {band.title: band.width for band in drawn.bands}
    assert widths["AE → event: 300 rows"] == widths["event → condition: 300 rows"]
    assert widths["AE → event: 300 rows"] == pytest.approx(3 * widths["AE → rejected: 100 rows"], abs=0.2)
    counts = {box.name: box.count for box in drawn.boxes}
    assert counts == {"AE": "400", "event": "300", "rejected": "100", "condition": "300"}


def test_a_sum_with_a_masked_number_is_not_shown() -> None:
    drawn = flow.lay_out(links(("F AE", "H event", 300), ("F AE", "L rejected", "<5"), ("H event", "O x", "≥5")))
    assert drawn is not None
    counts = {box.name: box.count for box in drawn.boxes}
    assert counts == {"AE": "", "event": "300", "rejected": "<5", "x": "≥5"}


def test_a_derived_table_says_from_what_and_draws_no_rows() -> None:
    drawn = flow.lay_out(links(("F AE", "H event", 9), ("H event + visit", "H grade", 4), ("H grade", "O death", 4)))
    assert drawn is not None
    assert {box.name: box.derived for box in drawn.boxes} == {
        "AE": "",
        "event": "",
        "grade": "event + visit",
        "death": "",
    }
    assert {box.name: box.count for box in drawn.boxes}["grade"] == "4"
    assert {band.title for band in drawn.bands} == {"AE → event: 9 rows", "grade → death: 4 rows"}


def test_no_rows_no_picture() -> None:
    assert flow.lay_out([]) is None
    assert flow.lay_out(links(("F AE", "H event", 0))) is None
