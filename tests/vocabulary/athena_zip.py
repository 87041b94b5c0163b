"""Made-up Athena downloads of any size, shaped like the real ones, for tests and benchmarks.

Vocabulary names, domains and classes are real words, so that omopify treats the rows as it treats Athena's; **all
ids, codes and names are invented** and mean nothing outside this repository.  The shares of the vocabularies and the
rows of the tables for one concept are those of a real download of one European site (v5.0 27-AUG-25: 4.9 M concepts,
38 M relationships, 44 M ancestors, 3.3 M synonyms, 3 M drug strengths).

``write_download`` makes the folder, ``zip_download`` packs one as Athena does, ``write_tiny`` makes one of a few rows
for tests of single pitfalls.

    python -m tests.vocabulary.athena_zip FOLDER --concepts 500000
"""

from __future__ import annotations

import argparse
import zipfile
from collections.abc import Mapping
from pathlib import Path

import duckdb

from omopify.cdm import tables
from omopify.vocabulary.loading.athena import TABLES

RELEASE = "v5.0 made up"

BASE = 100_000_000
"""The first made-up concept id; Athena's end far below it, so that nothing real is met."""

METADATA = 99_000_000
"""Where the made-up concepts of vocabularies, domains, classes and relationships begin."""

HEADERS = {table: "\t".join(field.name for field in tables()[table].fields) for table in TABLES}

# how many rows of a table there are for each concept
PER_CONCEPT = {"concept_relationship": 7.6, "concept_ancestor": 8.8, "concept_synonym": 0.66, "drug_strength": 0.6}

# (share in percent, vocabulary, domain, class, standard, pattern of names); the first concept is RxNorm Extension
_SHARES = (
    (44, "RxNorm Extension", "Drug", "Quant Clinical Drug", "S", "drug"),
    (22, "SNOMED", "Condition", "Disorder", "S", "disease"),
    (9, "dm+d", "Drug", "AMP", None, "drug"),
    (6, "RxNorm", "Drug", "Ingredient", "S", "ingredient"),
    (6, "OMOP Genomic", "Measurement", "Protein Variant", "S", "variant"),
    (6, "LOINC", "Measurement", "Lab Test", "S", "lab"),
    (3, "ICD10", "Condition", "ICD10 code", None, "disease"),
    (2, "MedDRA", "Condition", "PT", "C", "disease"),
    (1, "ICDO3", "Condition", "ICDO Condition", None, "disease"),
    (1, "ATC", "Drug", "ATC 5th", "C", "ingredient"),
)

_WORDS = {
    "extents": "acute chronic recurrent metastatic primary secondary localised advanced benign malignant congenital "
    "mild",
    "disorders": "neoplasm carcinoma adenocarcinoma sarcoma inflammation ulcer haemorrhage infection fracture "
    "oedema stenosis perforation neuropathy dermatitis thrombosis fibrosis",
    "sites": "lung breast colon rectum stomach ovary cervix prostate pancreas liver kidney bladder thyroid skin brain "
    "oesophagus bone larynx tongue spleen",
    "parts": "upper lower left right anterior posterior medial lateral proximal distal central inner",
    "starts": "abe bri cabo da ela fulve gefi ima lapa mido nila ola pala regor sora tra vande zanu",
    "middles": "citi ga li mati no pari ra si ta tumo va xi",
    "ends": "nib mab parib ciclib stat platin taxel rubicin trexate limus",
    "forms": "Oral_Tablet Injectable_Solution Oral_Capsule Topical_Cream Inhalant_Powder",
    "makers": "Abadone Bexcel Corvida Delphar Eskerra Fjordmed",
    "genes": "GENA GENB GENC GEND GENE GENF GENG GENH",
    "analytes": "Creatinine Bilirubin Albumin Sodium Potassium Haemoglobin Platelets Calcium Ferritin Glucose",
    "specimens": "Serum Plasma Blood Urine Saliva",
    "amino": "Ala Arg Asn Asp Cys Gln Glu Gly His Ile Leu Lys Met Phe Pro Ser Thr Trp Tyr Val",
}  # fmt: skip

