"""Which columns may tell who a patient is: told by their name or label in several languages, or by their cells."""

from __future__ import annotations

import re
from collections.abc import Iterable

import polars as pl

from omopify.scanning.counting import Counted, told, total
from omopify.scanning.dates import Days
from omopify.scanning.hiding import Hiding

_SUBJECT = (
    r"usubjid",
    r"subj(ect)?(s)?[ _.-]?(id|no|nr|num|number|key|code|label|identifier)?",
    r"(unique )?subject identifier( for the study)?",
    r"(pat|patient|pasient|pt|participant|deltaker|proband)[ _.-]?(id|no|nr|num|number|nummer|key|code|identifier)",
    r"(patient|pasient|participant|patid|ptid|patnr|ppt|person[ _.-]?(id|key))",
    r"(record|case|screening|randomi[sz]ation|enrol+ment|inclusion)[ _.-]?(id|no|nr|num|number|nummer)",
)
_SUBJECTS = tuple(re.compile(pattern) for pattern in _SUBJECT)

_NAME = r"(first|last|family|given|full|middle|maiden|sur|patient|subject|pasient|participant|contact|next of kin|fore)"
_WORDS = (
    ("a name", rf"{_NAME}[ _.-]?s?[ _.-]?names?|initials?|initialer|^(name|navn|namn|naam|nom|nome|nombre)$"),
    ("a name", r"fornavn|etternavn|mellomnavn|förnamn|efternamn|fornavne|vorname|nachname|familienname|prénom|prenom"),
    ("a name", r"voornaam|achternaam|apellidos?|cognome|etunimi|sukunimi"),
    (
        "a birth date",
        r"birth|\bdob\b|brthd|brthy|bdate|f[øo]dsels?|født|född|födelse|geburt|geboorte|naissance|nacimiento",
    ),
    ("a birth date", r"nascita|syntym"),
    (
        "a national or hospital number",
        r"national[ _]?(id|number)|personn?(umme|nr)|\bfnr\b|\bpnr\b|\bcpr\b|\bssn\b|\bbsn\b",
    ),
    (
        "a national or hospital number",
        r"social[ _]security|\bnhs([ _]?n(o|r|umber))?\b|\bmrn\b|medical[ _]record|henkilötunnus",
    ),
    (
        "a national or hospital number",
        r"\bhetu\b|hospital[ _](no|nr|number)|journal(nr|nummer)|passport|identity[ _]card",
    ),
    ("a telephone number", r"\b(tele)?phone|telefon|\bmobile?(nr|nummer)?\b|\btel\b|\btlf\b|puhelin"),
    ("an e-mail address", r"e-?mail|e-?post\b|courriel"),
    (
        "an address",
        r"\badd?ress|adresse|street|\bgate(navn)?\b|strasse|straße|zip ?code|\bzip\b|post(al)?[ _]?(code|nr|nummer)",
    ),
    ("an address", r"postcode|\bplz\b|municipality|kommune|home ?town|wohnort"),
)
_WORDED = tuple((reason, re.compile(pattern)) for reason, pattern in _WORDS)
# 'date of first dose by e-mail' is none; a drug has a name, and so has an event or a site
_THINGS = re.compile(r"drug|trade|brand|event|visit|form|file|study|site|cohort|test|generic|substance|gene\b|country")

_CELLS = (
    ("an e-mail address", r"^[^@\s]+@[^@\s]+\.[a-z]{2,}$"),
    ("a national or hospital number", r"^[0-3][0-9][0-1 4-9][0-9][0-9]{2}[- ]?[0-9]{5}$"),
    ("a national or hospital number", r"^[0-3][0-9][01][0-9][0-9]{2}[-+a][0-9]{3}[0-9a-z]$"),
    ("a national or hospital number", r"^(?:19|20)?[0-9]{2}[01][0-9][0-3][0-9][-+][0-9]{4}$"),
    ("a national or hospital number", r"^[0-9]{3}-[0-9]{2}-[0-9]{4}$"),
    ("a national or hospital number", r"^[0-9]{3} [0-9]{3} [0-9]{4}$"),
    ("a telephone number", r"^(?:\+|00)[0-9][0-9 ()-]{7,16}$"),
)
_IN_CELLS = 0.2
"""The share of the filled cells from which on they make a column an identifier."""

