"""Read and write how a variant changes a protein, in the notation of the Human Genome Variation Society.

Reports write one change in many ways: ``p.Val600Glu``, ``p.(V600E)``, ``V600E``; ``R1450*``, ``Arg1450Ter``,
``R1450X``.  Here they become one :class:`Change`, which can be written again with one or with three letters.
The grammar is that of https://hgvs-nomenclature.org (recommendations, protein), with two habits of reports
beside it: ``X`` for a stop, and a codon without its new amino acid (``V600``, any change there).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Letters = Literal[1, 3]
Kind = Literal[
    "substitution", "nonsense", "silent", "deletion", "duplication", "insertion", "delins", "frameshift", "extension",
    "codon",
]  # fmt: skip

THREE: dict[str, str] = {
    "A": "Ala", "R": "Arg", "N": "Asn", "D": "Asp", "C": "Cys", "Q": "Gln", "E": "Glu", "G": "Gly", "H": "His",
    "I": "Ile", "L": "Leu", "K": "Lys", "M": "Met", "F": "Phe", "P": "Pro", "S": "Ser", "T": "Thr", "W": "Trp",
    "Y": "Tyr", "V": "Val", "*": "Ter",
}  # fmt: skip
"""The amino acids and the stop: one letter and three."""

_ONE = {name.lower(): letter for letter, name in THREE.items()} | {"*": "*"}


@dataclass(frozen=True, slots=True)
class Residue:
    """An amino acid of the reference protein (one letter, ``*`` for the stop) and its place, counted from 1."""

    letter: str
    number: int


@dataclass(frozen=True, slots=True)
class Change:
    """One change of a protein.

    ``first`` and ``last`` are the residues that are changed, deleted or doubled (for an insertion those on both
    sides of it); ``last`` is None when it is one.  ``new`` is what comes instead, one letter each.  ``stop`` is
    where a frameshift or an extension ends: a number, ``?`` for a place that is not known, or nothing if it is
    not said.
    """

    kind: Kind
    first: Residue
    last: Residue | None = None
    new: str = ""
    stop: str = ""

    def hgvs(self, letters: Letters = 3) -> str:
        """Write the change in HGVS, without ``p.``; *letters* per amino acid."""
        text = _residue(self.first, letters)
        if self.last is not None:
            text += "_" + _residue(self.last, letters)
        new = _sequence(self.new, letters)
        end = (_sequence("*", letters) if not self.stop.startswith("-") else "") + self.stop if self.stop else ""
        return (
            text
            + {
                "substitution": new,
                "nonsense": new,
                "silent": "=",
                "deletion": "del",
                "duplication": "dup",
                "insertion": "ins" + new,
                "delins": "delins" + new,
                "frameshift": new + "fs" + end,
                "extension": new + "ext" + end,
                "codon": "",
            }[self.kind]
        )


def write(changes: tuple[Change, ...], letters: Letters = 3) -> str:
    """Write the changes of one protein, without ``p.``: one as it is, several as ``[one;other]``."""
    written = [change.hgvs(letters) for change in changes]
    return written[0] if len(written) == 1 else f"[{';'.join(written)}]"


def parse(text: str) -> tuple[Change, ...] | None:
    """Read the change of a protein in any of its usual spellings; None if it is none.

    ``p.``, parentheses and brackets may be there or not, and upper and lower case are alike.  Several changes
    between brackets are those of one copy of the protein, and come in their order; changes of two copies
    (``[one];[other]``) are not one variant.
    """
    bare = re.sub(r"^p\.|\s", "", text.strip(), flags=re.IGNORECASE)
    if "];[" in bare or "(;)" in bare:
        return None
    bare = re.sub(r"[()\[\]]", "", bare)
    changes = [_one_change(part) for part in bare.split(";")]
    return None if None in changes else tuple(change for change in changes if change is not None)


def _one_change(text: str) -> Change | None:
    text = re.sub(r"^Ter(?=[0-9])", "*", text, flags=_FLAGS)
    text = re.sub(r"([0-9]|fs|ext)(?:Ter|X)(?=[0-9?]|$)", r"\1*", text, flags=_FLAGS)
    for letters, pattern in _PATTERNS.items():
        found = pattern.fullmatch(text)
        if found:
            return _change(found.groupdict(default=""), letters)
    return None


def _change(part: dict[str, str], letters: Letters) -> Change | None:
    first = Residue(_one_letter(part["first"], letters), int(part["at"]))
    last = Residue(_one_letter(part["last"], letters), int(part["to"])) if part["last"] else None
    tail: Kind = next((tail for tail in _TAILS if part[tail]), "codon")
    if last is not None and (
        last.number <= first.number or tail not in ("deletion", "duplication", "insertion", "delins")
    ):
        return None
    if tail == "insertion" and (last is None or last.number != first.number + 1):
        return None
    new = _one_letter(part.get(f"{tail}_new", ""), letters)
    kind: Kind = "nonsense" if tail == "substitution" and new == "*" else tail
    return Change(kind, first, last, new, part.get(f"{tail}_stop", ""))


_FLAGS = re.IGNORECASE | re.ASCII  # without ASCII a Kelvin sign would be a K
_TAILS: tuple[Kind, ...] = (
    "silent", "substitution", "deletion", "duplication", "insertion", "delins", "frameshift", "extension",
)  # fmt: skip


def _pattern(letters: Letters) -> re.Pattern[str]:
    amino = (
        f"(?:{'|'.join(name for letter, name in THREE.items() if letter != '*')})"
        if letters == 3
        else "[AC-IK-NP-TVWY]"
    )
    stop = r"(?:Ter|\*)" if letters == 3 else r"\*"
    residue = rf"(?:{amino}|\*)"
    number = "[1-9][0-9]{0,4}"
    text = rf"""
        (?P<first>{residue})(?P<at>{number}) (?:_(?P<last>{residue})(?P<to>{number}))?
        (?: (?P<silent>=)
          | (?P<substitution>(?P<substitution_new>{residue}))
          | (?P<deletion>del)
          | (?P<duplication>dup)
          | (?P<insertion>ins(?P<insertion_new>(?:{amino}|{stop})+))
          | (?P<delins>delins(?P<delins_new>(?:{amino}|{stop})+))
          | (?P<frameshift>(?P<frameshift_new>{amino})?fs(?:\*(?P<frameshift_stop>{number}|\?)?)?)
          | (?P<extension>(?P<extension_new>{amino})?ext(?:\*(?=[0-9?]))?(?P<extension_stop>{number}|\?|-{number}))
        )?
    """
    return re.compile(text, re.VERBOSE | _FLAGS)


_PATTERNS: dict[Letters, re.Pattern[str]] = {3: _pattern(3), 1: _pattern(1)}


def _one_letter(text: str, letters: Letters) -> str:
    if letters == 1:
        return text.upper()
    return "".join(_ONE[name] for name in re.findall(r"\*|...", text.lower()))


def _residue(residue: Residue, letters: Letters) -> str:
    return f"{_sequence(residue.letter, letters)}{residue.number}"


def _sequence(text: str, letters: Letters) -> str:
    return text if letters == 1 else "".join(THREE[letter] for letter in text)