_PATTERNS = {
    "ingredient": "{starts}{middles}{ends} {number}",
    "drug": "{number} MG {starts}{middles}{ends} {forms} by {makers}",
    "disease": "{extents} {disorders} of {parts} part of {sites}, type {number}",
    "variant": "{genes} p.{amino}{number}{amino2} variant measurement",
    "lab": "{analytes} [Mass/volume] in {specimens} --{number} hours post challenge",
}


def write_download(folder: Path, concepts: int, seed: int = 1, rows: Mapping[str, int] | None = None) -> Path:
    """Write the nine files of a made-up download with about *concepts* concepts; the same seed, the same files.

    *rows* sets the rows of single tables (``{"concept_ancestor": 1000}``); without it they are in proportion.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {table: int(concepts * share) for table, share in PER_CONCEPT.items()} | dict(rows or {})
    with duckdb.connect() as con:
        con.execute("SET preserve_insertion_order = true")
        con.execute(f"SELECT setseed({1 / (seed + 1)})")
        _concepts(con, concepts, seed)
        for table, sql in _queries(wanted, seed).items():
            path = (folder / f"{table.upper()}.csv").as_posix()
            con.execute(f"COPY ({sql}) TO '{path}' (FORMAT csv, DELIMITER '\t', QUOTE '', ESCAPE '', HEADER)")
    return folder


def zip_download(folder: Path, path: Path, inside: str = "", more: Mapping[str, bytes] | None = None) -> Path:
    """Pack the files of a folder, in the folder *inside* of the archive, with *more* files beside them."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for file in sorted(folder.iterdir()):
            archive.write(file, inside + file.name)
        for name, content in (more or {}).items():
            archive.writestr(name, content)
    return path


TINY = {
    "CONCEPT.csv": "0\tNo matching concept\tMetadata\tNone\tUndefined\t\tNo matching concept\t19700101\t20991231\t\n"
    "100000001\tabemanib\tDrug\tRxNorm\tIngredient\tS\tcode1\t20200131\t20991231\t\n"
    "100000002\tabemanib 5 MG\tDrug\tdm+d\tAMP\t\t007\t20200131\t20991231\t\n",
    "CONCEPT_RELATIONSHIP.csv": "100000002\t100000001\tMaps to\t20200131\t20991231\t\n",
    "VOCABULARY.csv": f"None\tOMOP Standardized Vocabularies\tOMOP generated\t{RELEASE}\t100000009\n"
    "RxNorm\tRxNorm\tmade up\t\t100000008\n",
}
"""The rows of a whole vocabulary of three made-up concepts, by file name."""


def write_tiny(folder: Path, files: Mapping[str, str | bytes | None] | None = None) -> Path:
    """Write ``TINY`` with its headers; *files* replaces whole files (None leaves one out) or adds others."""
    folder.mkdir(parents=True, exist_ok=True)
    whole: dict[str, str | bytes | None] = {name: with_header(name, rows) for name, rows in TINY.items()}
    for name, content in (whole | dict(files or {})).items():
        if content is not None:
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def with_header(name: str, rows: str) -> str:
    """Return the rows of a file below the header of its table."""
    return f"{HEADERS[name.split('.')[0].casefold()]}\n{rows}"


