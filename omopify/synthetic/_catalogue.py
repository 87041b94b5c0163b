"""What the synthetic trial treats, with what, and what happens to its patients: small tables, no code.

Names of drugs, diseases and CTCAE terms are facts; weights, doses and free texts are made up for these data.
"""

from __future__ import annotations

from typing import NamedTuple


class Drug(NamedTuple):
    """A study drug; ``on_days`` of each ``cycle_days`` are dosing days of an oral drug."""

    brand: str
    inn: str
    route: str
    cycle_days: int
    on_days: int
    dose: float  # mg, per day (oral) or per infusion (IV)
    per_kg: bool = False


DRUGS: tuple[Drug, ...] = (
    Drug("Mekinist", "Trametinib", "oral", 28, 28, 2),
    Drug("Tafinlar", "Dabrafenib", "oral", 28, 28, 300),
    Drug("Perjeta", "Pertuzumab", "IV", 21, 1, 420),
    Drug("Herceptin", "Trastuzumab", "IV", 21, 1, 6, True),
    Drug("Tecentriq", "Atezolizumab", "IV", 21, 1, 1200),
    Drug("Avastin", "Bevacizumab", "IV", 21, 1, 15, True),
    Drug("Zelboraf", "Vemurafenib", "oral", 28, 28, 1920),
    Drug("Cotellic", "Cobimetinib", "oral", 28, 21, 60),
    Drug("Alecensa", "Alectinib", "oral", 28, 28, 1200),
    Drug("Rozlytrek", "Entrectinib", "oral", 28, 28, 600),
    Drug("Erivedge", "Vismodegib", "oral", 28, 28, 150),
    Drug("Lynparza", "Olaparib", "oral", 28, 28, 600),
    Drug("Zejula", "Niraparib", "oral", 28, 28, 200),
    Drug("Kadcyla", "Trastuzumab emtansine", "IV", 21, 1, 3.6, True),
    Drug("Gavreto", "Pralsetinib", "oral", 28, 28, 400),
    Drug("Piqray", "Alpelisib", "oral", 28, 28, 300),
)

INNS = [drug.inn for drug in DRUGS]


class Programme(NamedTuple):
    """A biomarker with the drug or the pair that is tried against it."""

    target: str
    alteration: str
    code: int
    gene: str
    mutations: tuple[str, str]
    drugs: tuple[str, ...]
    toxicity: str
    weight: int
    category: str


PROGRAMMES: tuple[Programme, ...] = (
    Programme("BRAF Non-V600mut", "BRAF activating mutations", 21, "BRAF",
              ("p.G469A", "p.K601E"), ("Trametinib", "Dabrafenib"), "mapk", 6, "mutation"),
    Programme("BRAF V600mut", "BRAF activating mutations", 21, "BRAF",
              ("p.V600E", "p.V600K"), ("Vemurafenib", "Cobimetinib"), "mapk", 5, "mutation"),
    Programme("HER2exp", "ERBB2 amplification", 30, "ERBB2",
              ("amplification", "IHC 3+"), ("Pertuzumab", "Trastuzumab"), "her2", 6, "expression"),
    Programme("HER2mut", "ERBB2 activating mutations", 31, "ERBB2",
              ("p.S310F", "p.Y772_A775dup"), ("Trastuzumab emtansine",), "her2", 3, "mutation"),
    Programme("TMB high", "High tumour mutational burden", 90, "TMB",
              ("TMB 18 mut/Mb", "TMB 32 mut/Mb"), ("Atezolizumab",), "immune", 6, "signature"),
    Programme("MSI-H", "Microsatellite instability high", 91, "MSI",
              ("MSI-H", "dMMR"), ("Atezolizumab", "Bevacizumab"), "immune", 4, "signature"),
    Programme("BRCA1 mut", "BRCA1 inactivating mutation", 2, "BRCA1",
              ("p.C61G", "c.5266dupC"), ("Olaparib",), "parp", 4, "mutation"),
    Programme("BRCA2 mut", "BRCA2 inactivating mutation", 3, "BRCA2",
              ("p.S1982fs", "p.R2318*"), ("Niraparib",), "parp", 4, "mutation"),
    Programme("ALK fusion", "ALK fusion", 11, "ALK", ("EML4-ALK", "STRN-ALK"), ("Alectinib",), "kinase", 2, "fusion"),
    Programme("NTRK fusion", "NTRK1/2/3 fusion", 41, "NTRK",
              ("ETV6-NTRK3", "TPM3-NTRK1"), ("Entrectinib",), "kinase", 2, "fusion"),
    Programme("RET fusion", "RET fusion", 44, "RET",
              ("KIF5B-RET", "CCDC6-RET"), ("Pralsetinib",), "kinase", 2, "fusion"),
    Programme("PTCH1 mut", "PTCH1 inactivating mutation", 52, "PTCH1",
              ("p.W844*", "p.Q853fs"), ("Vismodegib",), "kinase", 2, "mutation"),
    Programme("PIK3CA mut", "PIK3CA activating mutations", 61, "PIK3CA",
              ("p.H1047R", "p.E545K"), ("Alpelisib",), "kinase", 4, "mutation"),
    Programme("SDHAF2 mut", "SDHAF2 mutation", -1, "SDHAF2",
              ("p.G78R", "c.37-1G>A"), ("Olaparib",), "parp", 1, "mutation"),
    Programme("POLE mut", "Other", 99, "POLE", ("p.P286R", "p.V411L"), ("Atezolizumab",), "immune", 1, "mutation"),
)  # fmt: skip


