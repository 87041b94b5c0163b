"""The files of a new project around its mapping: what each key means, what git leaves alone, help while writing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from omopify.drafting import yamltext
from omopify.specs.schema import json_schema_text

PROJECT_FILE = "omopify.yaml"
SCHEMAS = "schemas"


@dataclass(frozen=True, slots=True)
class Setting:
    """What a new project is made of."""

    title: str
    """What people call the trial."""
    mappings: str
    """A shipped pack, or the path of the new mapping from the project."""
    data: str
    """The way to the export, as it is written into the project."""
    data_inside: bool
    """Whether the export lies inside the project's folder."""
    not_yet: bool = False
    changes: Mapping[str, Mapping[str, object]] | None = None

    @property
    def own(self) -> bool:
        """Say whether the mapping is the project's own."""
        return "/" in self.mappings


def project_files(setting: Setting) -> dict[str, str]:
    """Return the text of each file of a project, but for the mapping, by its path; the project's own file first."""
    return {
        PROJECT_FILE: _project(setting),
        "README.md": _readme(setting),
        ".gitignore": _gitignore(setting),
        ".gitattributes": "# line ends in the repository are LF; an export is never changed\n* text=auto eol=lf\n"
        "*.xlsx -text\n*.duckdb -text\n",
        ".vscode/settings.json": _settings(setting),
        ".vscode/extensions.json": json.dumps({"recommendations": ["redhat.vscode-yaml"]}, indent=2) + "\n",
        f"{SCHEMAS}/project.schema.json": json_schema_text("project"),
        **(
            {f"{SCHEMAS}/{kind}.schema.json": json_schema_text(kind) for kind in ("map", "trial")}
            if setting.own
            else {}
        ),
        ".github/workflows/omopify.yml": _WORKFLOW,
    }


def _project(setting: Setting) -> str:
    lines = [
        f"# yaml-language-server: $schema={SCHEMAS}/project.schema.json",
        f"# {yamltext.remark(setting.title)}: which maps, which data, which vocabulary, and where the result goes.",
        "# All paths are from this file; write / in them, on Windows too.",
        "",
        f"mappings: {yamltext.scalar(setting.mappings)}",
        "#   the maps: a folder with a trial.yaml, or the name of a mapping that ships with omopify",
        f"data: {yamltext.scalar(setting.data)}",
        "#   the folder of the export; it never goes into git",
        "vocabulary: [starter, demo_restricted]",
        "#   a small vocabulary for trying out; for real work load an Athena download ('omopify vocab load') and name",
        "#   the file here, such as  vocabulary: vocabulary.duckdb",
        "out: out",
        "#   the result: omop.duckdb, manifest.json and the quality report",
        "register: register",
        "#   the key from the result's ids to your subjects: keep it safe, never pass it on",
        "",
        "# What may also be said here; take the '# ' away to use it:",
        "# concepts: concepts              your own decisions about terms, which come before the mapping's",
        "# release_date: 2026-01-31        the date of the export; else the date of its newest file",
        "# quality: {small_cell: 5}        counts below it are masked in what leaves the site",
        "# cdm_source: {cdm_holder: Our hospital}",
    ]
    if not setting.changes:
        lines += [
            "# sources:                        what is different about this export",
            '#   defaults: {delimiter: ";"}',
        ]
    else:
        lines += ["", "sources:", "#   what is different about this export from those that the maps were written for"]
        for source, words in setting.changes.items():
            told = ", ".join(f"{word}: {_value(value)}" for word, value in words.items())
            lines.append(f"  {source}: {{{told}}}")
    return "\n".join(lines) + "\n"


def _value(value: object) -> str:
    return str(value).lower() if isinstance(value, (bool, int)) else yamltext.scalar(str(value))


def _gitignore(setting: Setting) -> str:
    data = [f"/{PurePosixPath(setting.data)}/"] if setting.data_inside and setting.data != "." else []
    lines = [
        "# What must never go into git: patients' data, the way back to them, and what is made from them.",
        *(data or ["/data/"]),
        "/out/",
        "/register/",
        "/scan/",
        "/.omopify/",
        "do-not-share/",
        "*.duckdb",
        "*.duckdb.*",
        "*.xpt",
        "*.sas7bdat",
        "*.parquet",
        "*.xlsx",
        "# secrets",
        ".env",
        "*.key",
        "*.pem",
        "# the maps, value lists and concept files stay: they hold no patient",
    ]
    return "\n".join(lines) + "\n"


def _settings(setting: Setting) -> str:
    schemas: dict[str, object] = {f"{SCHEMAS}/project.schema.json": [PROJECT_FILE]}
    if setting.own:
        schemas[f"{SCHEMAS}/trial.schema.json"] = ["mappings/*/trial.yaml"]
        schemas[f"{SCHEMAS}/map.schema.json"] = ["mappings/*/*.yaml", "!mappings/*/trial.yaml"]
    settings = {
        "yaml.schemas": schemas,
        "yaml.schemaStore.enable": False,
        "files.eol": "\n",
        "files.encoding": "utf8",
        "[yaml]": {"editor.tabSize": 2, "editor.insertSpaces": True, "editor.rulers": [120]},
    }
    return json.dumps(settings, indent=2) + "\n"


_WORKFLOW = """\
# An example: GitHub checks the maps at every push. The export is not there, and never should be: columns are then
# checked against the mapping's own list. Once all maps are reviewed, add --strict to the check.
name: omopify
on: [push, pull_request]
permissions: {contents: read}
jobs:
  check:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - run: pip install omopify        # or from your own copy: pip install git+https://...
      - run: omopify check --format github
      - run: omopify test
"""


def _readme(setting: Setting) -> str:
    mapping = (
        f"`{setting.mappings}` holds the mapping: `trial.yaml` says how the export looks, each other file turns\n"
        "one form into one table of shared variables. It is a draft: behind each line stands why it was proposed.\n"
        if setting.own
        else f"The mapping `{setting.mappings}` ships with omopify; this project only says what is different here.\n"
    )
    waiting = (
        "Maps in `not_yet` lack something that must be filled; their first lines say what.\n" if setting.not_yet else ""
    )
    return f"""\
# {yamltext.remark(setting.title)}

An omopify project: it turns the trial's export into the OMOP CDM v5.4.

{mapping}{waiting}
## What comes next

In this folder:

| command | what it does |
| --- | --- |
| `omopify check` | says what is wrong with the maps, and what is undecided |
| `omopify test` | runs the given/expect rows that stand beside the maps |
| `omopify run` | converts the export; the result is in `out` |
| `omopify review` | says what nobody has approved yet |
| `omopify docs` | writes the mapping as a document for people |

## What never leaves

The export, `out`, `register` and `scan` hold patients' data or the way back to them. `.gitignore` keeps them out of
git.
"""
