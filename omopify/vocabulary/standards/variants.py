"""Find the concept of a gene variant from the way in which a report names it.

A conversion looks thousands of texts up at once, by a join on a key: what is left of a text when all that can
be written in several ways is written in one (``BRAF p.(Val600Glu)`` and ``braf  val600glu`` are both
``braf val600glu``).  :func:`variant_key` makes it here, ``o_variant`` in ``sql/functions`` makes the same one in
the database, and ``vocab/genomic/variant_keys.csv.gz`` has the keys of every name that leads to a concept.  What
is no known change falls back on the concept of its gene, when the text says nothing against it (:func:`gene_of`).
"""

from __future__ import annotations

import csv
import gzip
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal, cast

from omopify.compiler.fields import fold
from omopify.resources import data
from omopify.vocabulary.standards.hgvs import Change, parse, write

Level = Literal["protein", "fusion", "gene"]

KEYS = "variant_keys.csv.gz"
"""The file of keys in ``vocab/genomic``: key, level, gene, concept_id (empty for a gene without a known concept)."""

_NOISE = """
    gene genes genet mutation mutations mutated mutant mut mutasjon mutasjoner mutert variant variants alteration
    alterations protein activating inactivating pathogenic somatic germline oncogenic hotspot fusion fusions
    rearrangement rearrangements rearranged translocation amplification amplified
""".split()
_STEPS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.ASCII), replacement)
    for pattern, replacement in (
        # transcripts and genomic references, and the change of the DNA: only the protein decides
        (r"\b(?:n[mrcg]_|xm_|lrg_|enst|ensg)[0-9][0-9a-z_.]*", " "),
        (r"\b[cgm]\. ?[-*(?0-9][^ ,;:)]*", " "),
        # the version of a protein, and its gene behind it
        (r"\b((?:[nx]p_|ensp)[0-9]+)(?:[.][0-9]+)?(?:[(][a-z0-9-]+[)]:)?", r"\1 "),
        (r"\bp[.]", " "),
        (r"[\[\]():,]", " "),
        (rf"\b(?:{'|'.join(_NOISE)}|(?:exon|ekson) ?[0-9]+)\b", " "),
        (r"([0-9]|fs|ext)(?:ter|x)([^a-z]|$)", r"\1*\2"),
        (r" +", " "),
        (r"^ | $", ""),
        (r"^([a-z][a-z0-9]*)[-/]([a-z]{1,3}[0-9]+[a-z*=])", r"\1 \2"),
        (r"^[a-z0-9/-]+ ((?:[nx]p_|ensp)[0-9]+ )", r"\1"),
    )
)

_AMINO = "(?:ala|arg|asn|asp|cys|gln|glu|gly|his|ile|leu|lys|met|phe|pro|ser|thr|trp|tyr|val|[ac-ik-np-tvwy*])"
_TAIL = f"(?:{_AMINO}|del|ins|dup|fs|ext|mut|[*][?]?|[0-9_])*"
# '=' says that nothing has changed, and a '?' that somebody is not sure, but behind the place alone (Met1?) and in
# 'fs*?'.  Behind a stroke stands another change at most, not another gene ('v600e/kras g12d').
_SHAPE = f"(?:non[- ]?)?{_AMINO}[0-9]+(?:[?]|{_TAIL}(?:[/;-]{_AMINO}?[0-9]+{_TAIL}|[/;]{_AMINO}?)*)"
_WORDS = (
    "homozygous|heterozygous|hemizygous|deletion|deletions|del|insertion|insertions|ins|duplication|dup|skipping|"
    "truncating|truncation|frameshift|nonsense|missense|splice|itd|copy|number|gain|"
    "ex(?:on)?[0-9]+(?:del|ins|dup|skip|skipping)?"
)
_GENE_LEVEL = re.compile(f"([a-z0-9][a-z0-9_/-]*)(?: (?:{_SHAPE}|{_WORDS}))*", re.ASCII)


def variant_key(text: str, gene: str = "") -> str:
    """Return the key of a text that names a variant; *gene* is what another column says about the gene.

    The same text in another spelling has the same key.  ``o_variant`` gives it in SQL, for
    ``gene || ' ' || text``.
    """
    key = fold(f"{gene} {text}")
    for pattern, replacement in _STEPS:
        key = pattern.sub(replacement, key)
    first, _, rest = key.partition(" ")
    return rest if rest == first or rest.startswith(f"{first} ") else key


def gene_of(key: str) -> str:
    """Return the word of a key that names the gene, if all the rest is an alteration; else nothing.

    ``braf v600x`` and ``egfr exon19del`` are alterations of a gene; ``braf wild type``, ``her2 3+`` and
    ``kras g12c, no stk11`` are not for a rule to decide.
    """
    found = _GENE_LEVEL.fullmatch(key)
    return found[1] if found else ""


@dataclass(frozen=True, slots=True)
class Gene:
    """A gene: its HGNC symbol, other names in use, and its concept where a public source shows it."""

    symbol: str
    aliases: tuple[str, ...]
    hgnc: str
    concept_id: int | None
    concept_name: str


@dataclass(frozen=True, slots=True)
class Spelling:
    """One key and what it leads to; ``concept_id`` is None for a gene whose concept no source shows."""

    key: str
    level: Level
    gene: str
    concept_id: int | None


@dataclass(frozen=True, slots=True)
class Found:
    """How a text is understood: what it leads to, and the gene to fall back on.

    ``level`` is None if the text leads to nothing.  ``gene_concept_id`` is that of the gene's concept, for a
    vocabulary that does not have the finer one.
    """

    text: str
    key: str
    level: Level | None = None
    gene: str = ""
    changes: tuple[Change, ...] = ()
    concept_id: int | None = None
    concept_name: str = ""
    gene_concept_id: int | None = None