class Tumour(NamedTuple):
    """A tumour type: the name used in cohorts, the coded one, free-text spellings, ICD-10."""

    cohort: str
    main: str
    code: int
    spellings: tuple[str, str]
    icd10: str
    icd10_text: str
    weight: int
    sex: str = ""
    brain: bool = False
    other: str = ""


TUMOURS: tuple[Tumour, ...] = (
    Tumour("Pancreatic", "Pancreatic Cancer", 1, ("Pancreatic cancer", "pancreas"), "C25.9",
           "Malignant neoplasm of pancreas, unspecified", 8),
    Tumour("Cholangiocarcinoma", "Cholangiocarcinoma", 2, ("Cholangiocarcinoma", "CCA"), "C22.1",
           "Intrahepatic bile duct carcinoma", 8),
    Tumour("NSCLC", "Lung Cancer: Non-Small Cell", 3, ("NSCLC", "Non small cell lung cancer"), "C34.9",
           "Malignant neoplasm og lung", 8),
    Tumour("Upper tract urothelial", "Transitional Cell Cancer of the Renal Pelvis and Ureter", 4,
           ("UTUC", "Urothelial carcinoma, upper tract"), "C68", "Malignant neoplasm of urinary organs", 3),
    Tumour("NEC", "Neuroendocrine carcinoma (NEC)", 5, ("NEC", "Neuroendocrine carcinoma"), "C80.9",
           "Malignant neoplasm, primary site unspecified", 5),
    Tumour("Bladder", "Bladder Cancer", 6, ("Bladder cancer", "Blærekreft"), "C67.9",
           "Malignant neoplasm of bladder", 4),
    Tumour("Colorectal", "Colorectal Cancer", 7, ("CRC", "Colon cancer"), "C18.9",
           "Malignant neoplasm of colon", 14),
    Tumour("Glioblastoma", "Glioblastoma", 8, ("GBM", "Glioblastoma multiforme"), "C71.9",
           "Malignant neoplasm of brain", 7, brain=True),
    Tumour("Ovarian", "Ovarian Cancer", 9, ("Ovarian cancer", "HGSOC"), "C56",
           "Malignant neoplasm of ovary", 9, sex="female"),
    Tumour("Prostate", "Prostate Cancer", 10, ("Prostate cancer", "mCRPC"), "C61",
           "Malignant neoplasm of prostate", 8, sex="male"),
    Tumour("Breast", "Breast Cancer", 11, ("Breast cancer", "TNBC"), "C50.9",
           "Malignant neoplasm of breast", 8, sex="female"),
    Tumour("Melanoma", "Malignant Melanoma", 12, ("Melanoma", "malignt melanom"), "C43.9",
           "Malignant melanoma of skin", 4),
    Tumour("Gastric", "Gastric Cancer", 13, ("Gastric cancer", "Ventrikkelcancer"), "C16.9",
           "Malignant neoplasm of stomach", 4),
    Tumour("Endometrial", "Endometrial Cancer", 14, ("Endometrial cancer", "Endometrie"), "C54.1",
           "Malignant neoplasm of endometrium", 4, sex="female"),
    Tumour("Sarcoma", "Soft Tissue Sarcoma", 15, ("Sarcoma", "STS"), "C49.9",
           "Malignant neoplasm of connective and soft tissue", 4),
    Tumour("Osteosarcoma", "Bone Sarcoma", 16, ("Osteosarcoma", "osteosarkom"), "C40.50",
           "Malignant neoplasm of bone of limb", 2),
    Tumour("Salivary gland", "Salivary Gland Cancer", 17, ("Salivary gland cancer", "Spyttkjertelkreft"),
           "C08.9", "Malignant neoplasm of major salivary gland", 2),
    Tumour("Thymus", "Other", 88, ("Thymic carcinoma", "Thymus ca"), "C37", "Malignant neoplasm of thymus", 2,
           other="Thymic carcinoma"),
    Tumour("Adrenal", "Other", 88, ("Adrenocortical carcinoma", "ACC"), "C74.0",
           "Malignant neoplasm of cortex of adrenal gland", 2, other="Adrenocortical carcinoma"),
)  # fmt: skip

