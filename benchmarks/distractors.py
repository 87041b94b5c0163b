"""Made-up concepts that make it hard to find the right one, as a full vocabulary does.

Half of them are variations of real names (strengths and forms of real drugs, histories and sites of real diseases,
other specimens of real tests), half of them are invented words with the endings of their kind.  All are standard, so
they are in the way; ids are above two billion, where Athena has none.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

FIRST = 2_000_000_000

_FORMS = ("Oral Tablet", "Oral Capsule", "Injection", "Oral Solution", "Topical Cream", "Injectable Solution")
_STRENGTHS = (1, 2, 5, 10, 20, 25, 50, 75, 100, 200, 250, 500)
_SITES = (
    "left foot", "right hand", "upper arm", "neck", "abdomen", "left eye", "lower back", "chest wall", "scalp",
)  # fmt: skip
_SYLLABLES = (
    "ba be bi bo da de di do fa fe ka ki la le li lo ma me mi mo na ne ni no ra re ri ro sa se si ta te ti to va vi xa"
).split()
_ENDINGS = "mab nib statin pril olol itis osis emia oma azole ine idone cillin algia".split()
_TESTS = ("Ab.IgG", "Ag", "DNA", "excretion", "clearance", "fraction")
_PROPERTIES = ("Mass", "Moles", "Units")
_SPECIMENS = ("Urine", "Saliva", "Body fluid", "Hair", "Stool", "Cord blood")
_FINDINGS = (
    "Family history of {name}", "History of {name}", "Suspected {name}", "{name} due to {word}",
    "Chronic {name} of {site}", "{name} co-occurrent with {word}", "Recurrent {name}", "Fear of {name}",
    "{name} in remission", "Severe {name} of {site}",
)  # fmt: skip


def made_up(concepts: Sequence[dict[str, str]], number: int) -> list[str]:
    """Return lines of CONCEPT.csv for *number* made-up concepts, always the same ones."""
    chance = random.Random(1)
    real = {
        domain: [c["concept_name"] for c in concepts if c["domain_id"] == domain and c["standard_concept"] == "S"]
        for domain in ("Drug", "Condition", "Measurement")
    }

    def word() -> str:
        return "".join(chance.choice(_SYLLABLES) for _ in range(chance.randint(2, 4))) + chance.choice(_ENDINGS)

    def drug() -> str:
        name = chance.choice(real["Drug"]) if chance.random() < 0.5 else word()
        if chance.random() < 0.2:
            name += f" / {chance.choice(real['Drug'])}"
        return f"{name} {chance.choice(_STRENGTHS)} MG {chance.choice(_FORMS)}"

    def condition() -> str:
        invented = f"{word().capitalize()} of {chance.choice(_SITES)}"
        name = chance.choice(real["Condition"]) if chance.random() < 0.5 else invented
        return chance.choice(_FINDINGS).format(name=name, word=word(), site=chance.choice(_SITES))

    def measurement() -> str:
        name = chance.choice(real["Measurement"]).split(" [")[0] if chance.random() < 0.5 else word().capitalize()
        test = chance.choice((*_TESTS, word()))
        return f"{name} {test} [{chance.choice(_PROPERTIES)}/volume] in {chance.choice(_SPECIMENS)}"

    kinds = (
        (drug, "Drug", "RxNorm", "Clinical Drug"),
        (condition, "Condition", "SNOMED", "Clinical Finding"),
        (measurement, "Measurement", "LOINC", "Lab Test"),
    )
    lines = []
    for place in range(number):
        make, *about = kinds[place % len(kinds)]
        cells = (str(FIRST + place), make(), *about, "S", f"made-up-{place}", "19700101", "20991231", "")
        lines.append("\t".join(cells))
    return lines
