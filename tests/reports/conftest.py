"""Chromium, the reports as files, and pages that note everything a report should not do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from omopify.quality.outputs.masking import masked
from omopify.quality.outputs.quality_json import to_document
from omopify.reports.quality import render_report
from tests.reports import documents

VOID = {
    "status": "void",
    "why": ["The result database is not the one that was signed."],
    "by": "Kari Nordmann",
    "at": "2026-11-21T10:00:00+00:00",
    "quality_sha256": "cd" * 32,
    "data_sha256": "ab" * 32,
    "report_sha256": "",
    "shareable_sha256": "",
    "verdict": "ready with waivers",
    "waivers": [
        {
            "check": "oncology.event_before_consent",
            "reason": "Reconsent.",
            "author": "Kari Nordmann",
            "date": "2026-11-02",
            "expires": "2027-02-01",
        }
    ],
}
SIGNED = VOID | {"status": "signed", "why": []}
QUIET = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()


@pytest.fixture(scope="session")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every kind of report, as a file."""
    brief = documents.document(documents.brief())
    pages = {
        "full": render_report(documents.document(documents.full()), None, masked=False),
        "brief": render_report(brief, None, masked=False),
        "masked": render_report(masked(to_document(documents.brief()), 5), VOID, masked=True),
        "ready": render_report(documents.document(documents.ready()), SIGNED, masked=False),
        "empty": render_report(documents.document(documents.empty()), None, masked=False),
        "nasty": render_report(documents.nasty(), VOID, masked=False),
    }
    folder = tmp_path_factory.mktemp("reports")
    for name, page in pages.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return {name: folder / f"{name}.html" for name in pages}


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="session")
def browser(playwright: Playwright) -> Iterator[Browser]:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        pytest.skip("there is no Chromium here: install Debian's package 'chromium'")
    running = playwright.chromium.launch(executable_path=found, args=QUIET)
    yield running
    running.close()


@pytest.fixture
def show(browser: Browser, reports: dict[str, Path]) -> Iterator[Callable[..., Page]]:
    """Open a report; at the end of the test, prove that it has asked for nothing and complained of nothing."""
    contexts, noted = [], []

    def one(name: str, *, width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: noted.append(f"request {request.url}"))
        page.on("console", lambda message: noted.append(f"console {message.text}"))
        page.on("pageerror", lambda error: noted.append(f"error {error}"))
        page.on("dialog", lambda dialog: noted.append(f"dialog {dialog.message}"))
        page.goto(reports[name].as_uri())
        assert noted.pop(0) == f"request {reports[name].as_uri()}"
        return page

    yield one
    for context in contexts:
        context.close()
    assert noted == []
