"""``omopify vocab show``."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from omopify.cli.completing import vocabulary_names
from omopify.cli.group import Command
from omopify.cli.options import json_option
from omopify.cli.vocab._lines import vocabulary_option

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from omopify.vocabulary.search.show import Brief, Concept, Relation


@click.command(
    name="show",
    cls=Command,
    examples={
        "omopify vocab show 8507": "a concept by its id",
        "omopify vocab show ICD10CM:C34.1": "a code of one vocabulary",
        "omopify vocab show 8507 --limit 50": "with more of its neighbours",
    },
)
@click.argument("concept", metavar="ID|CODE")
@vocabulary_option
@click.option(
    "--in",
    "code_of",
    default="",
    metavar="V",
    shell_complete=vocabulary_names,
    help="The vocabulary that the code is of, such as ICD10CM.",
)
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 10000), help="Neighbours of each kind.")
@json_option
def command(concept: str, vocabulary: str | None, code_of: str, limit: int, as_json: bool) -> None:
    """Show one concept and everything around it.

    A number is first taken for a concept id, then for a code. ICD10CM:C50.9 is the code of one vocabulary.
    """
    from omopify.cli.show import emit_json, progress, show_problems
    from omopify.errors import Problems
    from omopify.vocabulary.loading.chosen import chosen_vocabulary
    from omopify.vocabulary.search.show import find_concept, open_vocabulary, show

    problems = Problems()
    with progress() as say:
        chosen = chosen_vocabulary(vocabulary, problems, say)
        with open_vocabulary(chosen.path) as database:
            found = show(database, find_concept(database, concept, code_of), limit)
    show_problems(problems.warnings)
    if as_json:
        release = {"path": str(chosen.path), "release": chosen.release}
        emit_json({"vocabulary": release, **_json(found)})
    else:
        _show(found)


def _json(found: Concept) -> dict[str, Any]:
    """Return the concept's own fields beside each other, and what is around it under names of their own."""
    content = asdict(found)
    return {**content.pop("concept"), "valid": found.concept.invalid_reason is None, **content}


def _show(found: Concept) -> None:
    from rich.text import Text
    from rich.tree import Tree

    from omopify.cli.show import console, number
    from omopify.cli.vocab._lines import facts

    me = found.concept
    head = Text(f"{me.concept_id}  {me.concept_name}\n", style="bold")
    until = f"until {found.valid_to}" if me.invalid_reason else ""
    tree = Tree(head + Text("", style="not bold").append(facts(me, me.concept_class_id, until)), guide_style="dim")
    if found.replaced_by:
        steps = _branch(tree, "replaced by")
        for step in found.replaced_by:
            steps.add(_line(step.concept))
    elif me.invalid_reason:
        _branch(tree, "retired, and not replaced by another concept")
    if found.synonyms:
        names = _branch(tree, "synonyms")
        for name, language in found.synonyms:
            names.add(Text(name).append(f"  {language}" if language else "", style="dim"))
    for relation in found.mappings:
        _relation(tree, relation, me)
    if not any(relation.relationship_id == "Maps to" for relation in found.mappings):
        _branch(tree, "maps to no standard concept")
    if found.strengths:
        contents = _branch(tree, "contains")
        for strength in found.strengths:
            contents.add(Text(f"{strength.ingredient_id}  {strength.ingredient}  ").append(str(strength), style="cyan"))
    if found.ancestors.many:
        above = _branch(tree, "ancestors", found.ancestors.many)
        for level in found.ancestors.nearest:
            above.add(Text(f"{level.level} up  ", style="dim").append(_line(level.concept, "not dim")))
        _more(above, found.ancestors.many - len(found.ancestors.nearest))
    if found.descendants:
        said = "descendants, of which children" if found.children.many else "descendants"
        below = _branch(tree, f"{number(found.descendants)} {said}", found.children.many)
        for level in found.children.nearest:
            below.add(_line(level.concept))
        _more(below, found.children.many - len(found.children.nearest))
    for relation in found.relations:
        _relation(tree, relation, me)
    console().print(tree)


def _relation(tree: Tree, relation: Relation, me: Brief) -> None:
    from rich.text import Text

    named = relation.relationship_name not in (relation.relationship_id, "")
    branch = _branch(tree, relation.relationship_id, relation.many if relation.many > 1 else 0)
    if named and relation.relationship_id not in ("Maps to", "Mapped from", "Maps to value"):
        branch.label = branch.label + Text(f"  {relation.relationship_name}", style="dim")  # type: ignore[operator]
    for concept in relation.concepts:
        branch.add(Text("itself") if concept.concept_id == me.concept_id else _line(concept))
    _more(branch, relation.many - len(relation.concepts))


def _branch(tree: Tree, title: str, many: int = 0) -> Tree:
    from rich.text import Text

    from omopify.cli.show import number

    return tree.add(Text(title, style="bold cyan").append(f" ({number(many)})" if many else "", style="not bold"))


def _line(concept: Brief, style: str = "") -> Text:
    from rich.text import Text

    from omopify.cli.vocab._lines import facts

    return Text(f"{concept.concept_id}  {concept.concept_name}\n", style=style) + facts(concept)


def _more(tree: Tree, many: int) -> None:
    from rich.text import Text

    from omopify.cli.show import number

    if many > 0:
        tree.add(Text(f"... and {number(many)} more (--limit)", style="dim"))
