"""The reference in docs/ tells the truth: its examples are valid, and nothing of the language is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from omopify import cdm
from omopify.compiler.expressions import Names, compile_expression
from omopify.compiler.functions import FUNCTIONS, SAME_TYPE
from omopify.compiler.typed import TEXT, Typed
from omopify.errors import Location, Problems
from omopify.specs.maps import Attribute, Events, Group, Join, Keep, MapFile, Reference, Slots, Unpivot, Window
from omopify.specs.model import build
from omopify.specs.packs import ModelField, ProjectFile, SourceSpec, TableFile, TrialFile
from omopify.specs.values import ConceptSpec, FieldSpec
from omopify.specs.yamlfile import parse_yaml

TEXT_OF = (Path(__file__).parents[2] / "docs" / "mapping-language.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```yaml\n(.*?)^```$", TEXT_OF, flags=re.MULTILINE | re.DOTALL)
MODELS = {"# omopify.yaml": ProjectFile, "# trial.yaml": TrialFile, "# map": MapFile, "# part": MapFile}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: " ".join(block.split()[:6]))
def test_example_is_valid(block: str) -> None:
    kind = block.splitlines()[0]
    model = TableFile if kind.startswith("# dsp/") else MODELS[kind]
    if kind == "# part":
        rest = {"map": "example", "to": "dsp.example", "from": "ae", "key": "SubjectId"}
        given = set(re.findall(r"^(\w+):", block, flags=re.MULTILINE))
        given |= {"from"} if given & {"union", "sql"} else set()
        block += "".join(f"{word}: {value}\n" for word, value in rest.items() if word not in given)
    problems = Problems()
    build(model, parse_yaml(block, "docs/mapping-language.md"), problems)
    assert [str(problem) for problem in problems.found] == []


def test_every_block_says_what_it_is() -> None:
    assert len(BLOCKS) > 25
    assert "```yml" not in TEXT_OF


@pytest.mark.parametrize("name", [*FUNCTIONS, *SAME_TYPE])
def test_function_is_in_the_reference(name: str) -> None:
    table = TEXT_OF.partition("### Functions")[2].partition("\n## ")[0]
    assert f"`{name}(" in table


def test_the_examples_of_functions_compile() -> None:
    from omopify.compiler.expressions import Over

    table = TEXT_OF.partition("### Functions")[2].partition("\n## ")[0]
    rows = [line.rsplit("|", 2) for line in table.splitlines() if line.startswith("| `")]
    assert len(rows) >= 30
    for first, example, _ in rows:
        text = example.strip().strip("`")
        problems = Problems()
        names = Names({}, "source 'x'", open=lambda name: Typed(f'"{name}"', TEXT))
        for over in (None, Over("K"), Over("K", "O", "window")):
            problems = Problems()
            if compile_expression(text, names, Location("x"), problems, over):
                break
        assert [str(problem) for problem in problems.found] == [], first


@pytest.mark.parametrize(
    "model",
    [
        MapFile,
        Events,
        Attribute,
        Join,
        Keep,
        Unpivot,
        Slots,
        FieldSpec,
        ConceptSpec,
        Reference,
        Group,
        Window,
        SourceSpec,
        ProjectFile,
        TrialFile,
        TableFile,
        ModelField,
    ],
    ids=lambda model: model.__name__,
)
def test_every_word_is_in_the_reference(model: type) -> None:
    words = {field.alias or name for name, field in model.model_fields.items()}
    missing = {word for word in words if not re.search(rf"\b{word}\b", TEXT_OF)}
    assert missing == set()


def test_the_table_of_words_is_right() -> None:
    table = TEXT_OF.partition("Which words have a place")[2].partition("```")[0]
    told: dict[str, set[str]] = {}
    for tables, words in re.findall(r"^\| (`.*?) \| (.*) \|$", table, flags=re.MULTILINE):
        for name in re.findall(r"`(\w+)`", tables):
            told[name] = {word.strip() for word in words.partition(" (")[0].split(",")}
    for name, words in told.items():
        if name not in cdm.tables() or name == "person":
            continue
        known = set(cdm.words(name))
        expected = {word for word in known if "." not in word and word != "id"}
        expected |= {f"{word}_source" for word in ("value", "qualifier") if f"{word}.source" in known}
        if name == "visit_detail":
            words = words | {"visit"}
        assert words == expected, name


def test_links_inside_the_page_lead_somewhere() -> None:
    anchors = {
        re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        for title in re.findall(r"^#+ (.*)$", TEXT_OF, flags=re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT_OF)) <= anchors
    problems = (Path(__file__).parents[2] / "docs" / "problems.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\]\(mapping-language\.md#([^)]+)\)", problems)) <= anchors