def _concepts(con: duckdb.DuckDBPyConnection, concepts: int, seed: int) -> None:
    """Make the table ``c``: one row a concept, ``i`` its number, ``id`` its made-up concept id."""

    def word(name: str, salt: int) -> str:
        words = [word.replace("_", " ") for word in _WORDS[name.rstrip("2")].split()]
        return f"list_extract({words!r}, 1 + (hash(i, {seed}, {salt}) % {len(words)})::integer)"

    def name(pattern: str) -> str:
        slots = {slot: f"' || {word(slot, salt)} || '" for salt, slot in enumerate((*_WORDS, "amino2"))}
        return "'" + _PATTERNS[pattern].format(**slots, number="' || (i // 100) || '") + "'"

    ends = [sum(share[0] for share in _SHARES[: n + 1]) for n in range(len(_SHARES))]

    def choose(values: list[str]) -> str:
        return "CASE " + " ".join(f"WHEN i % 100 < {e} THEN {v}" for e, v in zip(ends, values, strict=True)) + " END"

    def texts(column: int) -> str:
        return choose(["NULL" if s[column] is None else f"'{s[column]}'" for s in _SHARES])

    con.execute(
        f"""CREATE TABLE c AS
        SELECT i, ({BASE} + i * 7)::integer AS id, {choose([name(s[5]) for s in _SHARES])} AS name,
               {texts(2)} AS domain, {texts(1)} AS vocabulary, {texts(3)} AS class, {texts(4)} AS standard,
               CASE i % 100 WHEN 50 THEN lpad((i * 31)::varchar, 18, '0') ELSE (i * 31)::varchar END AS code,
               (DATE '1970-01-01' + (hash(i) % 18000)::integer) AS first_day, i % 97 = 96 AS retired
        FROM range({concepts}) AS r(i)"""
    )
    names = sorted({*(s[1] for s in _SHARES), "None", "Vocabulary", "Domain", "Concept Class", "Relationship"})
    metadata = [("None", "None", 0, "No matching concept")]
    metadata += [(v, "Vocabulary", n, v) for n, v in enumerate(names, METADATA + 100)]
    metadata += [
        (d, "Domain", n, d) for n, d in enumerate(sorted({s[2] for s in _SHARES} | {"Metadata"}), METADATA + 200)
    ]
    metadata += [(k, "Concept Class", n, k) for n, k in enumerate(sorted({s[3] for s in _SHARES}), METADATA + 300)]
    metadata += [(r, "Relationship", n, r) for n, r in enumerate(_RELATIONSHIPS, METADATA + 400)]
    con.execute("CREATE TABLE m (key varchar, vocabulary varchar, id integer, name varchar)")
    con.executemany("INSERT INTO m VALUES (?, ?, ?, ?)", metadata)


_RELATIONSHIPS = {
    "Maps to": "Mapped from",
    "Mapped from": "Maps to",
    "Is a": "Subsumes",
    "Subsumes": "Is a",
    "Has asso finding": "Asso finding of",
    "Asso finding of": "Has asso finding",
    "RxNorm has dose form": "RxNorm dose form of",
    "RxNorm dose form of": "RxNorm has dose form",
}
_OTHERS = [r for r in _RELATIONSHIPS if "RxNorm" in r or "finding" in r]


