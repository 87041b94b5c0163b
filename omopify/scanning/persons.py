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

_NUMBER = r"( ?(study )?(id|no|nr|num|number|nummer|key|code|label|identifier|seq))?"
_MAYBE = re.compile(
    rf"((study|trial|castor|unique) ?)?(subject|subj|patient|patienten|pat|pasient|participant|person){_NUMBER}"
    r"|((study|studie|trial|rand|hospital|case|inklusjons|løpe|lope|pseudonym) ?(id|no|nr|num|number|nummer))"
    r"|(ss|p|np|mnpp|mnpa)id|mnplabel|pseudonyme?|identifier|case|key|id"
    r"|(patiënt|deltag(er|are)|deltaker|forsøksperson|proefpersoon|proband(en)?|potilas|tutkittava|sujet|paciente|paziente)"
    rf"{_NUMBER}"
)
"""Names, with blanks for signs, that a column of subjects may have if it holds many different values."""

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
_PERSONAL = (
    r"[^@\s]+@[^@\s]+\.[a-z]{2,}",
    r"(?:^|[^0-9])(?:[0-3][0-9][0-14-9][0-9]{3}[- ]?[0-9]{5}|[0-3][0-9][01][0-9]{3}[-+a][0-9]{3}[0-9a-z])(?:[^0-9]|$)",
    r"(?:^|[^0-9])(?:(?:19|20)?[0-9]{2}[01][0-9][0-3][0-9][-+][0-9]{4}|[0-9]{3}-[0-9]{2}-[0-9]{4})(?:[^0-9]|$)",
    r"(?:^|[^0-9])(?:[0-9]{3} [0-9]{3} [0-9]{4}|[0-9]{2} [0-9]{2} [0-9]{2} [0-9]{2})(?:[^0-9]|$)",
    r"(?:^|[^0-9a-z])(?:\+|00)[0-9][0-9 ()-]{7,16}|(?:tel|tlf|mob|phone|fon)\w*[.:]? ?[0-9][0-9 -]{5,}",
)
"""The same inside of a longer text, in small letters; for Polars and for Python."""
_MANY = 10
"""So many different values make a column one that may tell subjects apart."""
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


def may_be_subject(name: str) -> bool:
    """Say whether a column of many different values, and of this name, may tell subjects apart."""
    spaced = re.sub(r"(?<=[a-zæøå])(?=[A-ZÆØÅ])", " ", name)
    return any(_MAYBE.fullmatch(re.sub(r"[\W_]+", " ", text).strip().casefold()) for text in (spaced, name))


def _numbered_alike(counted: Counted) -> bool:
    """Say whether most cells are of one shape with a running number, such as NO-001 or 1001, and many differ."""
    values = counted.values
    if told(values) < _MANY:
        return False
    shaped = values.with_columns(pl.col("low").str.replace_all("[0-9]", "9").alias("alike"))
    top = shaped.group_by("alike").agg(pl.col("rows").sum()).sort("rows", descending=True)
    shape = str(top.item(0, "alike"))
    if top.item(0, "rows") < 0.8 * counted.filled or not re.search("999", shape) or re.search(r"[ .:/]|9,", shape):
        return False
    if re.search("[^9]", shape):
        return True
    # numbers of four digits may be anything: those of subjects begin at a round one and have few gaps
    numbers = shaped.filter(pl.col("alike") == shape).get_column("low").cast(pl.Int64, strict=False)
    low, high = int(str(numbers.min() or 0)), int(str(numbers.max() or 0))
    years = low >= 1900 and high <= 2100
    return len(shape) > 3 and not years and high - low < 3 * numbers.n_unique()


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
    if may_be_subject(name) and told(counted.values) >= _MANY:
        return "may tell the subjects apart: its name says so"
    # where subjects are known, what only one of them has is hidden in any case
    if not subject and _numbered_alike(counted):
        return "may tell the subjects apart: its cells are numbered alike"
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
    marks = [pl.col("low").str.contains(pattern) for pattern in _PERSONAL]
    return counted.values.filter(pl.any_horizontal(marks))


def is_personal(text: str) -> bool:
    """Say whether a text holds what looks like an e-mail address, a national number or a telephone number."""
    return any(re.search(pattern, text.lower()) for pattern in _PERSONAL)


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
