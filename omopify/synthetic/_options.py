"""IMPRESS-Norway's drop-downs: for each word of the truth the code and the text of the eCRF.

Texts and codes are facts where the trial's own ETL shows them; where no code list is published the codes are
ours (:data:`OWN_CODES`), and EQ-5D answers are paraphrased because their wording is licensed.
"""

from __future__ import annotations

Options = dict[str, tuple[int, str]]

OWN_CODES = (
    "COHTTYPE", "COHALLO1", "COHALLO2", "GENMUT1", "CTTYPE", "AEOUT", "TROREA", "TRODSU", "ECOGS", "VITUMA", "RNRSPCL",
)  # fmt: skip
"""Items whose real code list is not published; most of the codes written here are made up."""

VISIT_NAMES = ("Screening", "Visit 1, Week1", "Week8", "Week16", "Week26", "Week39", "Week52")
# The typos are the source's own.
ECOG_GRADES = (
    "0 - Fully active, able to carry on all pre-disease performance without restriction",
    "1 - Restricted in physically strenous activity but ambulatory and able to carry out work of a light or"
    " sedantary nature",
    "2 - Ambulatory and capable of all selfcare but unable to carry out any work activities",
    "3 - Capable of only limited selfcare, confined to bed or chair more than 50% of waking hours",
    "4 - Completely disabled. Cannot carry on any selfcare, totally confined to bed or chair",
)
CRITERIA = {"RECIST": (1, "RECIST 1.1"), "iRECIST": (2, "iRecist 1.1"), "RANO": (3, "RANO (for Glioblastoma)")}
RESPONSES = {
    "CR": (1, "Complete Response (CR)"),
    "PR": (2, "Partial Response (PR)"),
    "SD": (3, "Stable Disease (SD)"),
    "PD": (4, "Progressive Disease (PD)"),
    "NE": (96, "Not Evaluable (NE)"),
}
IMMUNE_RESPONSES = {
    "CR": (1, "iComplete Response (CR)"),
    "PR": (2, "iPartial Response (PR)"),
    "SD": (3, "iStable disease"),
    "UPD": (4, "iUnconfirmed progressive disease"),
    "CPD": (5, "iConfirmed progressive disease"),
    "NE": (6, "not evaluable"),
}
END_REASONS = {
    "adverse event": (1, "Adverse event/Toxicity"),
    "progression": (2, "Disease progression"),
    "refusal": (3, "Patient refusal"),
    "investigator": (5, "Withdrawn by PI"),
    "deterioration": (6, "Symptomatic deterioration"),
    "completed": (7, "Normal completion according to cohort-specific manual"),
    "other": (88, "Other"),
}
OUTCOMES = {
    "recovered": (1, "Recovered/resolved"),
    "recovering": (2, "Recovering/resolving"),
    "not recovered": (3, "Not recovered/not resolved"),
    "sequelae": (4, "Recovered/resolved with sequelae"),
    "fatal": (5, "Fatal"),
}
RELATIONS = {
    "not related": (1, "Not related"),
    "unlikely": (2, "Unlikely"),
    "possibly": (3, "Possibly"),
    "related": (4, "Related"),
}
ACTIONS = {
    "none": "Dose not changed",
    "reduced": "Dose reduced",
    "interrupted": "Drug interrupted",
    "withdrawn": "Drug withdrawn",
    "not applicable": "Not applicable",
}
PREVIOUS_KINDS = {
    "chemotherapy": (1, "Chemotherapy"),
    "radiotherapy": (2, "Radiotherapy"),
    "surgery": (3, "Surgery"),
    "immunotherapy": (4, "Immunotherapy"),
    # The form has no kinds of their own for these.
    "hormonal therapy": (5, "Other"),
    "targeted therapy": (5, "Other"),
    "other": (5, "Other"),
}
SURVIVAL = {"alive": (1, "Alive"), "dead": (2, "Death"), "lost": (3, "Lost to follow-up")}
HISTORY_STATES = {"past": (1, "Past"), "dormant": (2, "Present/dormant"), "active": (3, "Current/active")}
MISSED_REASONS = {"adverse event": (1, "Adverse event"), "forgotten": (2, "Patient forgot"), "other": (99, "Other")}
AMOUNTS = {1: "Not at all", 2: "A little", 3: "Quite a bit", 4: "Very much"}
OVERALL = {i: str(i) for i in range(2, 7)} | {1: "1 (Very poor)", 7: "7 (Excellent)"}
PROBLEMS = ("No problems", "Slight problems", "Moderate problems", "Severe problems", "Extreme problems")
