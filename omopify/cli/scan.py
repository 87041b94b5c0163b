"""``omopify scan``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from omopify.cli.completing import folders
from omopify.cli.group import Command
from omopify.cli.options import json_option

if TYPE_CHECKING:
    from omopify.errors import Problems
    from omopify.scanning.differences import Difference
    from omopify.scanning.model import Scan
    from omopify.staging import SourceRequest

_PLACES = 4
"""How many places of an anomaly are named."""


@click.command(
    name="scan",
    cls=Command,
    examples={
        "omopify scan export": "look through the export in the folder 'export'",
        "omopify scan": "look through the data of the project you are in",
        "omopify scan export --diff scan/scan.json": "what is new since that scan",
        "omopify scan export --whiterabbit": "also a ScanReport.xlsx, for Rabbit-in-a-Hat",
    },
)
@click.argument("data", type=click.Path(path_type=Path), default=Path(), required=False, shell_complete=folders)
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="DIR", help="Where to write, instead of the folder 'scan'."
)
@click.option(
    "--diff", "old", type=click.Path(path_type=Path), metavar="OLD", help="Say what differs from an earlier scan."
)
@click.option("--draft", type=click.Path(path_type=Path), metavar="DIR", help="Also write draft maps into this folder.")
@click.option("--whiterabbit", is_flag=True, help="Also write White Rabbit's ScanReport.xlsx.")
@click.option(
    "--small-cell",
    type=click.IntRange(min=1),
    default=5,
    show_default=True,
    metavar="N",
    help="Tell nothing about fewer rows, or subjects, than this.",
)
@json_option
def command(
    data: Path,
    out: Path | None,
    old: Path | None,
    draft: Path | None,
    whiterabbit: bool,
    small_cell: int,
    as_json: bool,
) -> None:
    """Look through an export: what each column holds, and what is dirty.

    DATA is a folder of files as they came (csv, tsv, xlsx, xpt, sas7bdat, parquet), or a project, whose words about
    its sources are then heeded. All rows are read. Written are scan.json, for programs and for the next --diff, and
    scan.html, for people. Values that may identify a person, and free text, are never shown.
    """
    from omopify.cli.show import emit_json, progress, show_problems
    from omopify.errors import Problems
    from omopify.scanning.discovering import ScanOptions
    from omopify.scanning.scan import scan_export
    from omopify.scanning.storing import as_data, read_scan

    problems = Problems()
    earlier = read_scan(old, problems) if old is not None else None
    problems.stop_if_errors()
    folder, requests, left, place = _data(data, problems)
    out = out or place
    options = ScanOptions(small_cell, tuple(requests), (*left, out))
    with progress() as say:
        scan = scan_export(folder, options, problems, say)
        say("writing what was found")
        written = _write(scan, out, whiterabbit)
    if draft is not None:
        written += _drafts(scan, draft, problems)
    show_problems(problems.warnings, everything=False)
    found = () if earlier is None else _compared(earlier, scan)
    if as_json:
        emit_json([asdict(one) for one in found] if earlier is not None else as_data(scan))
    elif earlier is not None:
        _show_differences(earlier, scan, found)
    else:
        _show_forms(scan)
        _show_attention(scan)
        _show_hidden(scan)
    if not as_json:
        for path in written:
            click.echo(path)


def _data(data: Path, problems: Problems) -> tuple[Path, Sequence[SourceRequest], tuple[Path, ...], Path]:
    """Return the data folder, what a project says of its sources, folders that hold no data, and where to write."""
    if not (data / "omopify.yaml").is_file():
        return data, (), (), Path("scan")
    from omopify.conversion.sources import requests
    from omopify.specs.project import load_project

    project = load_project(data, problems)
    problems.stop_if_errors()
    assert project is not None
    return project.data, requests(project.pack), (project.out, project.register), data / "scan"


def _write(scan: Scan, out: Path, whiterabbit: bool) -> list[Path]:
    from omopify.reports.scan import render_scan
    from omopify.scanning.storing import SCAN_FILE, as_data, to_json
    from omopify.scanning.whiterabbit import REPORT_FILE, write_report

    out.mkdir(parents=True, exist_ok=True)
    written = [out / SCAN_FILE]
    written[0].write_text(to_json(scan), encoding="utf-8", newline="\n")
    written.append(out / "scan.html")
    written[-1].write_text(render_scan(as_data(scan)), encoding="utf-8", newline="\n")
    if whiterabbit:
        written.append(out / REPORT_FILE)
        write_report(scan, written[-1])
    return written


def _drafts(scan: Scan, folder: Path, problems: Problems) -> list[Path]:
    from omopify.drafting.writing import trial_name, write_drafts

    return list(write_drafts(scan, folder, trial_name(folder.name), problems))


def _compared(earlier: Scan, scan: Scan) -> tuple[Difference, ...]:
    from omopify.scanning.differences import differences

    return differences(earlier, scan)


def _few(count: int | None, small: int) -> int | str:
    return f"< {small}" if count is None else count


def _show_forms(scan: Scan) -> None:
    from omopify.cli.show import counted, number, table

    rows = sum(form.rows or 0 for form in scan.forms)
    columns = sum(len(form.columns) for form in scan.forms)
    most = max((form.subjects or 0 for form in scan.forms), default=0)
    about = [counted(len(scan.forms), "form"), counted(rows, "row"), counted(columns, "column")]
    if most:
        about.append(f"up to {counted(most, 'subject')} in a form")
    click.echo(f"{scan.folder}: {', '.join(about)}. Nothing is told about fewer than {number(scan.small_cell)}.\n")
    listed = []
    for form in scan.forms:
        empty = sum(column.kind == "empty" for column in form.columns)
        odd = sum(bool(column.anomalies) and column.kind != "empty" for column in form.columns)
        key = " + ".join(form.keys[0].columns) if form.keys else ""
        key += "" if not form.keys or form.keys[0].duplicates == 0 else " (not quite)"
        rows_told = _few(form.rows, scan.small_cell)
        subjects = _few(form.subjects, scan.small_cell) if form.subject else "-"
        listed.append((form.name, str_number(rows_told), str_number(subjects), len(form.columns), empty, odd, key))
    table("", ("form", "rows", "subjects", "columns", "empty", "with dirt", "likely key"), listed)


def str_number(value: int | str) -> Any:
    """Write a number for a column of a table that may also hold words, set to the right."""
    from rich.text import Text

    from omopify.cli.show import number

    return Text(number(value) if isinstance(value, int) else value, justify="right")


def _show_attention(scan: Scan) -> None:
    from omopify.cli.show import table
    from omopify.scanning.attention import attention

    found = [one for one in attention(scan) if one.code != "other file"]
    if not found:
        click.echo("Nothing in it needs attention.\n")
        return
    listed = []
    for one in found:
        if one.places[0][0]:
            named = [_place(scan, place) for place, _ in one.places[:_PLACES]]
            more = len(one.places) - len(named)
            where = ", ".join(named) + (f" and {more} more" if more else "")
            listed.append((one.code, one.text, where))
        else:
            listed += [(one.code, anomaly.text, "") for _, anomaly in one.places]
    table("To look at first", ("what", "which means", "where"), listed)


def _place(scan: Scan, place: str) -> str:
    """Leave the form away where there is only one."""
    return place.partition(".")[2] or place if len(scan.forms) == 1 else place


def _show_hidden(scan: Scan) -> None:
    hidden = [
        (_place(scan, f"{form.name}.{column.name}"), column.identifier or "free text")
        for form in scan.forms
        for column in form.columns
        if (column.identifier and column.name != form.subject) or column.free_text
    ]
    subjects = sorted({form.subject for form in scan.forms if form.subject})
    if subjects:
        click.echo(f"Subjects are told apart by {', '.join(subjects)}; no value of it is shown.")
    if hidden:
        personal = [place for place, why in hidden if why != "free text"]
        prose = [place for place, why in hidden if why == "free text"]
        for what, places in (("May identify a person", personal), ("Free text", prose)):
            if places:
                more = f" and {len(places) - 8} more" if len(places) > 8 else ""
                click.echo(f"{what}, so never shown: {', '.join(places[:8])}{more}")
    others = [anomaly.text for anomaly in scan.anomalies if anomaly.code == "other file"]
    if others:
        more = f"; and {len(others) - _PLACES} more files" if len(others) > _PLACES else ""
        click.echo(f"Not looked into: {'; '.join(others[:_PLACES])}{more}")
    click.echo()


def _show_differences(earlier: Scan, scan: Scan, found: Sequence[Difference]) -> None:
    from omopify.cli.show import counted, table

    if earlier.small_cell != scan.small_cell:
        click.echo(f"The earlier scan told nothing about fewer than {earlier.small_cell}, this one {scan.small_cell}.")
    if not found:
        click.echo(f"Nothing differs: {counted(len(scan.forms), 'form')}, the same columns, kinds and codes.\n")
        return
    rows = [(one.what, f"{one.form}.{one.column}" if one.column else one.form, _change(one), one.text) for one in found]
    table(f"{counted(len(found), 'difference')} from the earlier scan", ("what", "where", "change", "in words"), rows)


def _change(one: Difference) -> str:
    return f"{one.was} -> {one.now}" if one.was and one.now else one.now or one.was
