"""The document about a mapping in a real browser: found, read, printed and signed without anything from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from omopify.describing.mapping import as_data, document
from omopify.errors import Problems
from omopify.reports.mapping import render_html
from omopify.specs.project import load_project
from tests.describing import tern
from tests.reports.test_page import AXE, WIDER_THAN_THE_PAGE


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A small mapping, with counts that a run might have left."""
    problems = Problems()
    project = load_project(tern.project(tmp_path_factory.mktemp("tern"), export=False), problems)
    assert project is not None
    found = as_data(document(project, problems))
    found["result"] = {"at": "2026-11-21", "small_cell": 5}
    for source in found["sources"]:
        source["rows"] = 9
        for column in source["columns"]:
            column |= {"rows": 9, "filled": "<5" if column["name"] == "STOP" else 9}
    for rule in (rule for one in found["maps"] for rule in one["fields"] if rule["answers"]):
        rule["answers"]["other"] = 7
        for row in rule["answers"]["rows"]:
            row["cells"] = "<5"
    return found


@pytest.fixture(scope="module")
def reports(said: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page as a draft, and approved."""
    approved = said | {"approved": True, "states": [state | {"status": "approved"} for state in said["states"]]}
    folder = tmp_path_factory.mktemp("pages")
    pages = {"draft": render_html(said), "approved": render_html(approved)}
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


def test_every_link_leads_somewhere(reports: dict[str, Path]) -> None:
    page = reports["draft"].read_text(encoding="utf-8")
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', page)) - {f"icon-{name}" for name in ("pass", "waived")} <= set(ids)


def test_search_finds_a_column_and_opens_what_it_leads_to(show: Callable[..., Page]) -> None:
    page = show("draft")
    page.fill("#q", "adverse event")
    page.locator("#list li").first.wait_for(timeout=5_000)
    assert "places" in page.locator("#found").inner_text()
    page.fill("#q", "outcome lookup nothing like it")
    page.locator("#found", has_text="0 places").wait_for(timeout=5_000)
    page.fill("#q", "end_date")
    page.locator("#list a", has_text="end_date").first.wait_for(timeout=5_000)
    page.press("#q", "Enter")
    assert page.evaluate("document.activeElement.tagName") == "A"
    page.click("#list a[href='#map-tern_event--set-end_date']")
    row = page.locator("#map-tern_event--set-end_date")
    row.locator("text=Taken from STOP").wait_for(timeout=5_000)
    assert "<b>agreed</b> & noted" in row.inner_text()
    page.press("#q", "Escape")
    assert not page.locator("#hits").is_visible()


def test_a_pi_finds_state_words_answers_tests_and_query(show: Callable[..., Page]) -> None:
    page = show("draft")
    assert "Draft" in page.locator("#state h2").inner_text()
    page.evaluate("location.hash = '#map-tern_event'")
    card = page.locator("#map-tern_event[open]")
    card.locator(".card-body").wait_for(timeout=5_000)
    text = card.inner_text()
    assert "reviewed by Kari Nordmann on 2026-11-01" in text
    assert "What <script>alert(1)</script> a note says stays a text" in text
    assert "Only rows for which TERM is filled and (GRADE is empty or GRADE is at most 3)." in text
    assert "OUT Outcome ae" in " ".join(card.locator("tr[id$='set-outcome'] td").first.inner_text().split())
    page.click("#map-tern_event tr[id$='set-outcome'] .answers summary")
    answers = [" ".join(row.split()) for row in card.locator("tr[id$='set-outcome'] .answers tr").all_inner_texts()]
    assert answers == [
        "The export says becomes Cells Note",
        "Better recovered <5 as agreed",
        "Dead fatal <5",
        "Unknown nothing (known, and not reported) <5",
        "anything else left out, and counted 7",
    ]
    page.click("#map-tern_event .examples summary")
    assert "a term that nobody knows is left out" in card.inner_text()
    page.click("#map-tern_event .sql summary")
    assert "SELECT" in card.locator("pre").inner_text()


def test_a_table_of_omop_names_the_map_behind_each_column(show: Callable[..., Page]) -> None:
    page = show("draft")
    page.click("nav details details:has(a[href='#omop']) summary")
    page.click("nav a[href='#omop-person']")
    row = page.locator("#omop-person--year_of_birth")
    row.locator("text=person: Worked out: the year of start_date.").wait_for(timeout=5_000)
    row.locator("a").click()
    page.locator("#map-person[open] .card-body").wait_for(timeout=5_000)
    assert page.locator("#map-person--set-year_of_birth").is_visible()


def test_a_draft_says_so_on_every_printed_page(show: Callable[..., Page], reports: dict[str, Path]) -> None:
    page = show("draft")
    assert not page.locator(".watermark").is_visible()
    page.emulate_media(media="print")
    assert page.locator(".watermark").is_visible()
    assert page.evaluate("getComputedStyle(document.querySelector('.watermark')).position") == "fixed"
    assert page.locator("#sign-off .pen").first.is_visible()
    assert not page.locator("nav").is_visible()
    assert page.evaluate("document.querySelector('.card.own .card-body').getClientRects().length") > 0
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    text = reports["draft"].read_text(encoding="utf-8")
    assert "DRAFT, not approved" in text.partition("@page { @top-left")[2][:200]
    assert show("approved").locator(".watermark").count() == 0


@pytest.mark.parametrize("options", [{"color_scheme": "dark"}, {"width": 320}])
def test_reads_for_everyone(show: Callable[..., Page], options: dict[str, Any]) -> None:
    page = show("draft", **options)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate(WIDER_THAN_THE_PAGE) <= 0
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    assert page.evaluate(AXE) == []


def test_reads_without_script(show: Callable[..., Page]) -> None:
    page = show("draft", java_script_enabled=False)
    assert not page.locator("#q").is_visible()
    page.click("#map-tern_event > summary")
    assert "Taken from TERM" in page.locator("#map-tern_event").inner_text()
