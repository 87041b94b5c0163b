"""How good drafts are: proposals for a trial that has a mapping, made as if nobody had ever mapped it.

The trial's own pack is hidden; its export is scanned and drafted, and what the draft uses for each shared variable is
compared with what the real maps use.  A pair is (column, variable); the subject itself is not counted, as it is in
every map.  Run: ``python benchmarks/draft.py``.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

from omopify.drafting.precedents import Shipped, shipped, uses
from omopify.drafting.writing import draft, write_files
from omopify.errors import Problems
from omopify.scanning.discovering import ScanOptions
from omopify.scanning.scan import scan_export
from omopify.specs.project import Pack, load_pack

EXPORTS = {"impress": Path("examples/impress/data"), "drup": Path("examples/drup/data")}

Pair = tuple[str, str, str]


@dataclass(frozen=True)
class Measured:
    proposed: frozenset[Pair]
    true: frozenset[Pair]

    @property
    def precision(self) -> float:
        return len(self.proposed & self.true) / len(self.proposed)

    @property
    def recall(self) -> float:
        return len(self.proposed & self.true) / len(self.true)


def pairs(pack: Pack) -> frozenset[Pair]:
    return frozenset(
        (use.column.casefold(), use.table, use.field)
        for use in uses(pack)
        if use.field not in ("subject_id", "person_key")
    )


def measure(name: str, packs: Shipped) -> Measured:
    scan = scan_export(EXPORTS[name], ScanOptions(), Problems())
    made = draft(scan, "unknown", packs=packs, without=[name])
    with tempfile.TemporaryDirectory() as folder:
        write_files(Path(folder), made.files, Problems())
        drafted = load_pack(Path(folder), Problems())
    assert drafted is not None
    real = next(pack for pack in packs.packs if pack.folder.name == name)
    return Measured(pairs(drafted), pairs(real))


if __name__ == "__main__":
    for name in EXPORTS:
        found = measure(name, shipped())
        right = len(found.proposed & found.true)
        print(
            f"{name:<8} proposed {len(found.proposed):>4}  true {len(found.true):>4}  right {right:>4}  "
            f"precision {found.precision:.2f}  recall {found.recall:.2f}"
        )
