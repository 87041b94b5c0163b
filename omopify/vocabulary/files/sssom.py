"""What SSSOM's words mean in a concept file.

SSSOM is the Simple Standard for Sharing Ontological Mappings (https://mapping-commons.github.io/sssom/, read in
the repository mapping-commons/sssom: ``src/docs/spec/formats-tsv.md``, ``src/sssom_schema/schema/sssom_schema.yaml``).
The words for Usagi's equivalences are Usagi's own (``src/org/ohdsi/usagi/Equivalence.java`` in OHDSI/Usagi).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from omopify.vocabulary.files.cells import Cell
from omopify.vocabulary.files.concept_rows import as_day, milliseconds

PREDICATES = {
    "EQUAL": "skos:exactMatch",
    "EQUIVALENT": "skos:closeMatch",
    "WIDER": "skos:broadMatch",
    "NARROWER": "skos:narrowMatch",
    "INEXACT": "skos:relatedMatch",
    "UNMATCHED": "skos:mappingRelation",
    "UNREVIEWED": "skos:mappingRelation",
}
"""SSSOM's word for each of Usagi's; one that is not reviewed gets SKOS's word that claims nothing more."""

OMOP = "https://athena.ohdsi.org/search-terms/terms/"
"""Where a concept id leads to; OMOP's vocabularies have no other address."""

NO_TERM = "sssom:NoTermFound"
MANUAL = "semapv:ManualMappingCuration"
TYPE_SLOT = "omop_mapping_type"
EQUIVALENCE_SLOT = "omop_equivalence"
"""Columns of omopify's own, for what SSSOM has no word for: a target that is a value or a unit."""

_OTHER_PREDICATES = {
    "owl:sameAs": "EQUAL",
    "owl:equivalentClass": "EQUAL",
    "rdfs:subClassOf": "WIDER",
    "oboInOwl:hasDbXref": "INEXACT",
    "rdfs:seeAlso": "INEXACT",
}
_EQUIVALENCES = {
    word.casefold(): name
    for name, word in [*PREDICATES.items(), *((name, word) for word, name in _OTHER_PREDICATES.items())]
    if name != "UNMATCHED"
}
TAKEN = (
    "subject_id subject_label predicate_id predicate_modifier object_id object_label object_category "
    "mapping_justification match_type author_label author_id creator_label creator_id reviewer_label reviewer_id "
    f"review_date mapping_date similarity_score confidence comment {TYPE_SLOT} {EQUIVALENCE_SLOT}"
).split()
"""The slots whose content ``as_usagi`` carries over."""

_OMOP_PREFIXES = ("omop", "athena", "ohdsi")