AE_TERMS: dict[str, float] = {
    "Fatigue": 9, "Nausea": 7, "Diarrhea": 6, "Anemia": 6, "Vomiting": 4, "Constipation": 4, "Anorexia": 4,
    "Abdominal pain": 4, "Fever": 3, "Dyspnea": 3, "Arthralgia": 3, "Back pain": 3, "Headache": 3, "Cough": 3,
    "Pain": 2, "Dizziness": 2, "Edema limbs": 2, "Pruritus": 2, "Dry skin": 2, "Rash maculo-papular": 2,
    "Myalgia": 2, "Insomnia": 2, "Dry mouth": 2, "Weight loss": 2, "Urinary tract infection": 2,
    "Alanine aminotransferase increased": 2, "Aspartate aminotransferase increased": 2,
    "Alkaline phosphatase increased": 1.5, "Blood bilirubin increased": 1.5, "GGT increased": 1.5,
    "Creatinine increased": 1.5, "Hypertension": 1.5, "Hyponatremia": 1, "Hypokalemia": 1, "Hypoalbuminemia": 1,
    "Lung infection": 1, "Sepsis": 0.6, "Ascites": 0.8, "Pleural effusion": 0.8, "Thromboembolic event": 1,
    "Neutrophil count decreased": 1, "Platelet count decreased": 1, "White blood cell decreased": 0.6,
    "Lymphocyte count decreased": 0.6, "Mucositis oral": 1, "Dysgeusia": 1, "Peripheral sensory neuropathy": 1,
    "Rash acneiform": 0.6, "Palmar-plantar erythrodysesthesia syndrome": 0.4, "Photosensitivity": 0.2,
    "CPK increased": 0.3, "Ejection fraction decreased": 0.3, "Infusion related reaction": 0.4,
    "Hypothyroidism": 0.4, "Hyperthyroidism": 0.3, "Pneumonitis": 0.2, "Colitis": 0.2, "Hyperglycemia": 0.8,
    "Muscle cramp": 0.6, "Alopecia": 0.8, "Epistaxis": 0.6, "Chills": 0.6, "Febrile neutropenia": 0.2,
    "Seizure": 0.3, "Acute kidney injury": 0.3, "Blurred vision": 0.4, "Tumor pain": 0.8,
    "Gastrointestinal disorders - Other, specify": 0.6, "Skin and subcutaneous tissue disorders - Other, specify": 0.5,
    "Investigations - Other, specify": 0.5,
}  # fmt: skip
"""CTCAE 5.0 terms and how often each is drawn."""

AE_FAVOURED: dict[str, tuple[str, ...]] = {
    "mapk": ("Fever", "Chills", "Rash acneiform", "CPK increased", "Photosensitivity", "Blurred vision"),
    "her2": ("Ejection fraction decreased", "Infusion related reaction", "Diarrhea", "Platelet count decreased"),
    "immune": ("Hypothyroidism", "Hyperthyroidism", "Pneumonitis", "Colitis", "Rash maculo-papular"),
    "parp": ("Anemia", "Platelet count decreased", "Neutrophil count decreased", "Nausea"),
    "kinase": ("Edema limbs", "Muscle cramp", "Dysgeusia", "Hyperglycemia", "Alopecia"),
}
"""Terms that a class of drugs causes more often."""

