"""The page about a scan in a real browser: what is first is first, small counts stay hidden, columns can be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from omopify.reports.scan import render_scan
from omopify.scanning.model import (
    Anomaly,
    Column,
    DateFormat,
    Form,
    Key,
    Link,
    Numbers,
    Pair,
    Scan,
    Slot,
    Value,
)
from tests.reports.test_page import AXE, WIDER_THAN_THE_PAGE


def column(name: str, **said: Any) -> Column:
    known = {"label": "", "kind": "text", "evidence": "all filled cells are texts", "rows": 40, "filled": 40,
             "distinct": 12, "shortest": 2, "longest": 9}  # fmt: skip
    return Column(name=name, **{**known, **said})


def form(name: str, columns: tuple[Column, ...], **said: Any) -> Form:
    known = {"file": f"{name}.csv", "sheet": None, "format": "csv", "delimiter": ";", "encoding": "utf-8",
             "header_row": 2, "label_row": 1, "rows": 40, "bytes": 26_184, "sha256": "ab" * 32, "subject": "ID",
             "subjects": 20}  # fmt: skip
    return Form(name=name, columns=columns, **{**known, **said})


SUBJECT = column("ID", label="Subject", identifier="tells the subjects apart", distinct=20)
SCAN = Scan(
    schema_version=1,
    omopify="0.1",
    folder="export <b>of</b> May",
    small_cell=5,
    forms=(
        form(
            "ae",
            (
                SUBJECT,
                column(
                    "OUT",
                    label="Outcome",
                    kind="code list",
                    values=tuple(Value(f"answer {n}", 20 - n) for n in range(7)),
                    values_hidden=3,
                    missing=(Value("NK", 6),),
                ),
                column(
                    "OUTCD", kind="code list", code_of="OUT", pairs=(Pair("1", "<i>Well</i>", 8), Pair("2", "B", None))
                ),
                column(
                    "DAY",
                    kind="date",
                    filled=35,
                    dates=(DateFormat("%d.%m.%Y", 31, "day", ambiguous=True), DateFormat("%Y-%m-NK", None, "month")),
                    anomalies=(Anomaly("mixed date formats", None, "dates are written in 2 ways"),),
                ),
                column("REMARK", free_text="long texts, nearly all different", filled=None, distinct=None),
                column(
                    "NOTHING",
                    kind="empty",
                    filled=0,
                    distinct=0,
                    shortest=None,
                    longest=None,
                    anomalies=(Anomaly("empty", 40, "no cell is filled"),),
                ),
                column(
                    "DOSE",
                    kind="number",
                    numbers=Numbers(",", 1, None, 0, 2.5, 90.0),
                    slot=Slot("DOSE{n}", "1"),
                    version_of="DOSIS",
                ),
            ),
            keys=(Key(("ID", "DAY"), None),),
            anomalies=(Anomaly("duplicate rows", None, "rows stand there again"),),
        ),
        form("dm", (SUBJECT,), rows=None, subjects=None, subject=""),
    ),
    links=(Link("ae", ("ID",), "dm", ("ID",), 0.875, True),),
    anomalies=(Anomaly("not read", None, "a file could not be read"),),
)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Pages about a scan, about one of nothing, and about one in which nothing is odd."""
    folder = tmp_path_factory.mktemp("scans")
    clean = Scan(1, "0.1", "clean", 5, (form("lab", (column("X"),), subject=""),))
    for name, scan in {"scan": SCAN, "clean": clean, "nothing": Scan(1, "0.1", "nothing", 5, ())}.items():
        (folder / f"{name}.html").write_text(render_scan(asdict(scan)), encoding="utf-8")
    return {path.stem: path for path in folder.iterdir()}


def test_what_needs_attention_comes_first(show: Callable[..., Page]) -> None:
    page = show("scan")
    first = page.locator("#first")
    assert [tile.strip() for tile in first.locator(".tiles dd").all_inner_texts()] == ["1", "1", "3", "1"]
    assert [one.split("\n")[0] for one in first.locator(".odd summary b").all_inner_texts()] == [
        "not read",
        "mixed date formats",
        "duplicate rows",
    ]
    assert "ae.DAY: dd.mm.yyyy" in " ".join(first.inner_text().split())
    assert "Empty: ae.NOTHING." in " ".join(first.inner_text().split())
    first.locator("a", has_text="ae.DAY").first.click()
    page.locator("#form-ae[open] tr:target").wait_for(timeout=5_000)


def test_small_counts_are_hidden_and_texts_stay_texts(show: Callable[..., Page]) -> None:
    page = show("scan")
    assert page.locator("h1").inner_text() == "export <b>of</b> May"
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    rows = {row.split("\n")[0].split("\t")[0].strip(): " ".join(row.split()) for row in
            page.locator("#form-ae .columns > tbody > tr").all_inner_texts()}  # fmt: skip
    assert "≥88 %" in rows["DAY"]
    assert "yyyy-mm-NK <5" in rows["DAY"]
    assert "<i>Well</i> 8" in rows["OUTCD"]
    assert "2 B ≥5" in rows["OUTCD"]
    assert "and 2 more, 3 not shown" in rows["OUT"]
    assert "Written for “nothing here”: NK (6)." in rows["OUT"]
    assert "<5" in rows["REMARK"]
    assert "not shown: long texts" in rows["REMARK"]
    assert "2.5 to 90, decimal comma" in rows["DOSE"]
    overview = [" ".join(row.split()) for row in page.locator("#overview tbody tr").all_inner_texts()]
    assert "ae ae.csv 40 20 7 ID, DAY (<5 rows twice) 3" in overview
    assert "dm dm.csv <5 \N{EN DASH} 1 nothing found 0" in overview
    assert "ae: ID dm: ID 88 % many to one" in overview


def test_columns_can_be_searched_and_filtered(show: Callable[..., Page]) -> None:
    page = show("scan")
    found = page.locator("#found")
    assert found.inner_text() == "8 of 8 columns"
    page.fill("#q", "outcome")
    assert found.inner_text() == "1 of 8 columns"
    assert page.locator("#form-ae tr:visible code").first.inner_text() == "OUT"
    assert not page.locator("#form-dm").is_visible()
    page.click("#reset")
    page.select_option("#f-flag", "identifier")
    assert found.inner_text() == "2 of 8 columns"
    page.select_option("#f-kind", "date")
    assert found.inner_text() == "0 of 8 columns"
    page.evaluate("location.hash = '#form-dm'")
    page.locator("#found", has_text="8 of 8 columns").wait_for(timeout=5_000)


@pytest.mark.parametrize(
    ("name", "options"), [("scan", {"color_scheme": "dark", "width": 320}), ("nothing", {}), ("clean", {"width": 320})]
)
def test_reads_for_everyone(show: Callable[..., Page], name: str, options: dict[str, Any]) -> None:
    page = show(name, **options)
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.evaluate(WIDER_THAN_THE_PAGE) <= 0
    page.evaluate((files("axe_playwright_python") / "axe.min.js").read_text(encoding="utf-8"))
    assert page.evaluate(AXE) == []


def test_prints_all_columns(show: Callable[..., Page]) -> None:
    page = show("scan")
    page.emulate_media(media="print")
    assert not page.locator("#search").is_visible()
    assert page.evaluate("document.querySelector('#form-ae .columns').getClientRects().length") > 0
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")


def test_reads_without_script(show: Callable[..., Page]) -> None:
    page = show("scan", java_script_enabled=False)
    assert not page.locator("#search").is_visible()
    page.click("#form-ae > summary")
    assert "answer 0" in page.locator("#form-ae").inner_text()
