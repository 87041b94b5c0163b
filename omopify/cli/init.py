"""``omopify init``: from an export to a project that runs."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from omopify.cli.completing import folders
from omopify.cli.group import Command

if TYPE_CHECKING:
    from omopify.drafting.fitting import Fit
    from omopify.drafting.precedents import Shipped
    from omopify.drafting.project import Setting
    from omopify.drafting.writing import Draft
    from omopify.scanning.model import Scan

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_NEW = "new"


@click.command(
    name="init",
    cls=Command,
    examples={
        "omopify init mytrial": "asks for all that it needs",
        "omopify init mytrial --data export --trial mytrial --name MyTrial --edc Castor": "asks nothing",
        "omopify init impress --data export --mappings impress": "with a mapping that ships with omopify",
    },
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False), shell_complete=folders)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), metavar="FOLDER", help="The folder of the export."
)
@click.option("--trial", metavar="ID", help="The trial's short name: small letters, digits and _.")
@click.option("--name", metavar="NAME", help="What people call the trial.")
@click.option("--edc", metavar="EDC", help="The system that the export is from, such as REDCap.")
@click.option(
    "--mappings",
    metavar="PACK|new",
    help="A mapping that ships with omopify, or 'new' for one drafted from the export.",
)
@click.option("--no-input", is_flag=True, help="Ask nothing; what is missing and needed is an error.")
def command(
    folder: Path,
    data: Path | None,
    trial: str | None,
    name: str | None,
    edc: str | None,
    mappings: str | None,
    no_input: bool,
) -> None:
    """Begin a project in DIR, from an export.

    The export is looked through. If its columns are those of a trial whose mapping ships with omopify, that mapping is
    proposed; else one is drafted from the export, each line with its reason. The project runs at once, as far as the
    draft goes. Nothing that is there already is written over.
    """
    from omopify.cli.show import progress, show_problems
    from omopify.drafting.fitting import fits
    from omopify.drafting.precedents import shipped
    from omopify.errors import Problems
    from omopify.scanning.discovering import ScanOptions
    from omopify.scanning.scan import scan_export

    asking = _Asking(not no_input and sys.stdin.isatty())
    _refuse_existing(folder)
    packs = shipped()
    _check_words(trial, mappings, packs)
    data = asking.folder(folder, data)
    problems = Problems()
    with progress() as say:
        options = ScanOptions(leave=(folder / "out", folder / "register", folder / "scan"))
        scan = scan_export(data, options, problems, say)
    show_problems(problems.warnings, everything=False)
    best = fits(scan, packs.packs)
    chosen = asking.mapping(mappings, best, scan)
    if chosen is not None:
        _write_shipped(folder, data, chosen, scan, name)
        return
    trial = asking.trial(trial, folder)
    name = asking.text(name, "What people call the trial", trial.upper())
    edc = asking.text(edc, "The system that the export is from (Castor, REDCap, ...; may be left empty)", "")
    _write_new(folder, data, scan, packs, trial, name, edc)


class _Asking:
    """Asks for what is not given, on a terminal; elsewhere it says which option is missing."""

    def __init__(self, may: bool):
        self._may = may

    def folder(self, project: Path, data: Path | None) -> Path:
        if data is None:
            there = project / "data"
            if not self._may and not there.is_dir():
                raise click.UsageError("where is the export? Name its folder with --data")
            default = str(there) if there.is_dir() else None
            data = Path(click.prompt("The folder of the export", default=default)) if self._may else there
        return data

    def mapping(self, said: str | None, best: Sequence[Fit], scan: Scan) -> Fit | None:
        """Return the shipped pack to use; None to draft a new mapping."""
        from omopify.drafting.fitting import FITS

        rows = sum(form.rows or 0 for form in scan.forms)
        click.echo(f"The export: {_counted(len(scan.forms), 'form')}, {_counted(rows, 'row')}.")
        if said == _NEW:
            return None
        if said is not None:
            fit = next(fit for fit in best if fit.pack.folder.name == said)
            _tell(fit)
            return fit
        first = best[0] if best else None
        if first is None or first.share < FITS:
            click.echo("No mapping that ships with omopify fits its columns, so one is drafted from the export.")
            return None
        _tell(first)
        if not self._may:
            click.echo("So it is used; '--mappings new' drafts one from the export instead.")
        elif not click.confirm("Use it? If not, one is drafted from the export.", default=True):
            return None
        return first

    def trial(self, said: str | None, folder: Path) -> str:
        from omopify.drafting.writing import trial_name

        if said is not None:
            return said
        proposed = trial_name(folder.resolve().name)
        if not self._may:
            raise click.UsageError(f"what is the trial's short name? Give it with --trial, such as --trial {proposed}")
        answer: str = click.prompt("The trial's short name", default=proposed)
        while not _NAME.fullmatch(answer):
            click.echo("Please use small letters, digits and _, with a letter first.")
            answer = click.prompt("The trial's short name", default=proposed)
        return answer

    def text(self, said: str | None, question: str, default: str) -> str:
        if said is not None or not self._may:
            return said if said is not None else default
        answer: str = click.prompt(question, default=default, show_default=bool(default))
        return answer.strip()


def _refuse_existing(folder: Path) -> None:
    from omopify.drafting.project import PROJECT_FILE
    from omopify.errors import Location, OmopifyError, Problem
    from omopify.specs.project import shown

    if (folder / PROJECT_FILE).exists():
        hint = "name another folder; 'omopify check' says how this project is"
        raise OmopifyError(
            Problem("OM911", "there is a project here already", Location(shown(folder / PROJECT_FILE)), hint)
        )


def _check_words(trial: str | None, mappings: str | None, packs: Shipped) -> None:
    from omopify.drafting.writing import trial_name
    from omopify.errors import OmopifyError, Problem, did_you_mean

    if trial is not None and not _NAME.fullmatch(trial):
        raise click.UsageError(
            f"'{trial}' is no short name: small letters, digits and _, such as --trial {trial_name(trial)}"
        )
    names = [pack.folder.name for pack in packs.packs]
    if mappings not in (None, _NEW, *names):
        hint = (
            did_you_mean(mappings or "", [*names, _NEW])
            or f"there are: {', '.join(names)}; and 'new' for one of your own"
        )
        raise OmopifyError(Problem("OM912", f"no mapping called '{mappings}' ships with omopify", hint=hint))


def _tell(fit: Fit) -> None:
    from omopify.cli.show import counted

    there = fit.needed - len(fit.missing)
    mapping = f"the mapping '{fit.pack.folder.name}' ({fit.pack.trial.name})"
    click.echo(f"It has {there} of the {counted(fit.needed, 'column')} that {mapping} needs.")
    if fit.missing:
        shown = ", ".join(fit.missing[:6]) + (f" and {len(fit.missing) - 6} more" if len(fit.missing) > 6 else "")
        click.echo(f"Not there: {shown}. A run stops until the export has them, or the maps do without them.")


def _write_shipped(folder: Path, data: Path, fit: Fit, scan: Scan, name: str | None) -> None:
    from omopify.drafting.fitting import changes
    from omopify.drafting.project import Setting
    from omopify.specs.project import shown

    where, inside = _way(folder, data)
    setting = Setting(name or fit.pack.trial.name, fit.pack.folder.name, where, inside, changes=changes(fit))
    _write(folder, setting, scan, {})
    click.echo()
    click.echo(f"The mapping ships with omopify, in {shown(fit.pack.folder)}.")
    _next(folder)


def _write_new(folder: Path, data: Path, scan: Scan, packs: Shipped, trial: str, name: str, edc: str) -> None:
    from omopify.cli.show import show_problems
    from omopify.drafting.project import SCHEMAS, Setting
    from omopify.drafting.writing import draft

    made = draft(scan, trial, name=name, edc=edc, packs=packs, schemas=f"../../{SCHEMAS}")
    show_problems(made.left_out)
    where, inside = _way(folder, data)
    setting = Setting(name, f"mappings/{trial}", where, inside, not_yet=bool(made.not_yet))
    _write(folder, setting, scan, {f"mappings/{trial}/{path}": text for path, text in made.files.items()})
    _show_draft(made, f"mappings/{trial}")
    _next(folder)


def _way(folder: Path, data: Path) -> tuple[str, bool]:
    """Return how the project names the export's folder, and whether it lies inside the project.

    A path that was given in full is kept, as one on another drive has to be.
    """
    here, there = folder.resolve(), data.resolve()
    inside = there == here or here in there.parents
    if data.is_absolute() and not inside:
        return data.as_posix(), False
    try:
        return Path(os.path.relpath(there, here)).as_posix(), inside
    except ValueError:  # another drive on Windows
        return there.as_posix(), False


def _typed(folder: Path) -> str:
    return "." if folder.resolve() == Path.cwd() else f'"{folder}"' if " " in str(folder) else folder.as_posix()


def _write(folder: Path, setting: Setting, scan: Scan, maps: dict[str, str]) -> None:
    """Write the project; what git and editors read is left as it is where it is there already."""
    from omopify.drafting.project import PROJECT_FILE, project_files
    from omopify.drafting.writing import write_files
    from omopify.errors import Problems
    from omopify.scanning.storing import SCAN_FILE, to_json

    files = project_files(setting)
    kept = [path for path in files if path != PROJECT_FILE and (folder / path).exists()]
    new = {path: text for path, text in files.items() if path not in kept}
    write_files(folder, {**new, **maps}, Problems())
    seen = folder / "scan" / SCAN_FILE
    if not seen.exists():
        seen.parent.mkdir(parents=True, exist_ok=True)
        seen.write_text(to_json(scan), encoding="utf-8", newline="\n")
    click.echo()
    click.echo(f"Written to {folder}:")
    for path, what in _told(setting, new).items():
        click.echo(f"  {path:<34}{what}")
    if kept:
        click.echo(f"Left as it was, because it was there already: {', '.join(kept)}.")
        if ".gitignore" in kept:
            click.echo("See that .gitignore keeps the export, out, register and scan out of git.")


def _told(setting: Setting, new: dict[str, str]) -> dict[str, str]:
    from omopify.drafting.project import PROJECT_FILE, SCHEMAS

    lines = {PROJECT_FILE: "which maps, which data, where the result goes"}
    if setting.own:
        lines[f"{setting.mappings}/"] = "the mapping: trial.yaml, the list of columns, and the maps"
    lines["scan/scan.json"] = "what was seen in the export; 'omopify scan' makes a page of it"
    git = [path for path in new if path.startswith((".gitignore", ".gitattributes"))]
    if git:
        lines[", ".join(git)] = "keeps data, results and the key register out of git"
    if any(path.startswith((".vscode", SCHEMAS)) for path in new):
        lines[f".vscode/, {SCHEMAS}/"] = "help while you write, in VS Code and other editors"
    if any(path.startswith(".github") for path in new):
        lines[".github/workflows/omopify.yml"] = "an example: let GitHub check the maps"
    if "README.md" in new:
        lines["README.md"] = "what comes next"
    return lines


def _show_draft(made: Draft, place: str) -> None:
    from omopify.cli.show import counted, table

    rows: list[tuple[object, ...]] = []
    for one in made.decided:
        form = one.form
        becomes = ", ".join(made.becomes[form.name]) or "nothing yet"
        rows.append(
            (form.name, "few" if form.rows is None else form.rows, len(form.columns), made.used[form.name], becomes)
        )
    click.echo()
    table("What the export becomes, as a draft", ("form", "rows", "columns", "used", "shared variables"), rows)
    told = f"{counted(len(made.in_use), 'map')} in use"
    if made.not_yet:
        told += f"; {counted(len(made.not_yet), 'map')} in {place}/not_yet, which lack something"
    click.echo(f"{told}. Each line of a map says why it was proposed; what is open stands there with '???'.")
    click.echo()


def _next(folder: Path) -> None:
    project = _typed(folder)
    click.echo("Next:")
    for words, what in (
        (f"omopify check {project}", "what is wrong, and what is open"),
        (f"omopify run {project}", "convert the export, as far as the mapping goes"),
        (f"omopify review {project}", "what somebody has to approve"),
        (f"omopify docs {project}", "the mapping in plain words, as a page"),
    ):
        click.echo(f"  {words:<34}{what}")


def _counted(number: int, thing: str) -> str:
    from omopify.cli.show import counted

    return counted(number, thing)