_PROSE = re.compile(
    r"comment|remark|\bnotes?\b|narrative|free ?text|describe|specify|\bspec\b|kommentar|merknad|beskriv"
    r"|fritekst|fritext|bemerkung|commentaire|opmerking|spesifiser|other,|co(mm|m)?nt$|spfy$|oth$"
)


def subject_column(names: Iterable[str], labels: Iterable[str]) -> str:
    """Return the column that tells subjects apart by its name, else by its label; '' if none does."""
    pairs = list(zip(names, labels, strict=True))
    for pattern in _SUBJECTS:
        for name, _ in pairs:
            if pattern.fullmatch(name.casefold()):
                return name
    for pattern in _SUBJECTS:
        for name, label in pairs:
            if pattern.fullmatch(label.casefold()):
                return name
    return ""


def identifier(name: str, label: str, subject: str, counted: Counted, days: Days) -> str:
    """Return why a column may identify a person; '' if it does not seem to."""
    if name == subject:
        return "tells the subjects apart"
    if any(pattern.fullmatch(text) for pattern in _SUBJECTS[:5] for text in (name.casefold(), label.casefold())):
        return "may tell the subjects apart: its name says so"
    for place, text in (("name", name), ("label", label)):
        reason = worded(text)
        if reason:
            return f"may be {reason}: its {place} says so"
    if not counted.filled or days.rows > counted.filled / 2:
        return ""
    for reason, pattern in _CELLS:
        share = total(counted.values.filter(pl.col("low").str.contains(pattern))) / counted.filled
        if share >= _IN_CELLS:
            return f"may be {reason}: its cells look like it"
    return ""


def worded(text: str) -> str:
    """Return what a column's name or label says it is, of what identifies a person; '' if nothing of it."""
    spaced = re.sub(r"(?<=[a-zæøå])(?=[A-ZÆØÅ])", " ", text).replace("_", " ").casefold()
    for reason, pattern in _WORDED:
        if pattern.search(spaced) or (reason != "a name" and pattern.search(text.casefold())):
            if reason == "a name" and _THINGS.search(spaced) and not re.search(r"patient|subject|surname", spaced):
                continue
            return reason
    return ""


def looks_personal(counted: Counted) -> pl.DataFrame:
    """Return the values that look like an e-mail address, a national number or a telephone number."""
    marks = [pl.col("low").str.contains(pattern) for _, pattern in _CELLS]
    return counted.values.filter(pl.any_horizontal(marks))


def free_text(name: str, label: str, counted: Counted, hiding: Hiding) -> str:
    """Return why a column of texts is taken for free text; '' if it is not."""
    if counted.filled == 0:
        return ""
    sizes = counted.values.select(
        "rows",
        pl.col("value").str.count_matches(r"\s+").alias("blanks"),
        pl.col("value").str.len_chars().alias("chars"),
    )
    words = 1 + (sizes.get_column("blanks") * sizes.get_column("rows")).sum() / counted.filled
    chars = (sizes.get_column("chars") * sizes.get_column("rows")).sum() / counted.filled
    share = told(counted.values) / counted.filled
    named = _PROSE.search(name.casefold()) or _PROSE.search(label.casefold())
    if named and words >= 1.5:
        return "its name or label says so, and its cells hold several words"
    if (words >= 4 and share > 0.5) or (words >= 3 and chars >= 30 and share > 0.5) or chars >= 200:
        if counted.filled < hiding.small:
            return "its cells hold several words, most of them different"
        return f"{words:.0f} words in a cell on average, and most cells are different"
    return ""
