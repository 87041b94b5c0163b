"""``omopify sql``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="sql")
@click.argument("project", type=click.Path(path_type=Path))
@click.argument("map", required=False)
def command(project: Path, map: str | None) -> None:
    """Show the SQL that PROJECT's maps compile to, or only that of MAP.

    Standard output carries nothing but SQL. The export need not be there: columns are then taken from the pack's
    column list.
    """
    from omopify.cli.check import export_headers
    from omopify.compiler.planner import make_plan
    from omopify.compiler.render import script
    from omopify.errors import OmopifyError, Problem, Problems, did_you_mean
    from omopify.specs.project import load_project

    problems = Problems()
    loaded = load_project(project, problems)
    if loaded is None:
        problems.stop_if_errors()
    assert loaded is not None
    # What is wrong with the export is for 'check' to say; the SQL can be shown all the same.
    plan = make_plan(loaded.pack, export_headers(loaded, Problems()), problems)
    problems.stop_if_errors()
    assert plan is not None
    steps = [step for step in plan.maps if map in (None, step.name)]
    if map is not None and not steps:
        names = [step.name for step in plan.maps]
        hint = did_you_mean(map, names) or f"its maps are: {', '.join(sorted(names))}"
        raise OmopifyError(Problem("OM119", f"the project has no map '{map}'", hint=hint))
    click.echo("\n".join(script(step) for step in steps), nl=False)
