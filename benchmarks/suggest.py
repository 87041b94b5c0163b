"""How often the right concept is suggested, and how fast: against exact match and against RapidFuzz alone.

The gold list (``benchmarks/gold/terms.csv``) has terms with the concepts that are agreed for them, each with its
source.  It is split by a hash of the concept: what is tuned (``dev``) and what is scored (``test``) share no concept;
mixtures with substances of each are in neither (``both``).
Every method gets the same vocabulary, and the domains that the place of a term expects.

    python benchmarks/suggest.py --facts FOLDER [--distractors 1000000] [--half test] [--without-words]

FOLDER is a vocabulary folder in Athena's layout that has the concepts of the gold list (here: the project's facts,
``vocab/starter``, 1,719 concepts; not shipped).  Synonyms that are terms of the list are left out of it.  The
distractors are made up: names built from real ones (strengths, sites, 'Family history of ...') and invented words.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from distractors import made_up
from rapidfuzz import fuzz, process, utils

from omopify.errors import Problems
from omopify.vocabulary.loading.load import load_vocabulary
from omopify.vocabulary.search import spelling
from omopify.vocabulary.search.index import open_search
from omopify.vocabulary.suggestion.suggest import Request, suggest

GOLD = Path(__file__).parent / "gold" / "terms.csv"
LOOKED_AT = 10

Ranks = list[int]


def main() -> None:
    arguments = _arguments()
    gold = [row for row in _rows(GOLD, ",") if arguments.half in (row["half"], "all")]
    if arguments.without_words:
        _forget_words()
    with TemporaryDirectory() as name:
        folder = Path(name) / "athena"
        concepts, synonyms = _vocabulary(arguments.facts, folder, gold, arguments.distractors)
        names = _names(concepts, synonyms)
        print(f"{len(gold)} terms ({arguments.half}), {len(concepts):,} concepts, {len(names):,} names")
        methods: dict[str, Callable[[], list[Ranks]]] = {"exact match": lambda: _exact(gold, names)}
        if not arguments.skip_rapidfuzz:
            methods["RapidFuzz WRatio"] = lambda: _rapidfuzz(gold, names)
        load_vocabulary([folder], Path(name) / "athena.duckdb", Problems())
        with open_search(Path(name) / "athena.duckdb") as database:
            methods["omopify"] = lambda: _ours(gold, database)
            results = {}
            for method, run in methods.items():
                started = time.perf_counter()
                results[method] = run()
                print(f"{method}: {len(gold) / (time.perf_counter() - started):,.0f} values/s")
    _report(gold, results)
    if arguments.misses:
        for row, rank in zip(gold, results["omopify"], strict=True):
            if rank[0] != 1:
                print(f"  {rank[0]:>2} {row['group']}: {row['term']} -> {row['concept_names']}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--facts", type=Path, required=True, help="vocabulary folder with the concepts of the gold list"
    )
    parser.add_argument("--half", choices=("test", "dev", "all"), default="test")
    parser.add_argument("--distractors", type=int, default=0, help="how many made-up concepts are added")
    parser.add_argument("--without-words", action="store_true", help="rules of spelling only, no table of words")
    parser.add_argument("--skip-rapidfuzz", action="store_true", help="leave the slow baseline out")
    parser.add_argument("--misses", action="store_true", help="list the terms whose concept is not the first")
    return parser.parse_args()


def _rows(path: Path, delimiter: str) -> list[dict[str, str]]:
    quoting = csv.QUOTE_NONE if delimiter == "\t" else csv.QUOTE_MINIMAL
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter, quoting=quoting))


def _forget_words() -> None:
    """Leave only the rules: what the skeletons and the clean-up of products do by themselves."""
    tables = spelling._tables()
    for language in tables[0].values():
        language.phrases.clear()
        language.fronts.clear()
        language.ends.clear()
    tables[1].clear()


def _vocabulary(
    facts: Path, folder: Path, gold: Sequence[dict[str, str]], distractors: int
) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """Write the vocabulary that all methods get, and return its concepts and synonyms."""
    folder.mkdir()
    asked = {spelling.fold(row["term"]) for row in gold}
    for file in facts.glob("*.csv"):
        lines = file.read_text(encoding="utf-8").splitlines()
        if file.name == "CONCEPT_SYNONYM.csv":
            lines = [line for line in lines if spelling.fold(line.split("\t")[1]) not in asked]
        if file.name == "CONCEPT.csv":
            lines += made_up(_rows(file, "\t"), distractors)
        (folder / file.name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return _rows(folder / "CONCEPT.csv", "\t"), _rows(folder / "CONCEPT_SYNONYM.csv", "\t")


def _names(concepts: Sequence[dict[str, str]], synonyms: Sequence[dict[str, str]]) -> list[tuple[str, int, str]]:
    """Return the names and synonyms of the standard concepts, with id and domain."""
    standard = {row["concept_id"]: row["domain_id"] for row in concepts if row["standard_concept"] == "S"}
    names = [
        (row["concept_name"], int(row["concept_id"]), row["domain_id"])
        for row in concepts
        if row["concept_id"] in standard
    ]
    names += [
        (row["concept_synonym_name"], int(row["concept_id"]), standard[row["concept_id"]])
        for row in synonyms
        if row["concept_id"] in standard
    ]
    return names


def _rank(ids: Sequence[int], wanted: Sequence[int]) -> int:
    """Return the place of a single concept; for several, the place at which the last of them is there (0 = never)."""
    places = [ids.index(one) + 1 if one in ids else 0 for one in wanted]
    return 0 if 0 in places else max(places) - len(wanted) + 1


def _wanted(row: dict[str, str]) -> list[int]:
    return [int(one) for one in row["concept_ids"].split("|")]


def _exact(gold: Sequence[dict[str, str]], names: Sequence[tuple[str, int, str]]) -> list[Ranks]:
    by_name: dict[str, list[tuple[int, str]]] = {}
    for name, concept_id, domain in names:
        by_name.setdefault(name.strip().casefold(), []).append((concept_id, domain))
    ranks = []
    for row in gold:
        found = by_name.get(row["term"].strip().casefold(), [])
        ids = list(dict.fromkeys(i for i, domain in found if domain in row["domains"].split("|")))
        ranks.append([_rank(ids, _wanted(row))])
    return ranks


def _rapidfuzz(gold: Sequence[dict[str, str]], names: Sequence[tuple[str, int, str]]) -> list[Ranks]:
    pools: dict[str, tuple[list[str], list[int]]] = {}
    ranks = []
    for row in gold:
        if row["domains"] not in pools:
            domains = row["domains"].split("|")
            some = [(utils.default_process(name), i) for name, i, domain in names if domain in domains]
            pools[row["domains"]] = ([name for name, _ in some], [i for _, i in some])
        texts, ids = pools[row["domains"]]
        best = process.extract(
            utils.default_process(row["term"]), texts, scorer=fuzz.WRatio, processor=None, limit=LOOKED_AT * 3
        )
        ranks.append([_rank(list(dict.fromkeys(ids[place] for _, _, place in best))[:LOOKED_AT], _wanted(row))])
    return ranks


def _ours(gold: Sequence[dict[str, str]], database: object) -> list[Ranks]:
    requests = [Request(row["term"], 1, tuple(row["domains"].split("|"))) for row in gold]
    ranks = []
    for row, one in zip(gold, suggest(requests, database, limit=LOOKED_AT), strict=True):  # type: ignore[arg-type]
        wanted = set(_wanted(row))
        places = [n for n, c in enumerate(one.candidates, 1) if {t.concept_id for t in c.targets} == wanted]
        ranks.append([places[0] if places else 0])
    return ranks


def _report(gold: Sequence[dict[str, str]], results: dict[str, list[Ranks]]) -> None:
    groups = ["all", *sorted({row["group"] for row in gold})]
    print(f"{'':<26}{'n':>5}" + "".join(f"{method:>26}" for method in results))
    print(f"{'':<26}{'':>5}" + "".join(f"{'top-1  top-5    MRR':>26}" for _ in results))
    for group in groups:
        chosen = [place for place, row in enumerate(gold) if group in ("all", row["group"])]
        cells = ""
        for ranks in results.values():
            ours = [ranks[place][0] for place in chosen]
            top1 = sum(rank == 1 for rank in ours) / len(ours)
            top5 = sum(0 < rank <= 5 for rank in ours) / len(ours)
            mrr = sum(1 / rank for rank in ours if rank) / len(ours)
            cells += f"{f'{top1:6.1%} {top5:6.1%} {mrr:6.3f}':>26}"
        print(f"{group:<26}{len(chosen):>5}{cells}")


if __name__ == "__main__":
    main()
