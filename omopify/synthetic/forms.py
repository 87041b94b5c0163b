"""The 18 forms of the synthetic IMPRESS export: column ids in file order, each with its human label.

The labels are our own wording; the licensed texts of QLQ-C30 and EQ-5D-5L are not reproduced.
"""

from __future__ import annotations


def _pair(column: str, label: str) -> dict[str, str]:
    """Return a drop-down item: its text and its code."""
    return {column: label, column + "CD": label + " (code)"}


_SUBJECT = {"SubjectId": "Subject Id"}
_DATE = {"EventDate": "Event date"}
_VISIT = {"EventId": "Event Id", "EventName": "Event name"} | _DATE
_NAMED = {"EventName": "Event name"} | _DATE

_C30_TOPICS = (
    "strenuous activity", "long walk", "short walk", "staying in bed", "help with daily care", "limited at work",
    "limited in leisure", "short of breath", "pain", "need to rest", "sleep", "weakness", "appetite", "nausea",
    "vomiting", "constipation", "diarrhoea", "tiredness", "pain and daily activities", "concentration", "tension",
    "worry", "irritability", "low mood", "memory", "family life", "social life", "economy", "overall health",
    "overall quality of life",
)  # fmt: skip
EQ5D_TOPICS = ("mobility", "self-care", "usual activities", "pain or discomfort", "anxiety or depression")


def _allocated(number: int) -> dict[str, str]:
    items: dict[str, str] = {}
    for version in ("", "__2", "__3"):
        items |= _pair(f"COHALLO{number}{version}", f"Allocated study drug {number}")
    return items


def _relation(number: int) -> dict[str, str]:
    return (
        {f"AETRT{number}": f"Study drug {number}"}
        | _pair(f"AEREL{number}", f"Relation of AE to study drug {number}")
        | _pair(f"SAEREL{number}", f"Relation of SAE to study drug {number}")
        | _pair(f"SAEEXP{number}", f"SAE expected for study drug {number}")
        | {f"AETRTMM{number}": f"Action taken with study drug {number}"}
    )


