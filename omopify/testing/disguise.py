"""Made-up names for the subjects of a frozen test, in the form of the trial's own, so that maps read them alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

_RUN = re.compile(r"[0-9]+|[^\W\d_]+")
_ENROLMENT = re.compile(r"(?<![0-9])[0-9]$")
_LEAST = 4
"""Shorter texts are too common to be taken for a part of a name wherever they stand."""


@dataclass
class Disguise:
    """The made-up name of each subject: ``N_0412_1`` becomes ``X_0001_1``.

    A single digit at the end stays: it counts the enrolments of one person, who stays one.
    """

    names: dict[str, str] = field(default_factory=dict)
    _people: dict[str, int] = field(default_factory=dict)

    def name(self, subject: str) -> str:
        """Return the made-up name of a subject, always the same."""
        if subject not in self.names:
            person = _ENROLMENT.sub("", subject)
            number = self._people.setdefault(person, len(self._people) + 1)
            self.names[subject] = _made_up(subject, number)
        return self.names[subject]

    def row(self, row: Mapping[str, str | None], subject: str | None) -> dict[str, str | None]:
        """Return a row in which no subject has its own name; ``subject`` is the column that names it."""
        return {
            name: value if value is None else self.name(value) if name == subject else self.text(value)
            for name, value in row.items()
        }

    def text(self, value: str) -> str:
        """Return a text in which names of subjects, or parts of them, are replaced."""
        for subject, made_up in self.names.items():
            if value == subject:
                return made_up
            if len(subject) >= _LEAST and subject in value:
                value = value.replace(subject, made_up)
            elif len(value) >= _LEAST and value in subject and len(subject) == len(made_up):
                start = subject.index(value)
                return made_up[start : start + len(value)]
        return value

    def told(self, texts: Iterable[str]) -> list[str]:
        """Return the subjects whose own name stands in one of the texts."""
        long = [s for s, made_up in self.names.items() if len(s) >= _LEAST and s != made_up]
        known = set(self.names.values())
        return [subject for text in texts for subject in long if subject in text and subject not in known]


def _made_up(subject: str, number: int) -> str:
    runs = [found for found in _RUN.finditer(subject) if found[0].isdigit()]
    if not runs:
        return f"X_{number:04}_1"
    main = max(runs, key=lambda found: (len(found[0]), -found.start()))
    last = _ENROLMENT.search(subject)
    pieces, end = [], 0
    for found in _RUN.finditer(subject):
        size, text = len(found[0]), found[0]
        if found.start() == main.start():
            text = f"{number:0{size}}"
        elif not text.isdigit():
            text = "X" * size
        elif not (last and found.start() == last.start()):
            text = f"{1:0{size}}"
        pieces += [subject[end : found.start()], text]
        end = found.end()
    return "".join([*pieces, subject[end:]])