MEDICATIONS: tuple[str, ...] = (
    "Paracet 1 g", "paracetamol", "Paralgin Forte", "Ibux 400 mg", "Morfin 10 mg/ml", "OxyContin 10 mg",
    "Oxynorm", "Dolcontin 30 mg", "Fentanyl plaster 25 µg/t", "Afipran 10 mg", "Metoklopramid", "Ondansetron 4 mg",
    "Zofran", "Emend", "Dexametason 4 mg", "Medrol 16 mg", "Prednisolon 20 mg", "Nexium 40 mg", "Pantoloc",
    "Somac 40 mg", "Imodium", "Loperamid 2 mg", "Laxoberal", "Duphalac", "Movicol", "Fragmin 5000 IE",
    "Klexane 40 mg", "Eliquis 5 mg", "Marevan", "Albyl-E 75 mg", "Metoprolol 50 mg", "Selo-Zok 50 mg",
    "Amlodipin 5 mg", "Atacand", "Ramipril", "Burinex 1 mg", "Furix 40 mg", "Lipitor 40 mg", "Simvastatin",
    "Levaxin 50 µg", "Metformin 500 mg", "NovoRapid", "Ventoline", "Symbicort Turbuhaler", "Ciproxin 500 mg",
    "Selexid", "Apocillin", "Bactrim", "Tavegyl", "Cetirizin 10 mg", "Imovane 7,5 mg", "Sobril 10 mg", "Cipralex",
    "Calcigran Forte", "Nycoplus Folsyre", "Zometa", "Xgeva 120 mg", "NaCl 9 mg/ml ", "Glukose 50 mg/ml",
    "Morfin 40 mg/ml, Metoklopramid 5 mg/ml, Midazolam 5 mg/ml", "Locoid krem", "Microlax klyster",
)  # fmt: skip

DISEASES: tuple[str, ...] = (
    "Hypertension", "Hypertensjon", "hypertention", "Diabetes mellitus type 2", "Diabetes type II", "Astma",
    "KOLS", "Atrieflimmer", "Atrial fibrillation", "Hypothyreosis", "hypotyreose", "Migrene", "Migraine",
    "Hyperkolesterolemi", "Hypercholesterolemia", "Appendectomy", "Appendektomi 1974", "Cholecystectomy",
    "Gallestein", "Depresjon", "Depression", "Angst", "Søvnvansker", "Insomnia", "Gastroesophageal reflux",
    "GERD", "Osteoporosis", "Osteoporose", "Artrose i kne", "Arthrosis, hip", "Low back pain ", "Ryggsmerter",
    "Lungeemboli", "Deep vein thrombosis", "DVT ve. legg", "Myocardial infarction", "Angina pectoris",
    "Prostatahyperplasi", "Hysterectomy", "Psoriasis", "Eksem", "Allergy (pollen)", "Penicillinallergi",
    "Cataract", "Glaukom", "Hearing loss", "Tinnitus", "Fatigue", "Constipation", "Obstipasjon", "Nausea",
    "Pain, abdominal", "Anemia", "Peripheral neuropathy", "Nevropati i føtter", "Urinary incontinence",
    "Nyrestein", "Hiatus hernia", "Lymfødem hø. arm",
)  # fmt: skip

PREVIOUS: dict[str, tuple[str, ...]] = {
    "chemotherapy": ("FOLFIRINOX", "FOLFOX", "Gemcitabine/nab-paclitaxel", "Carboplatin + paclitaxel", "Cisplatin",
                     "Temozolomide", "Docetaxel"),
    "radiotherapy": ("50 Gy/25", "8 Gy x 1, skjelett", "60 Gy/30"),
    "surgery": ("Resection of primary tumour", "Reseksjon", "Metastasectomy, liver"),
    "immunotherapy": ("Pembrolizumab", "Nivolumab", "Ipilimumab + nivolumab"),
    "other": ("Endocrine therapy, Letrozole", "Zometa", "Enzalutamide", "Bevacizumab", "Avastin, vedlikehold"),
}  # fmt: skip

PREVIOUS_KINDS: dict[str, str] = {
    "Endocrine therapy, Letrozole": "hormonal therapy", "Enzalutamide": "hormonal therapy",
    "Bevacizumab": "targeted therapy", "Avastin, vedlikehold": "targeted therapy",
}  # fmt: skip
"""The kind of the treatments that a trial without a kind of their own calls other."""

REASONS_MISSED: tuple[str, ...] = (
    "Forgot", "glemte tabletter", "Nausea and vomiting", "kvalme", "Diarrhea, grade 2", "Admitted to hospital",
    "Pause pga. feber",
)  # fmt: skip
