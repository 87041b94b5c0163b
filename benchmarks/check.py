"""How long 'omopify check' takes: the largest shipped project against plainly parsing its YAML files.

    .venv/bin/python -m benchmarks.check

Each figure is of a process of its own, in seconds of the processor, best of ROUNDS.  *first* is the check as it is run
by hand, without the start of Python and the imports; *again* is what '--watch' does when one map was saved.  *YAML
alone* is PyYAML reading the same files into nodes (in C, and in pure Python) in the same process, so that the ratio
does not depend on the machine.  *help* is 'omopify --help' from the shell, by the clock, beside a Python that does
nothing.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from omopify.resources import data

ROUNDS = 5
ROOT = Path(__file__).parents[1]


def main() -> None:
    with TemporaryDirectory() as place:
        project = Path(place)
        shutil.copytree(ROOT / "examples" / "impress" / "data", project / "data")
        for pack in ("impress", "prime_rose"):
            shutil.copytree(data("mappings", pack), project / "maps" / pack)
        text = "mappings: maps/impress\ndata: data\nvocabulary: [starter, demo_restricted]\n"
        (project / "omopify.yaml").write_text(text, encoding="utf-8")
        rounds = [json.loads(_output("-m", "benchmarks.check", str(project))) for _ in range(ROUNDS)]
    best = {name: min(found[name] for found in rounds) for name in rounds[0]}
    print(f"{best['maps']:.0f} maps in {best['files']:.0f} YAML files, best of {ROUNDS}")
    print(f"imports                {best['imports']:6.2f} s")
    print(f"check, first           {best['first']:6.2f} s   {best['first'] / best['yaml']:5.1f} x YAML alone")
    print(f"check, one map saved   {best['again']:6.2f} s   {best['again'] / best['yaml']:5.1f} x YAML alone")
    print(f"YAML alone             {best['yaml']:6.2f} s   (pure Python loader: {best['pure']:.2f} s)")
    nothing, help_ = (
        min(_seconds(*words) for _ in range(ROUNDS)) for words in (("-c", ""), ("-m", "omopify", "--help"))
    )
    print(f"omopify --help         {help_:6.2f} s   (a Python that does nothing: {nothing:.2f} s)")


def _output(*words: str) -> str:
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=True, cwd=ROOT).stdout


def _seconds(*words: str) -> float:
    started = time.perf_counter()
    _output(*words)
    return time.perf_counter() - started


def measure(project: Path) -> dict[str, float]:
    """Return the figures of one process."""
    started = time.process_time()
    import yaml

    import omopify.compiler.lint
    import omopify.compiler.planner
    import omopify.conversion.terms
    import omopify.conversion.vocabulary  # noqa: F401
    from omopify.cli.checking import Checker

    imports = time.process_time() - started
    checker = Checker(project)
    started = time.process_time()
    first = checker.check()
    once = time.process_time() - started
    saved = project / "maps" / "impress" / "adverse_event.yaml"
    saved.write_text(saved.read_text(encoding="utf-8") + "\n", encoding="utf-8")
    started = time.process_time()
    again = checker.check()
    twice = time.process_time() - started
    assert not first.errors
    assert not again.errors
    files = sorted(project.rglob("*.yaml"))
    texts = [path.read_text(encoding="utf-8") for path in files]
    plain = _parse(texts, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    return {
        "imports": imports, "first": once, "again": twice, "yaml": plain,
        "pure": _parse(texts, yaml.SafeLoader), "files": len(files), "maps": first.maps,
    }  # fmt: skip


def _parse(texts: list[str], loader: type) -> float:
    import yaml

    started = time.process_time()
    for text in texts:
        yaml.compose(text, loader)  # not load: it stumbles over days that do not exist
    return time.process_time() - started


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(Path(sys.argv[1]))))
    else:
        main()
