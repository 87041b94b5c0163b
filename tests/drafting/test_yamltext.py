"""Whatever a column is called, its name is read back from YAML, and an expression finds it."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from omopify.compiler.spoken import columns_in
from omopify.drafting import yamltext
from omopify.specs.yamlfile import parse_yaml
from tests.drafting.odd import CELLS, HEADERS


def read(text: str) -> object:
    found = parse_yaml(f"x: {text}\n", "x.yaml")["x"]
    return str(found).lower() if isinstance(found, bool) else str(found)


@settings(max_examples=150, deadline=None, database=None, derandomize=True)
@given(st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\x00"), min_size=1, max_size=12))
def test_any_text_is_read_back(text):
    assert read(yamltext.scalar(text)) == text
    assert list(parse_yaml(f"{{{yamltext.key(text)}: 1}}\n", "x.yaml")) == [text]
    assert "\n" not in yamltext.remark(text)


def test_odd_headers_and_cells_are_read_back_and_named():
    for text in {*HEADERS, *CELLS} - {""}:
        assert read(yamltext.scalar(text)) == text
        name = yamltext.column(text)
        assert not name or columns_in(name) == (text,)
    assert yamltext.column("AESTDAT") == "AESTDAT"
    assert yamltext.column("Weight (kg)") == '"Weight (kg)"'
