"""The arithmetic of the response criteria, reckoned once more in Python on assessments that are drawn at random."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from datetime import date, timedelta

import pytest

from omopify.conversion.session import insert_rows
from omopify.engines.duckdb import DuckDB
from omopify.errors import Problems
from omopify.quality import sqlchecks
from omopify.resources import data
from omopify.specs.quality import read_suite

from .four_patients import context, open_result

SUITE = read_suite(data("quality", "oncology.yaml"), Problems())
assert SUITE
CONTEXT = context()
CHECKS = {check.type: check for spec in SUITE.expectations for check in sqlchecks.expand(SUITE, spec, CONTEXT)}


@pytest.fixture
def db(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckDB]:
    with open_result(tmp_path_factory.mktemp("four")) as found:
        yield found


@dataclass
class Seen:
    """One assessment that was drawn at random."""

    row: int
    subject: str
    criterion: str
    day: date
    baseline: float | None
    nadir: float | None
    current: float | None
    from_baseline: float | None
    from_nadir: float | None
    new_lesion: bool | None
    response: str


def drawn(seed: int) -> list[Seen]:
    """Draw assessments of which about half of the figures are wrong somewhere."""
    draw = random.Random(seed)
    words = {
        "recist": ["CR", "PR", "SD", "PD", "NE"],
        "rano": ["CR", "PR", "SD", "PD"],
        "irecist": ["iPR", "iSD", "iUPD", "iCPD"],
    }
    seen: list[Seen] = []
    for number in range(150):
        criterion = draw.choice(list(words))
        baseline = float(draw.choice([10, 20, 40, 80]))
        sums, day = [baseline], date(2022, 1, 1)
        for _ in range(draw.randint(1, 5)):
            day += timedelta(days=draw.choice([0, 28, 56]) if sums[1:] else 28)
            current = max(0.0, round(sums[-1] + draw.choice([-25, -12, -4, 0, 3, 4, 5, 6, 10, 18]), 1))
            nadir = min(sums) if draw.random() < 0.8 else draw.choice(sums)
            percent = [round(100 * (current - of) / of, 1) if of else None for of in (baseline, nadir)]
            if draw.random() < 0.2:
                percent = [None if p is None else p + draw.choice([-3, 0.4, 2]) for p in percent]
            unread = draw.random() < 0.1
            seen.append(Seen(
                len(seen) + 1, f"P{number}", criterion, day, baseline,
                nadir if draw.random() < 0.8 else None, None if unread else current,
                percent[0] if draw.random() < 0.9 else None, percent[1] if draw.random() < 0.9 else None,
                draw.choice([True, False, False, False, None]), draw.choice(words[criterion]),
            ))  # fmt: skip
            sums.append(current)
    return seen


def reckoned(seen: list[Seen], one: Seen) -> dict[str, bool | None]:
    """Judge one assessment as the texts of the suite say, without a database."""
    now = one.current
    if now is None and one.from_baseline is not None and one.baseline is not None:
        now = one.baseline * (1 + one.from_baseline / 100)
    earlier = [other for other in seen if other.subject == one.subject and other.day < one.day]
    sums = []
    for other in earlier:
        if other.current is not None:
            sums.append(other.current)
        elif other.from_baseline is not None and other.baseline is not None:
            sums.append(other.baseline * (1 + other.from_baseline / 100))
    gap = len([other for other in earlier if other.response != "NE"]) > len(
        [o for o in earlier if o.response != "NE" and (o.current is not None or o.from_baseline is not None)]
    )
    smallest = min([*sums, one.baseline]) if one.baseline is not None else None
    verdict: dict[str, bool | None] = {}

    verdict["nadir_is_smallest_sum"] = None
    if one.nadir is not None and smallest is not None and not (gap and one.nadir < smallest):
        accepted = [smallest] if one.current is None else [smallest, min(smallest, one.current)]
        verdict["nadir_is_smallest_sum"] = all(abs(one.nadir - each) > 1 for each in accepted)

    verdict["change_from_baseline_recomputed"] = None
    if one.current is not None and one.baseline and one.from_baseline is not None:
        verdict["change_from_baseline_recomputed"] = abs(one.from_baseline - 100 * (one.current / one.baseline - 1)) > 1

    references = [of for of in (one.nadir, smallest) if of is not None]
    growths = [100 * (now - of) / of for of in references if of and now is not None]
    limit = {"rano": 25}.get(one.criterion, 20)
    verdict["progression_shown"] = None
    if one.response in ("PD", "iUPD") and one.new_lesion is not None:
        most = max(growths + ([one.from_nadir] if one.from_nadir is not None else []), default=None)
        if min(references) == 0 and now is not None and now > 0:
            most = float("inf")
        if one.new_lesion:
            verdict["progression_shown"] = False
        elif most is not None:
            far_enough = one.criterion == "rano" or now is None or now - min(references) >= 5 - 0.001
            verdict["progression_shown"] = not (most >= limit - 0.05 and far_enough)
        elif now is not None and one.criterion != "rano" and now - min(references) < 5 - 0.001:
            verdict["progression_shown"] = True  # whatever the per cent

    verdict["progression_not_missed"] = None
    if one.response in ("CR", "PR", "SD", "iPR", "iSD"):
        highest = max(references, default=None)
        if one.new_lesion and one.criterion != "irecist":
            verdict["progression_not_missed"] = True
        else:
            least = min([100 * (now - highest) / highest] if highest and now is not None else [], default=None)
            least = min([each for each in (least, one.from_nadir) if each is not None], default=None)
            if highest == 0 and now is not None and now > 0:
                least = float("inf")
            grown = None if least is None else least >= limit + 0.05
            far = (
                True if one.criterion == "rano" else None if now is None or highest is None else now - highest >= 5.001
            )
            verdict["progression_not_missed"] = (
                False if False in (grown, far) else None if None in (grown, far) else True
            )
    return verdict


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_arithmetic_of_response_agrees_with_python(db: DuckDB, seed: int) -> None:
    seen = drawn(seed)
    db.script("DELETE FROM dsp.tumour_assessment")
    columns = [
        "_row", "subject_id", "criterion", "date", "baseline_sum", "nadir_sum", "current_sum", "change_from_baseline",
        "change_from_nadir", "new_lesion", "response",
    ]  # fmt: skip
    rows = [(*(str(v) if isinstance(v, date) else v for v in astuple(one)), 1, "t", "mm", one.row) for one in seen]
    insert_rows(db, "dsp.tumour_assessment", [*columns, "_file", "trial", "sum_unit", "assessment_id"], rows)
    verdicts = {one.row: reckoned(seen, one) for one in seen}
    for check in verdicts[1]:
        (measurement,) = sqlchecks.measure(db, [CHECKS[check]], CONTEXT)
        listed = [row_id for row_id, *_ in db.rows(CHECKS[check].rows_sql)]
        expected = {f"1:{row}" for row, verdict in verdicts.items() if verdict[check]}
        assert set(listed) == expected, check
        assert measurement.denominator == sum(verdict[check] is not None for verdict in verdicts.values()), check
        assert expected, check
