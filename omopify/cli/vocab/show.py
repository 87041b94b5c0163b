"""``omopify vocab show``."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from omopify.cli.vocab._lines import vocabulary_option

if TYPE_CHECKING:
    from rich.text import Text
    from rich.tree import Tree

    from omopify.vocabulary.search.show import Brief, Concept, Relation


@click.command(name="show")
@click.argument("concept", metavar="ID|CODE")
@vocabulary_option
@click.option("--in", "code_of", default="", metavar="V", help="The vocabulary that the code is of, such as ICD10CM.")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 10000), help="Neighbours of each kind.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON.")
def command(concept: str, vocabulary: str | None, code_of: str, limit: int, as_json: bool) -> None:
    """Show one concept and everything around it.

    A number is first taken for a concept id, then for a code. ICD10CM:C50.9 is the code of one vocabulary.
    """
    from omopify.cli.show import progress, show_problems
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
        click.echo(json.dumps({"vocabulary": release, **_json(found)}, indent=2, ensure_ascii=False, default=str))
    else:
        _show(found)


def _json(found: Concept) -> dict[str, Any]:
    """Return the concept's own fields beside each other, and what is around it under names of their own."""
    content = asdict(found)
    return {**content.pop("concept"), "valid": found.concept.invalid_reason is None, **content}


def _show(found: Concept) -> None:
    from rich.text import Text
    from rich.tree import Tree

    from omopify.cli.vocab._lines import console, facts

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
        below = _branch(tree, f"{_number(found.descendants)} {said}", found.children.many)
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


def _branch(tree: Tree, title: str, number: int = 0) -> Tree:
    from rich.text import Text

    return tree.add(Text(title, style="bold cyan").append(f" ({_number(number)})" if number else "", style="not bold"))


def _line(concept: Brief, style: str = "") -> Text:
    from rich.text import Text

    from omopify.cli.vocab._lines import facts

    return Text(f"{concept.concept_id}  {concept.concept_name}\n", style=style) + facts(concept)


def _more(tree: Tree, number: int) -> None:
    from rich.text import Text

    if number > 0:
        tree.add(Text(f"... and {_number(number)} more (--limit)", style="dim"))


def _number(number: int) -> str:
    return f"{number:,}".replace(",", " ")
