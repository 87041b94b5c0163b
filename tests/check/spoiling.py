"""A project of shipped maps in which one file after the other is spoiled and checked, in this process."""

from __future__ import annotations

import random
import shutil
from dataclasses import dataclass, field, replace
from pathlib import Path

from omopify.compiler.lint import accepted, lint
from omopify.compiler.planner import make_plan
from omopify.compiler.references import ROW_LINKS
from omopify.errors import Problem, Problems
from omopify.resources import data
from omopify.specs.maps import MapFile, RowReference
from omopify.specs.project import Project, load_project
from omopify.specs.quality import read_suite
from omopify.specs.reading import Reader
from tests.check.mutants import spoiled

PACK, SHARED = "impress", "prime_rose"
NAMED = ("person", "visit", "care_site", "location", "cohort_definition")
"""Maps whose rows the others name; without them, nothing else would be looked at."""
MOST = 3
"""How many other maps are compiled for one spoiled file: all would take too long, and tell no more."""


@dataclass
class Spoiled:
    """Spoils one file at a time; whatever is not a problem in words is raised."""

    folder: Path
    reader: Reader = field(default_factory=Reader)
    files: list[Path] = field(default_factory=list)
    last: Path = Path()
    """The file that was spoiled last; it stays as it is until the next one."""

    def __post_init__(self) -> None:
        for name in (PACK, SHARED):
            shutil.copytree(data("mappings", name), self.folder / "maps" / name)
        project = "mappings: maps/impress\ndata: data\nvocabulary: starter\nfacts: {enrolments: one person}\n"
        (self.folder / "omopify.yaml").write_text(project + "sources: {ae: {dates: iso}}\n", encoding="utf-8")
        (self.folder / "data").mkdir()
        (self.folder / "quality").mkdir()
        shutil.copy(data("quality", "trial.yaml"), self.folder / "quality" / "own.yaml")
        self.files = sorted(self.folder.rglob("*.yaml"))
        self.original = {path: path.read_bytes() for path in self.files}

    def check(self, chance: random.Random) -> list[Problem]:
        """Spoil one file and return what is said of the project."""
        if self.last.is_file():
            self.last.write_bytes(self.original[self.last])
        special = [path for path in self.files if path.name in ("trial.yaml", "omopify.yaml", "model.yaml", "own.yaml")]
        self.last = chance.choice(special if chance.random() < 0.15 else self.files)
        self.last.write_bytes(spoiled(self.original[self.last].decode("utf-8"), chance))
        problems = Problems()
        project = load_project(self.folder, problems, self.reader)
        if project:
            self._look(project, chance, problems)
        if self.last.name == "own.yaml":
            read_suite(self.last, problems)
        for problem in problems.found:
            assert "\n" not in str(problem), problem
        return problems.found

    def _look(self, project: Project, chance: random.Random, problems: Problems) -> None:
        maps = project.pack.maps
        some = [loaded for loaded in maps if Path(loaded.spec.at().path).name == self.last.name]
        some += chance.sample(maps, min(MOST, len(maps)))
        wanted, more = {*NAMED, *(loaded.spec.map for loaded in some)}, True
        while more:
            links = {link.map for m in maps if m.spec.map in wanted for link in _links(m.spec)}
            more, wanted = not links <= wanted, wanted | links
        pack = replace(project.pack, maps=tuple(loaded for loaded in maps if loaded.spec.map in wanted))
        small = replace(project, pack=pack)
        found = Problems()
        plan = make_plan(pack, {}, found)
        if plan:
            lint(small, plan, {}, found)
        accepted(small, found, complete=True)
        problems.extend(found.found)


def _links(spec: MapFile) -> list[RowReference]:
    return [link for word in ROW_LINKS if (link := getattr(spec, word))]
