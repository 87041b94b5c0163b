"""Read the files of a project, and read only those again that have changed: ``check --watch`` runs on every save."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from omopify.errors import Problem, Problems
from omopify.resources import data
from omopify.specs.model import FileModel, FileT, build
from omopify.specs.yamlfile import read_yaml


@dataclass(frozen=True, slots=True)
class _Known:
    stamp: tuple[int, int]
    built: FileModel | None
    problems: tuple[Problem, ...]


Key = tuple[str, str, str]
"""The model that a file is read into, its path, and the name under which it is shown."""


@dataclass(slots=True)
class Reader:
    """Reads YAML files into their models.

    One that is kept remembers what it read (and what was wrong with it) as long as a file's time and size stay.  The
    maps that ship with omopify are most of nearly every project: all readers of a process share what they read of them.
    """

    known: dict[Key, _Known] = field(default_factory=dict)

    def read(self, model: type[FileT], path: Path, shown_as: str, problems: Problems) -> FileT | None:
        """Return a file's content; note what is wrong with it under the name *shown_as*, and then return None."""
        key, stamp = (model.__name__, str(path), shown_as), _stamp(path)
        memory = _SHIPPED if path.is_relative_to(data("mappings")) else self.known
        known = memory.get(key)
        if known is None or known.stamp != stamp:
            found = Problems()
            tree = read_yaml(path, shown_as, found)
            built = build(model, tree, found) if tree is not None else None
            known = _Known(stamp, built, tuple(found.found))
            if stamp != _GONE:
                memory[key] = known
        problems.extend(known.problems)
        return known.built if isinstance(known.built, model) else None


_GONE = (-1, -1)
_SHIPPED: dict[Key, _Known] = {}


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return _GONE
    return status.st_mtime_ns, status.st_size