@dataclass(frozen=True, slots=True)
class Variants:
    """Everything that is known by name: keys, genes by symbol, and the names of the concepts."""

    keys: Mapping[str, Spelling]
    genes: Mapping[str, Gene]
    names: Mapping[int, str]

    def find(self, text: str, gene: str = "") -> Found:
        """Understand one text, with the *gene* of another column if the text may lack it."""
        key = variant_key(text, gene)
        changes = next((c for word in key.split() if (c := parse(word)) and c[0].kind != "codon"), ())
        exact = self.keys.get(key)
        fallback = self.keys.get(gene_of(key))
        spelling = exact or (fallback if fallback and fallback.level == "gene" else None)
        if spelling is None:
            return Found(text, key, changes=changes)
        known = self.genes.get(spelling.gene)
        of_gene = known.concept_id if known else None
        name = self.names.get(spelling.concept_id, "") if spelling.concept_id else ""
        return Found(text, key, spelling.level, spelling.gene, changes, spelling.concept_id, name, of_gene)


@cache
def read_variants() -> Variants:
    """Read what ships in ``vocab/genomic``."""
    genes = {gene.symbol: gene for gene in _genes()}
    names = {int(row["concept_id"]): row["concept_name"] for file in _CONCEPTS for row in _rows(file)}
    names |= {gene.concept_id: gene.concept_name for gene in genes.values() if gene.concept_id}
    spelled = (Spelling(r["key"], cast(Level, r["level"]), r["gene"], _number(r["concept_id"])) for r in _rows(KEYS))
    return Variants({spelling.key: spelling for spelling in spelled}, genes, names)


def spellings() -> tuple[Spelling, ...]:
    """Make the keys of all names in the tables of ``vocab/genomic``, by key.

    A key that would lead to several concepts is left out (there is none today).  The name of a gene with a change
    stands for the gene's usual protein: of its RefSeq proteins in the table the one with most variants, and of two
    alike the one with the lower number, which is the older.  Changes of another protein need its number.
    """
    genes = {gene.symbol: gene for gene in _genes()}
    with_concept = {symbol for symbol, gene in genes.items() if gene.concept_id}
    made: dict[str, set[Spelling]] = {}

    def add(text: str, level: Level, symbol: str, concept_id: int | None) -> None:
        key = variant_key(text)
        made.setdefault(key, set()).add(Spelling(key, level, symbol, concept_id))

    for symbol, gene in genes.items():
        for name in (symbol, *gene.aliases):
            add(name, "gene", symbol, gene.concept_id)
    rows = [(int(r["concept_id"]), r["concept_name"].split()[0], r["hgvs"].split("|")) for r in _rows(_PROTEINS)]
    usual = _usual_proteins((symbol, name) for _, symbol, names in rows for name in names)
    for concept_id, symbol, names in rows:
        for name in names:
            reference, _, change = name.partition(":")
            add(reference, "gene", symbol, genes[symbol].concept_id)
            texts = [name]
            changes = parse(change)
            if changes and reference.startswith("NP_"):
                texts.append(f"{reference} {write(changes, 1)}")
            if changes and reference == usual[symbol]:
                texts.append(f"{symbol}{write(changes, 1)}")
                for called in (symbol, *genes[symbol].aliases):
                    texts += [f"{called} {write(changes)}", f"{called} {write(changes, 1)}"]
            for text in texts:
                add(text, "protein", symbol, concept_id)
    for row in _rows(_FUSIONS):
        five, three = row["concept_name"].split()[0].split("::")
        # the partner that a trial asks about is the one with a concept, mostly the one behind
        known = max((three, five), key=lambda symbol: (symbol in with_concept, symbol in genes))
        for joined in (f"{five}::{three}", f"{five}-{three}", f"{five}/{three}"):
            for prefix in ("", five, three):
                add(f"{prefix} {joined}", "fusion", known, int(row["concept_id"]))
    return tuple(found.pop() for _, found in sorted(made.items()) if len(found) == 1)


def write_spellings(path: Path) -> None:
    """Write the file of keys; the same tables always give the same bytes."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("key", "level", "gene", "concept_id"))
    writer.writerows((s.key, s.level, s.gene, s.concept_id or "") for s in spellings())
    path.write_bytes(gzip.compress(text.getvalue().encode(), 9, mtime=0))


_PROTEINS = "protein_variants.csv.gz"
_FUSIONS = "gene_fusions.csv"
_CONCEPTS = (_PROTEINS, _FUSIONS)


def _usual_proteins(names: Iterable[tuple[str, str]]) -> dict[str, str]:
    counts: dict[str, dict[str, int]] = {}
    for gene, name in names:
        reference = name.partition(":")[0]
        if reference.startswith("NP_"):
            of_gene = counts.setdefault(gene, {})
            of_gene[reference] = of_gene.get(reference, 0) + 1
    return {
        gene: min(found, key=lambda reference: (-found[reference], float(reference[3:])))
        for gene, found in counts.items()
    }


def _genes() -> list[Gene]:
    return [
        Gene(
            row["symbol"],
            tuple(row["aliases"].split("|")) if row["aliases"] else (),
            row["hgnc"],
            _number(row["concept_id"]),
            row["concept_name"],
        )
        for row in _rows("genes.csv")
    ]


def _rows(name: str) -> Iterator[dict[str, str]]:
    path = data("vocab", "genomic", name)
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    yield from csv.DictReader(io.StringIO(content.decode("utf-8"), newline=""))


def _number(text: str) -> int | None:
    return int(text) if text else None