FORMS: dict[str, dict[str, str]] = {
    "COH": _SUBJECT
    | _DATE
    | {"COHORTNAME": "Cohort name", "ICD10COD": "ICD-10 code", "ICD10DES": "ICD-10 description"}
    | _pair("COHTTYPE", "Tumour type")
    | _pair("COHTTYPE__2", "Tumour type")
    | _pair("COHTTYPE__3", "Tumour type")
    | {"COHTT": "Cohort tumour type", "COHTTOSP": "Other tumour type, specify"}
    | _allocated(1)
    | _allocated(2)
    | _pair("GENMUT1", "Gene and alteration")
    | {"COHCTN": "Cohort target name", "COHTMN": "Cohort target mutation"},
    "ECOG": _SUBJECT | _VISIT | _pair("ECOGS", "ECOG performance status") | {"ECOGDAT": "Date of assessment"},
    "DM": _SUBJECT | {"DMAGE": "Age", "BRTHDAT": "Date of birth"} | _pair("SEX", "Sex"),
    "CT": _SUBJECT
    | {"CTSPID": "Treatment line"}
    | _pair("CTTYPE", "Type of treatment")
    | {"CTTYPESP": "Treatment, specify", "CTSTDAT": "Start date", "CTENDAT": "End date"},
    "EOT": _SUBJECT
    | _DATE
    | {"EOTDAT": "Date of last dose", "EOTPROGDTC": "Date of progression"}
    | _pair("EOTREOT", "Reason for end of treatment"),
    "TR": _SUBJECT
    | {"TRNAME": "Study drug", "TRTNO": "Drug number", "TRCNO1": "Cycle number", "TRC1_DT": "Start of cycle"}
    | _pair("TRCYN", "Any treatment in this cycle")
    | {"TRIVDS1": "Prescribed dose", "TRIVU1": "Unit", "TRIVDELYN1": "Total dose delivered"}
    | {"TRDSDEL1": "Dose delivered"}
    | _pair("TRO_YN", "Administered as specified")
    | {"TRODSTOT": "Total prescribed dose per day"}
    | _pair("TRODSU", "Unit")
    | {"TRODSUOT": "Other unit", "TRO_STDT": "First day of intake", "TROSTPDT": "Last day of intake"}
    | _pair("TROTAKE", "Tablets taken as prescribed in previous cycle")
    | {"TROTABNO": "Days tablets not taken", "TROSPE": "Why not taken"}
    | _pair("TROREA", "Why not as specified")
    | {"TROOTH": "Other reason, specify"},
    "EOS": _SUBJECT | {"DEATHDTC": "Date of death"},
    "CM": _SUBJECT
    | {"CMSPID": "Sequence", "CMTRT": "Medication"}
    | _pair("CMMHYN", "Taken for medical history")
    | {"CMAEYN": "Taken for adverse event", "CMAENO": "Number of adverse event"}
    | {"CMSTDAT": "Start date", "CMENDAT": "End date"}
    | _pair("CMONGO", "Ongoing"),
    "AE": _SUBJECT
    | {"AESPID": "Sequence", "AECTCAET": "CTCAE term", "AETOXGRECD": "CTCAE grade (code)"}
    | {"AESTDAT": "Start date", "AEENDAT": "End date"}
    | _pair("AEOUT", "Outcome")
    | {"AESERCD": "Serious (code)", "SAESTDAT": "Date it became serious"}
    | _relation(1)
    | _relation(2),
    "FU": _SUBJECT
    | _pair("FUPSST", "Survival status")
    | {"FUPALDAT": "Date last known alive", "FUPDEDAT": "Date of death"},
    "VI": _SUBJECT
    | _VISIT
    | _pair("VITUMA", "Response criteria")
    | _pair("VITUMA__2", "Response criteria")
    | {"VIAMLTYP": "Leukaemia criteria"},
    "RA": _SUBJECT
    | _VISIT
    | {"RAASSESS1": "Assessed: RECIST", "RAASSESS2": "Assessed: iRECIST"}
    | {"RARECBAS": "Sum at baseline (mm)", "RARECNAD": "Smallest sum (mm)", "RARECCUR": "Current sum (mm)"}
    | {"RABASECH": "Change from baseline (%)", "RARECCH": "Change from smallest (%)"}
    | _pair("RANLBASE", "New lesions since baseline")
    | _pair("RATIMRES", "RECIST response")
    | _pair("RAiMOD", "iRECIST response")
    | {"RAPROGDT": "Date of progression", "RAiUNPDT": "Date of unconfirmed progression"},
    "RNRSP": _SUBJECT
    | _VISIT
    | {"TERNTBAS": "Sum of products at baseline", "TERNAD": "Smallest sum", "TERNTB": "Current sum"}
    | {"TERNCFB": "Change from baseline (%)", "TERNCFN": "Change from smallest (%)"}
    | _pair("RNRSPNL", "New lesions")
    | _pair("RNRSPCL", "Clinician's response"),
    "RCNT": _SUBJECT | _VISIT | {"ActivityId": "Activity Id", "RCNTNOB": "Number of non-target lesions"},
    "RNTMNT": _SUBJECT
    | _VISIT
    | {"ActivityId": "Activity Id"}
    | {"RNTMNTNOB": "Number of non-target lesions", "RNTMNTNO": "Number of non-target lesions"},
    "MH": _SUBJECT
    | {"MHSPID": "Sequence", "MHTERM": "Disease", "MHSTDAT": "Start date", "MHENDAT": "End date"}
    | _pair("MHONGO", "Status"),
    "EQ5D": _SUBJECT
    | _NAMED
    | {"EQ5DDAT": "Date of completion"}
    | {k: v for i, t in enumerate(EQ5D_TOPICS, 1) for k, v in _pair(f"EQ5D{i}", f"{i}. {t}").items()}
    | {"EQ5DVAS": "Health today (0-100)"},
    "C30": _SUBJECT
    | _NAMED
    | {"C30DAT": "Date of completion"}
    | {k: v for i, t in enumerate(_C30_TOPICS, 1) for k, v in _pair(f"C30_Q{i}", f"{i}. {t}").items()},
}  # fmt: skip
"""Form -> column id -> label."""


def pairs(form: str) -> list[str]:
    """Return the drop-down items of a form that have both a text and a code column."""
    return [column for column in FORMS[form] if column + "CD" in FORMS[form]]
