"""Measure searching: the one-off index, one question in a process and as a command, thousands of values at once."""

from __future__ import annotations

import argparse
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems
from omopify.vocabulary.loading.athena import starter_path
from omopify.vocabulary.loading.load import load_vocabulary
from omopify.vocabulary.search.index import index_places, open_search
from omopify.vocabulary.search.search import Filters, exact, retrieve, search
from omopify.vocabulary.search.show import find_concept, open_vocabulary, show

HERE = Path(__file__).parent
EACH = 25
"""Questions of a kind."""

Question = tuple[str, Filters, int]


def make_vocabulary(file: Path, concepts: int) -> None:
    from jinja2 import Template

    folders = [path for name in ("starter", "demo_restricted") if (path := starter_path(name))]
    load_vocabulary(folders, file, Problems())
    template = Template((HERE / "vocabulary_search.sql.jinja").read_text(encoding="utf-8"))
    with DuckDB(file) as database:
        database.script(template.render(concepts=concepts))


def command(*arguments: str) -> tuple[float, float]:
    """Run the program in a process of its own; wall seconds and peak MB."""
    started = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-m", "omopify", *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"omopify {' '.join(arguments)} ended with {status}")
    return time.perf_counter() - started, usage.ru_maxrss / 1024


def misspelt(text: str, draw: random.Random) -> str:
    """Leave a letter out of the longest word, double it, or change it with its neighbour."""
    words = text.split()
    longest = max(range(len(words)), key=lambda number: len(words[number]))
    word = words[longest]
    at = draw.randrange(1, max(2, len(word) - 1))
    words[longest] = draw.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[: at - 1] + word[at : at + 1] + word[at - 1] + word[at + 1 :],
        ]
    )
    return " ".join(words)


def questions(database: DuckDB) -> dict[str, list[Question]]:
    """Draw questions of each kind; each with the concept that it was made from (0 if it may be any)."""
    draw = random.Random(7)
    concepts = database.rows(
        "SELECT concept_id, concept_name, concept_code FROM vocabulary.concept "
        "WHERE invalid_reason IS NULL AND concept_id >= 1000000000 ORDER BY md5(concept_name) LIMIT 300"
    )
    real = database.rows(
        "SELECT concept_id, concept_name FROM vocabulary.concept WHERE concept_id < 1000000000 "
        "AND standard_concept = 'S' AND invalid_reason IS NULL ORDER BY md5(concept_name) LIMIT 25"
    )

    def words(low: int, high: int) -> list[str]:
        return [
            str(token)
            for (token,) in database.rows(
                "SELECT token FROM search.token WHERE entries BETWEEN $low AND $high AND "
                "regexp_full_match(token, '[a-z]{4,}') ORDER BY md5(token) LIMIT 25",
                {"low": low, "high": high},
            )
        ]

    def plain(texts: Sequence[str]) -> list[Question]:
        return [(text, Filters(), 0) for text in texts]

    names = int(database.rows("SELECT names FROM search.about")[0][0])
    rare, middle, frequent = words(1, 20), words(names // 3000, names // 300), words(names // 30, names)
    parts = [iter(concepts[start : start + EACH]) for start in range(0, 300, EACH)]
    few = [(" ".join(draw.sample(name.split(), k=min(3, len(name.split())))), c) for c, name, _ in parts[0]]
    filters = [
        Filters(domains=("Condition",)),
        Filters(vocabularies=("SNOMED",)),
        Filters(standard=True),
        Filters(valid=False),
    ]
    return {
        "one rare word": plain(rare),
        "one word of 1/3000 to 1/300 of the names": plain(middle),
        "one word of more than 1/30 of the names": plain(frequent),
        "three words of a name": [(text, Filters(), c) for text, c in few],
        "a whole name": [(name, Filters(), c) for c, name, _ in parts[1]],
        "a name misspelt": [(misspelt(name, draw), Filters(), c) for c, name, _ in parts[2]],
        "a code": [(code, Filters(), c) for c, _, code in parts[3]],
        "an id": [(str(c), Filters(), c) for c, _, _ in parts[4]],
        "a beginning of 3 to 6 letters": plain([name[: draw.randint(3, 6)] for _, name, _ in parts[5]]),
        "two words, with a filter": [
            (" ".join(name.split()[:2]), filters[number % 4], 0) for number, (_, name, _) in enumerate(parts[6])
        ],
        "a shipped concept's name": [(name, Filters(), c) for c, name in real],
    }


def line(name: str, times: Sequence[float], more: str = "") -> None:
    ordered = sorted(times) or [0.0]
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"| {name} | {statistics.median(ordered):.0f} | {p95:.0f} | {ordered[-1]:.0f} | {more} |", flush=True)


