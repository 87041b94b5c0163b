"""What the parts of a mapping say, whatever way it is written: the thing that people approve and that a run compares.

The parts are the trial, each map, and each concept file.  Comments, line ends, quotes, the order of a file's first
words, tests, review notes and accepted warnings change nothing of what a part says.  The value lists and SELECTs that a
map names, and the table of the shared model that it fills, belong to it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from omopify.specs.csvfile import BrokenRow, parse
from omopify.specs.model import FileModel
from omopify.specs.project import LoadedMap, Project, shown

TRIAL = "trial"
"""The part that holds the trial's facts and sources, and what the project says about them."""

MAP = "map:"
CONCEPTS = "concepts:"

_SAYS_NOTHING = ("tests", "review", "accept")
"""Words of a file that change nothing in a result."""

_OF_THE_PROJECT = ("sources", "facts", "cdm_source")
"""Words of ``omopify.yaml`` by which a project changes what the trial says."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What one part of a mapping says."""

    part: str
    """``trial``, ``map:<name>`` or ``concepts:<pack>/<path>``."""
    name: str
    """Its file below the folder of the mappings, which is called the same on every computer."""
    path: Path
    """Where that is; of a concept file the project's own, if there is one."""
    tree: Mapping[str, Any]
    """What its YAML says, as plain text, lists and mappings; nothing for a concept file."""
    files: Mapping[str, Any] = field(default_factory=dict)
    """What the files say that belong to it, by name: a mapping for a list of values, else a text."""
    spec: FileModel | None = None

    @property
    def file(self) -> str:
        """The file, as messages show it."""
        return shown(self.path)

    @property
    def sha256(self) -> str:
        """The hash of what it says."""
        said = {"tree": {key: _folded(self.tree[key]) for key in sorted(self.tree)}, "files": self.files}
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


def meanings(project: Project) -> tuple[Meaning, ...]:
    """Return what each part of a project's mapping says: the trial, the maps by name, and the concept files by name.

    A file that is missing or cannot be read says nothing; ``omopify check`` tells of it.
    """
    maps = sorted(project.pack.maps, key=lambda loaded: loaded.spec.map)
    named = sorted({f"{loaded.pack}/{via}" for loaded in maps for via in concept_files(loaded)})
    return (_trial(project), *(_map(loaded, project) for loaded in maps), *(_concepts(n, project) for n in named))


def concept_files(loaded: LoadedMap) -> list[str]:
    """Return the concept files that a map names, relative to its pack."""
    return sorted({said for word, said in _words(loaded.spec._tree) if word == "via" and isinstance(said, str)})


def plain(node: object) -> Any:
    """Return a part of a YAML file as plain data, in which 5 and "5" are the same."""
    if isinstance(node, Mapping):
        return {str(key): plain(value) for key, value in node.items()}
    if isinstance(node, (list, tuple)):
        return [*map(plain, node)]
    if isinstance(node, bool):
        return "true" if node else "false"
    return node if node is None else str(node)


def _folded(node: Any) -> Any:
    """Return plain data in which A and [A] are the same: the language takes the one for the other."""
    if isinstance(node, dict):
        return {key: _folded(value) for key, value in node.items()}
    if isinstance(node, list):
        return _folded(node[0]) if len(node) == 1 and isinstance(node[0], str) else [*map(_folded, node)]
    return node


def _trial(project: Project) -> Meaning:
    trial = project.pack.trial
    files = {name: _text(project.pack.folder / name) for name in (trial.columns, trial.local_vocabulary) if name}
    tree = _said(trial)
    for word in _OF_THE_PROJECT:
        own = plain(project.file._tree.get(word))
        if own:
            tree[f"project {word}"] = own
    tree["eras"] = plain(project.pack.eras.tables())
    path = project.pack.folder / "trial.yaml"
    return Meaning(TRIAL, f"{project.pack.folder.resolve().name}/trial.yaml", path, tree, files, trial)


def _map(loaded: LoadedMap, project: Project) -> Meaning:
    spec = loaded.spec
    files: dict[str, Any] = {}
    for name in sorted({name for name in _value_lists(spec._tree) if name}):
        files[name] = _values(loaded.folder / name)
    if spec.sql:
        files[spec.sql] = _text(loaded.folder / spec.sql)
    tree = _said(spec)
    table = project.pack.tables.get(spec.to.removeprefix("dsp.")) if spec.to.startswith("dsp.") else None
    if table:
        tree[f"table {spec.to}"] = {
            name: {key: said for key, said in plain(one).items() if key not in ("definition", "source")}
            for name, one in table._tree["fields"].items()
        }
    path = Path(spec.at().path)
    name = f"{loaded.pack}/{path.resolve().relative_to(loaded.folder.resolve()).as_posix()}"
    return Meaning(f"{MAP}{spec.map}", name, path, tree, files, spec)


def _concepts(name: str, project: Project) -> Meaning:
    shipped, own = project.concept_file(name)
    texts = {"own": _text(own)} if own.is_file() else {}
    return Meaning(f"{CONCEPTS}{name}", name, own if texts else shipped, {}, {**texts, "pack": _text(shipped)})


def _said(spec: FileModel) -> dict[str, Any]:
    return {key: plain(value) for key, value in spec._tree.items() if key not in _SAYS_NOTHING}


def _words(node: object) -> Iterator[tuple[str, object]]:
    if isinstance(node, Mapping):
        for word, said in node.items():
            yield str(word), said
            yield from _words(said)
    elif isinstance(node, list):
        for item in node:
            yield from _words(item)


def _value_lists(tree: Mapping[str, object]) -> Iterator[str]:
    for word, said in _words({key: said for key, said in tree.items() if key not in ("map", *_SAYS_NOTHING)}):
        if word == "map" and isinstance(said, str):
            yield said
        elif word == "map" and isinstance(said, Mapping):
            yield str(said.get("file") or "")


def _values(path: Path) -> dict[str, str] | str:
    """Return what a list of values says, whatever program saved it: only its columns ``from`` and ``to`` count."""
    text = _text(path)
    try:
        found = parse(text)
    except BrokenRow:
        return text
    if not {"from", "to"} <= set(found.columns):
        return text
    return {row["from"]: row["to"] for _, row in found.rows}


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError:
        return ""
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    return "\n".join(line.rstrip() for line in lines).rstrip("\n")