def _queries(wanted: Mapping[str, int], seed: int) -> dict[str, str]:
    """Give the query for each file; dates are written as Athena writes them."""
    always = "'19700101' AS valid_start_date, '20991231' AS valid_end_date, NULL AS invalid_reason"
    total = "(SELECT count(*) FROM c)"
    # what a retired or non-standard concept maps to: the SNOMED or RxNorm Extension concept of its hundred
    target = "(i // 100) * 100 + CASE WHEN domain = 'Drug' THEN 0 ELSE 50 END"
    links = f"""
        SELECT id AS a, CASE WHEN standard = 'S' AND NOT retired THEN id
               ELSE {BASE} + least({target}, {total} - 1) * 7 END AS b, 'Maps to' AS r, 'Mapped from' AS back FROM c
        UNION ALL
        SELECT id, {BASE} + (i // 200 * 100 + i % 100) * 7, 'Is a', 'Subsumes' FROM c WHERE i >= 100"""
    fill = f"""
        SELECT {BASE} + (hash(n, 1) % {total})::integer * 7, {BASE} + (hash(n, 2) % {total})::integer * 7,
               list_extract({_OTHERS!r}, 1 + (n % {len(_OTHERS)}))
        FROM range({wanted["concept_relationship"]}) AS f(n)"""
    return {
        "concept": f"""
            SELECT concept_id, concept_name, domain_id, vocabulary_id, concept_class_id, standard_concept, concept_code,
                   valid_start_date, valid_end_date, invalid_reason FROM (
            SELECT id AS concept_id, CASE i % 5003 WHEN 17 THEN '"' || name WHEN 29 THEN name || ' 12" tube'
                   ELSE name END AS concept_name, domain AS domain_id, vocabulary AS vocabulary_id,
                   class AS concept_class_id,
                   CASE WHEN NOT retired THEN standard END AS standard_concept, code AS concept_code,
                   strftime(first_day, '%Y%m%d') AS valid_start_date,
                   CASE WHEN retired THEN '20200131' ELSE '20991231' END AS valid_end_date,
                   CASE WHEN retired THEN 'U' END AS invalid_reason, hash(i, {seed}) AS place
            FROM c UNION ALL SELECT id, name, 'Metadata', vocabulary, 'Undefined', NULL, 'OMOP generated',
                   '19700101', '20991231', NULL, id FROM m) ORDER BY place""",
        "concept_relationship": f"""
            SELECT a AS concept_id_1, b AS concept_id_2, r AS relationship_id, {always} FROM (
            SELECT *, hash(a, b, r) AS place FROM (
            SELECT DISTINCT * FROM (
            SELECT a, b, r FROM ({links}) UNION ALL SELECT b, a, back FROM ({links}) UNION ALL ({fill}))
            ) LIMIT {wanted["concept_relationship"]}) ORDER BY place""",
        "concept_ancestor": f"""
            SELECT {BASE} + a * 7 AS ancestor_concept_id, {BASE} + d * 7 AS descendant_concept_id,
                   min(n) AS min_levels_of_separation, max(n) AS max_levels_of_separation
            FROM (SELECT i AS d, n, i // 100 // (2 ** n)::bigint * 100 + i % 100 AS a FROM c, range(14) AS l(n)
                  WHERE standard IS NOT NULL)
            GROUP BY a, d ORDER BY hash(a, d) LIMIT {wanted["concept_ancestor"]}""",
        "concept_synonym": f"""
            SELECT id AS concept_id, replace(name, ' of ', ', ') || ' (synonym)' AS concept_synonym_name,
                   4180186 AS language_concept_id FROM c ORDER BY hash(i) LIMIT {wanted["concept_synonym"]}""",
        "drug_strength": f"""
            SELECT id AS drug_concept_id, {BASE} + ((i // 100) * 100 + 80) * 7 AS ingredient_concept_id,
                   CASE WHEN i % 2 = 0 THEN (i % 100) + 0.5 END AS amount_value,
                   CASE WHEN i % 2 = 0 THEN 8576 END AS amount_unit_concept_id,
                   CASE WHEN i % 2 = 1 THEN i % 100 END AS numerator_value,
                   CASE WHEN i % 2 = 1 THEN 8576 END AS numerator_unit_concept_id,
                   NULL AS denominator_value, CASE WHEN i % 2 = 1 THEN 8587 END AS denominator_unit_concept_id,
                   NULL AS box_size, {always} FROM c WHERE domain = 'Drug' LIMIT {wanted["drug_strength"]}""",
        "vocabulary": f"""
            SELECT key AS vocabulary_id, CASE key WHEN 'None' THEN 'OMOP Standardized Vocabularies' ELSE key END
                   AS vocabulary_name, 'made up' AS vocabulary_reference,
                   CASE key WHEN 'None' THEN '{RELEASE}' END AS vocabulary_version, id AS vocabulary_concept_id
            FROM m WHERE vocabulary IN ('Vocabulary', 'None') AND id <> 0""",
        "domain": """SELECT key AS domain_id, key AS domain_name, id AS domain_concept_id
            FROM m WHERE vocabulary = 'Domain'""",
        "concept_class": """SELECT key AS concept_class_id, key AS concept_class_name, id AS concept_class_concept_id
            FROM m WHERE vocabulary = 'Concept Class'""",
        "relationship": f"""
            SELECT key AS relationship_id, key AS relationship_name,
                   (key IN ('Is a', 'Subsumes'))::integer AS is_hierarchical,
                   (key IN ('Is a', 'Subsumes'))::integer AS defines_ancestry,
                   map_extract_value(MAP {_RELATIONSHIPS!r}, key) AS reverse_relationship_id,
                   id AS relationship_concept_id
            FROM m WHERE vocabulary = 'Relationship'""",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--concepts", type=int, default=500_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    write_download(arguments.folder, arguments.concepts, arguments.seed)


if __name__ == "__main__":
    main()
