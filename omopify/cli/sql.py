"""``omopify sql``."""

from __future__ import annotations

import click

from omopify.cli.completing import map_names
from omopify.cli.group import Command
from omopify.cli.options import json_option, project_first


@click.command(
    name="sql",
    cls=Command,
    examples={
        "omopify sql": "all maps of the project in this folder",
        "omopify sql person": "one map",
        "omopify sql impress person death": "two maps of the project in the folder impress",
    },
)
@click.argument("words", nargs=-1, metavar="[PROJECT] [MAP]...", shell_complete=map_names)
@json_option
def command(words: tuple[str, ...], as_json: bool) -> None:
    """Show the SQL that PROJECT's maps compile to, or only that of each MAP.

    Standard output carries nothing but SQL. The export need not be there: columns are then taken from the pack's
    column list.
    """
    from omopify.cli.check import export_headers
    from omopify.cli.show import emit_json, emit_text
    from omopify.compiler.planner import make_plan
    from omopify.compiler.render import script
    from omopify.errors import Problems, did_you_mean
    from omopify.specs.project import load_project

    project, maps = project_first(words)
    problems = Problems()
    loaded = load_project(project, problems)
    if loaded is None:
        problems.stop_if_errors()
    assert loaded is not None
    # What is wrong with the export is for 'check' to say; the SQL can be shown all the same.
    plan = make_plan(loaded.pack, export_headers(loaded, Problems()), problems)
    problems.stop_if_errors()
    assert plan is not None
    names = [step.name for step in plan.maps]
    for name in maps:
        if name not in names:
            hint = did_you_mean(name, names) or f"its maps are: {', '.join(sorted(names))}"
            problems.add("OM119", f"the project has no map '{name}'", None, hint)
    problems.stop_if_errors()
    scripts = {step.name: script(step) for step in plan.maps if not maps or step.name in maps}
    if as_json:
        emit_json([{"map": name, "sql": text} for name, text in scripts.items()])
    else:
        emit_text("\n".join(scripts.values()))
