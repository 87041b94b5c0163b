"""Makes odd exports from a seed: what real ones have been seen to do, and what nobody would think of."""

from __future__ import annotations

import csv
import random
from pathlib import Path

from tests.drafting.heron import forms

HEADERS = (
    "select", "order", "_row", "slot", "trial", "trial.name", "Date of birth", "Weight (kg)", 'says "no"', "a.b",
    "a,b", "Q1", "Q2", "Q3", "Ærå", "日付", "x;y", "'", "--", "/* */", "$1", "{n}", "{source}", "null", "true", "yes",
    "#", ": ", "- x", "%d", "AETERM", "aeterm ", "AESTDAT", "AEOUT", "AEOUTCD", "AEREL1", "AEREL2", "AEREL1CD",
    "sex", "SEXCD", "dob", "cohort", "study_drug_1", "study_drug_2", "VITUMA", "VITUMA__2", "VITUMA__2CD",
    "tick___1", "tick___2", "RSORRES", "CMTRT", "CMSTDAT", "CMENDAT", "cmtrt", "grade", "ecog", "died on",
    "Dødsdato", "kjønn", "Startdatum", "value", "map", "date", "count(*)", "case", "end", "from", "group by", "AGE",
    "consent date", "dose [mg]", "drug *", "last dose date", "line 1\nline 2", "tab\there", "a" * 90, "=1+1", "@x",
    "\\", "é", "é", "\u202eabc", "1", "2024",
)  # fmt: skip
CELLS = (
    "", "", "NA", "1", "0", "2", "3", "yes", "no", "Yes", "Male", "Female", "17-05-2024", "05/06/2024",
    "2024-05-17", "2024", "UNK-05-2024", "2024-05", "12,5", "12.5", "<5", "5 mg", "PD", "SD", "Resolved",
    "RESOLVED", "resolved ", "~", "null", "'", '"', "a: b", "#x", "{x}", "[x]", "Grade 3", "3 - severe", "1.0", "é",
    "%", "\\", "-", "--", "🙂", "x" * 300, "Not related", "Alive", "Dead", "Toxicity", "17.05.2024 12:30",
    "chemotherapy", "00-00-2024", "31-12-9999",
)  # fmt: skip
NAMES = (
    "AE", "ae (1)", "Toxicity 2024-05-17", "défauts", "defaults", "x[1]", "dsp", "1", "conmed", "select", "døde",
    "dm",
)  # fmt: skip


def write_odd(folder: Path, seed: int) -> None:
    """Write an export of one to four files of anything."""
    rng = random.Random(seed)
    for name in rng.sample(NAMES, rng.randint(1, 4)):
        headers = [rng.choice(("ID", "patient", "Subject Id", "record_id"))]
        headers += rng.sample(HEADERS, rng.randint(1, 14))
        lists = [rng.sample(CELLS, rng.randint(1, 6)) for _ in headers[1:]]
        rows = [
            [f"P-{rng.randint(1, 20):03}", *(rng.choice(cells) for cells in lists)]
            for _ in range(rng.choice((0, 3, 60)))
        ]
        _write(folder / f"{name}.csv", headers, rows, rng.choice(",;"))


def write_mutated(folder: Path, seed: int) -> None:
    """Write forms of a plausible export (``heron``) in which names and cells have been changed in odd ways."""
    rng = random.Random(seed)
    made = forms(rng.randint(1, 10**6), rng.choice((12, 25, 40)))
    for name, frame in rng.sample(list(made.items()), rng.randint(1, 6)):
        headers = [_renamed(header, rng) for header in frame.columns]
        kept = [0, *(n for n in range(1, len(headers)) if rng.random() > 0.1)]
        noisy = {n for n in kept[1:] if rng.random() < 0.15}
        lists = {n: rng.sample(CELLS, 5) for n in noisy}
        rows = [[rng.choice(lists[n]) if n in noisy else row[n] for n in kept] for row in frame.iter_rows()]
        file = rng.choice((f"{name}.csv", f"export_2024-05-17 {name}.csv", f"{name.upper()} [v1].csv"))
        _write(folder / file, [headers[n] for n in kept], rows, rng.choice(",;\t"))


def write_sdtm(folder: Path) -> None:
    """Write three SDTM domains whose rows are numbered by ``--SEQ``, once as 1, 2, 3 and once as 1.0, 2.0, 3.0."""
    dates = {"AE": "AESTDTC", "MH": "MHSTDTC", "CM": "CMSTDTC"}
    terms = {"AE": "AETERM", "MH": "MHTERM", "CM": "CMTRT"}
    for domain, mark in (("AE", ""), ("MH", ".0"), ("CM", "")):
        headers = ["STUDYID", "USUBJID", f"{domain}SEQ", terms[domain], dates[domain], f"{domain}GRPID"]
        rows = [
            ["S1", f"01-{subject:03}", f"{n}{mark}", f"WORD {(subject * n) % 7}", f"2014-0{n}-11", "A"]
            for subject in range(1, 13)
            for n in (1, 2, 3)
        ]
        _write(folder / f"{domain.lower()}.csv", headers, rows, ",")


def _renamed(header: str, rng: random.Random) -> str:
    words = header.replace("_", " ")
    ways = (
        header,
        header,
        header,
        header.upper(),
        words,
        f"{words} (code)",
        f'"{words}"',
        f"{header}.1",
        f"{words}: date",
    )
    return rng.choice(
        (*ways, f"1. {words}", f"{header}__2", f"{header}CD", f"{words}?", f"{words} / {rng.choice(HEADERS)}")
    )


def _write(path: Path, headers: list[str], rows: list[list[str]], delimiter: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(headers)
        writer.writerows(rows)
