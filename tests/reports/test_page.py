"""The report in a real browser: it stays by itself, can be searched, read by anyone, on paper and on a small screen."""

from __future__ import annotations

from collections.abc import Callable
from importlib.resources import files
from typing import Any

import pytest
from playwright.sync_api import Page

KINDS = ("full", "masked", "ready", "empty", "nasty")
TIME_A_SEARCH = """(word) => {
    const field = document.getElementById("q");
    const began = performance.now();
    field.value = word;
    field.dispatchEvent(new Event("input"));
    document.getElementById("list").getBoundingClientRect();
    return performance.now() - began;
}"""
AXE = """async () => {
    const found = await axe.run(document, { resultTypes: ["violations"] });
    return found.violations
        .filter((one) => ["serious", "critical"].includes(one.impact))
        .map((one) => `${one.id}: ${one.nodes.slice(0, 3).map((node) => node.html).join(" | ")}`);
}"""
WIDER_THAN_THE_PAGE = """() => document.documentElement.scrollWidth - document.documentElement.clientWidth"""


def found(page: Page) -> str:
    return page.locator("#found").inner_text()


@pytest.mark.parametrize("name", KINDS)
def test_asks_for_nothing_and_complains_of_nothing(show: Callable[..., Page], name: str) -> None:
    page = show(name)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    page.mouse.wheel(0, 50_000)
    assert page.title().startswith("Quality of ")


def test_search_finds_and_filters_narrow(show: Callable[..., Page]) -> None:
    page = show("full")
    assert found(page) == "2,598 of 2,598 checks, the first 100 shown"
    page.fill("#q", "EVENT before_consent")
    assert found(page) == "1 of 2,598 checks"
    assert page.locator("#hits tr").count() == 1
    assert "No adverse event begins before consent." in page.locator("#hits").inner_text()
    page.click("#reset")
    page.select_option("#f-state", "Failed, waived")
    assert found(page) == "1 of 2,598 checks"
    page.click("#reset")
    page.select_option("#f-table", "cdm.person")
    # 18 fields of PERSON, six kinds of check for each in the made-up document
    assert found(page) == "108 of 2,598 checks, the first 100 shown"
    page.select_option("#f-category", "Conformance")
    assert found(page) == "36 of 2,598 checks"
    page.fill("#q", "no such check")
    assert found(page) == "0 of 2,598 checks"


def test_search_is_quick(show: Callable[..., Page]) -> None:
    page = show("full")
    words = ("p", "person", "plausible measurement", "concept_id", "")
    assert max(page.evaluate(TIME_A_SEARCH, word) for word in words) < 250


def test_all_checks_can_be_shown(show: Callable[..., Page]) -> None:
    page = show("full")
    page.fill("#q", "measurement")
    while page.locator("#more").is_visible():
        page.click("#more")
        assert page.evaluate("document.activeElement.tagName") in ("SUMMARY", "BUTTON")
    assert f"{page.locator('#hits tr').count():,} of" in found(page)


def test_sorting_by_number_puts_the_most_first(show: Callable[..., Page]) -> None:
    page = show("full")
    page.click("#list th button[data-sort=violated]")
    shown = page.locator("#hits td:nth-child(4)").all_inner_texts()
    numbers = [int(text.split(" of ")[0].replace(",", "")) for text in shown if text[0].isdigit()]
    assert numbers == sorted(numbers, reverse=True)
    assert page.locator("#list th[aria-sort]").get_attribute("aria-sort") == "descending"


def test_the_heat_map_leads_to_its_checks(show: Callable[..., Page]) -> None:
    page = show("full")
    page.click("#heat a[data-table='cdm.person'][data-category='Plausibility']")
    assert found(page) == "36 of 2,598 checks"
    assert page.locator("#f-table").input_value() == "cdm.person"


def test_a_link_opens_what_it_leads_to(show: Callable[..., Page]) -> None:
    page = show("full")
    page.fill("#q", "event_before_consent")
    page.click("#hits summary")
    page.click("#hits a")
    page.locator(".card.waived[open] .card-body").wait_for(timeout=5_000)
    page.fill("#q", "standardConceptRecordCompleteness_measurement_unit_source_value")
    page.click("#hits summary")
    page.click("#hits a")
    page.locator(".card.warning[open] tr:target").wait_for(timeout=5_000)


def test_keyboard_alone_is_enough(show: Callable[..., Page]) -> None:
    page = show("ready")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "q":
            break
    assert page.evaluate("document.activeElement.id") == "q"
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    page.keyboard.type("person_person_id")
    assert page.locator("#hits tr").count() >= 1
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")


def test_a_failed_check_opens_with_enter(show: Callable[..., Page]) -> None:
    page = show("full")
    page.locator(".card.warning summary").first.focus()
    page.keyboard.press("Enter")
    assert page.locator(".card.warning .card-body").first.is_visible()


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("brief", {}),
        ("brief", {"color_scheme": "dark"}),
        ("masked", {"width": 320}),
        ("nasty", {}),
        ("empty", {"color_scheme": "dark"}),
    ],
)
def test_axe_finds_no_serious_problem(show: Callable[..., Page], name: str, options: dict[str, Any]) -> None:
    page = show(name, **options)
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate(AXE) == []


@pytest.mark.parametrize("name", KINDS)
def test_reflows_at_400_percent(show: Callable[..., Page], name: str) -> None:
    page = show(name, width=320)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate(WIDER_THAN_THE_PAGE) <= 0
    verdict = page.locator("#verdict h2").bounding_box()
    assert verdict is not None
    assert verdict["y"] < 800 or name == "nasty"


def test_dark_is_dark_and_paper_is_white(show: Callable[..., Page]) -> None:
    page = show("full", color_scheme="dark")
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(18, 24, 31)"
    chart = "getComputedStyle(document.querySelector('.chart text')).fill"
    assert page.evaluate(chart) == "rgb(228, 233, 238)"
    page.emulate_media(media="print")
    assert page.evaluate(background) == "rgb(255, 255, 255)"
    assert page.evaluate(chart) == "rgb(27, 37, 48)"


def test_prints_what_must_be_signed(show: Callable[..., Page]) -> None:
    page = show("full")
    page.emulate_media(media="print")
    assert not page.locator("nav").is_visible()
    assert not page.locator("#search").is_visible()
    assert page.locator("#checks .printed").is_visible()
    assert page.locator("#sign-off .pen").is_visible()
    assert page.evaluate(
        "[...document.querySelectorAll('.card.warning .card-body')].every((one) => one.getClientRects().length > 0)"
    )
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_reads_without_script(show: Callable[..., Page]) -> None:
    page = show("full", java_script_enabled=False)
    assert "Not ready" in page.locator("#verdict").inner_text()
    # 3 critical, 2 hand-written warnings, 1 kind of CDM warnings and 3 kinds of remarks
    assert page.locator("#failed .card").count() == 9
    assert "This list needs JavaScript" in page.locator("#checks").inner_text()
    assert not page.locator("#search").is_visible()