def metadata(notes: Sequence[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Read the lines above a mapping table: the set's own words, and the prefixes with what they stand for.

    Lists and texts over several lines are not taken up: nothing in a concept file corresponds to them.
    """
    words: dict[str, str] = {}
    prefixes: dict[str, str] = {}
    section, outer = "", None
    for note in notes:
        match = re.match(r"#( *)([^\s:]+):\s*(.*)$", note)
        if not match:
            continue
        indent, name, value = len(match[1]), match[2], match[3].strip().strip("'\"")
        outer = indent if outer is None else outer
        if indent == outer:
            section = name
            words[name] = value
        elif section == "curie_map":
            prefixes[name] = value
    return words, prefixes


def as_usagi(
    record: Mapping[str, Cell], words: Mapping[str, str], prefixes: Mapping[str, str]
) -> dict[str, Cell] | None:
    """Return a mapping in Usagi's columns; None for one that says what a term is *not*.

    A mapping counts as approved if somebody reviewed it or made it by hand, for then a person answers for it.
    An object that is no OMOP concept becomes concept 0 and is named in the column ``object_id``, so that it
    is not lost.

    Args:
        record: the cells of a row by folded column name.
        words: the set's own words; the day of mapping may stand there once for all rows.
        prefixes: what the prefixes stand for.
    """

    def said(slot: str) -> Cell:
        return record.get(slot.replace("_", ""), Cell("", 0, 0))

    def people(role: str) -> str:
        names = said(f"{role}_label").text or said(f"{role}_id").text
        return "; ".join(re.sub(r"\\([|\\])", r"\1", name) for name in re.split(r"(?<!\\)\|", names) if name)

    if said("predicate_modifier").text.casefold() == "not":
        return None
    subject, target = said("subject_id"), said("object_id")
    concept_id = _concept_id(target.text.strip(), prefixes)
    reviewer, author = people("reviewer"), people("author") or people("creator")
    by_hand = said("mapping_justification").text == MANUAL or said("match_type").text == "HumanCurated"
    approved = bool(reviewer) or by_hand
    label = said("subject_label")
    code, own = _code(subject.text.strip(), prefixes, words.get("mapping_set_id", ""))
    equivalence = said(EQUIVALENCE_SLOT).text or _EQUIVALENCES.get(said("predicate_id").text.casefold(), "")
    score = said("similarity_score") if said("similarity_score").text else said("confidence")
    mapped_on = said("mapping_date").text or words.get("mapping_date", "")
    reviewed_on = said("review_date").text or (mapped_on if approved else "")
    cells = {
        "sourceCode": subject._replace(text=code),
        "sourceName": label if label.text.strip() else subject._replace(text=code),
        "matchScore": score,
        "mappingStatus": target._replace(text="APPROVED" if approved and concept_id is not None else "UNCHECKED"),
        "equivalence": said("predicate_id")._replace(text=equivalence if concept_id else "UNMATCHED"),
        "statusSetBy": target._replace(text=(reviewer or author) if approved else ""),
        "statusSetOn": said("review_date")._replace(text=_moment(reviewed_on)),
        "conceptId": target._replace(text=str(concept_id or 0)),
        "conceptName": said("object_label") if concept_id else target._replace(text=""),
        "domainId": said("object_category"),
        "mappingType": said(TYPE_SLOT),
        "comment": said("comment"),
        "createdBy": target._replace(text=author),
        "createdOn": said("mapping_date")._replace(text=_moment(mapped_on)),
    }
    if concept_id is None:
        cells["object_id"] = target
    if not own:
        cells["subject_id"] = subject
    return cells


def _concept_id(curie: str, prefixes: Mapping[str, str]) -> int | None:
    if curie == NO_TERM or not curie:
        return 0
    prefix, colon, local = curie.partition(":")
    address = prefixes.get(prefix, "")
    if address and not local.startswith("//"):
        curie = address + local
    elif prefix.casefold() in _OMOP_PREFIXES:
        curie = OMOP + local
    elif not colon:
        curie = OMOP + prefix
    match = re.fullmatch(r"https?://athena\.ohdsi\.org/search-terms/terms/(\d+)/?", curie)
    return int(match[1]) if match else None


def _code(curie: str, prefixes: Mapping[str, str], set_id: str) -> tuple[str, bool]:
    """Return the code of a subject, and whether its prefix is one that ``vocab export`` made for the set."""
    prefix, colon, local = curie.partition(":")
    if not colon:
        return curie, True
    if set_id and prefixes.get(prefix) == f"{set_id}#":
        return decoded(local), True
    return local, False


def encoded(code: str) -> str:
    """Return a code as the local part of a CURIE: what a web address may not hold becomes ``%`` and two digits."""
    return "".join(c if re.match(r"[A-Za-z0-9._~-]", c) else "".join(f"%{b:02X}" for b in c.encode()) for c in code)


def decoded(local: str) -> str:
    """Return the code that ``encoded`` made a local part of."""
    raw = re.sub(rb"%([0-9A-Fa-f]{2})", lambda match: bytes([int(match[1], 16)]), local.encode())
    return raw.decode("utf-8", "replace")


def _moment(text: str) -> str:
    """Return a day, perhaps with a time, as Usagi writes a moment; '' for what is no day."""
    day = as_day(text.strip()[:10])
    return str(milliseconds(day)) if day else ""