def timed(act: Callable[[], object]) -> tuple[float, object]:
    started = time.perf_counter()
    result = act()
    return (time.perf_counter() - started) * 1000, result


def ask(file: Path) -> None:
    """In this process: each question once (that is, first for its words), then all of them a second time."""
    with open_search(file) as database:
        asked = questions(database)
        search(database, "warm up")
        print("\n| in one process, ms | p50 | p95 | max | found among the first 20 |\n| --- | --- | --- | --- | --- |")
        everything: list[float] = []
        for name, some in asked.items():
            times, found = [], 0
            for text, filters, concept in some:
                took, result = timed(lambda text=text, filters=filters: search(database, text, filters))
                times.append(took)
                found += concept in [hit.concept_id for hit in result.hits]  # type: ignore[attr-defined]
            wanted = sum(1 for _, _, concept in some if concept)
            line(name, times, f"{found} of {wanted}" if wanted else "")
            everything += times
        line(f"**all {len(everything)}**", everything)
        again = [timed(lambda q=q: search(database, q[0], q[1]))[0] for some in asked.values() for q in some]
        line("all of them again", again)
        draw = random.Random(1)
        names = [
            str(n)
            for (n,) in database.rows(
                "SELECT concept_name FROM vocabulary.concept ORDER BY md5(concept_name) LIMIT 2000"
            )
        ]
        spoilt = [misspelt(name, draw) for name in names]
        print("\n| values at once | values | s | values/s |\n| --- | --- | --- | --- |")
        for label, texts, act in (
            ("exact", names, exact),
            ("retrieve, 50 each", names, lambda db, t: retrieve(db, t, 50)),
            ("retrieve, misspelt", spoilt, lambda db, t: retrieve(db, t, 50)),
        ):
            took, _ = timed(lambda act=act, texts=texts: act(database, texts))
            print(f"| {label} | {len(texts)} | {took / 1000:.1f} | {len(texts) / took * 1000:.0f} |", flush=True)
    with open_vocabulary(file) as database:
        ids = [
            c for (c,) in database.rows("SELECT concept_id FROM vocabulary.concept ORDER BY md5(concept_name) LIMIT 25")
        ]
        print("\n| show, ms | p50 | p95 | max | |\n| --- | --- | --- | --- | --- |")
        line("a concept", [timed(lambda c=c: show(database, find_concept(database, str(c))))[0] for c in ids])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--concepts", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="keep the vocabulary there and use it again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = options.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        file = folder / f"made_up_{options.concepts}.duckdb"
        if not file.exists():
            make_vocabulary(file, options.concepts)
        index_places(file)[0].unlink(missing_ok=True)
        size = file.stat().st_size / 1e6
        start, _ = command("--version")
        wall, peak = command("vocab", "search", "melanoma", "--vocabulary", str(file))
        index = index_places(file)[0].stat().st_size / 1e6
        print(f"{options.concepts} made-up concepts and the shipped ones, vocabulary file {size:.0f} MB")
        print(f"index: {wall:.1f} s with the first command, {index:.0f} MB, peak {peak:.0f} MB")
        runs = [
            command("vocab", "search", text, "--vocabulary", str(file))
            for text in ("melanoma", "breast neoplasm", "C61", "melanmoa", "acute") * 4
        ]
        print("\n| the whole command, ms | p50 | p95 | max | |\n| --- | --- | --- | --- | --- |")
        line("omopify vocab search", [wall * 1000 for wall, _ in runs], f"peak {max(peak for _, peak in runs):.0f} MB")
        line("omopify --version, for comparison", [start * 1000])
        shows = [command("vocab", "show", "4162276", "--vocabulary", str(file))[0] * 1000 for _ in range(5)]
        line("omopify vocab show", shows)
        ask(file)


if __name__ == "__main__":
    main()
