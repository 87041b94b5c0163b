"""Where IMPRESS' messy export has which dirt."""

from __future__ import annotations

import polars as pl

from omopify.synthetic.dirt import Recipe
from omopify.synthetic.forms import pairs


def _odd_dates(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> list[pl.Expr]:
    text = pl.concat_str(year, month, day, separator="-")
    return [
        pl.concat_str(year, month, day, separator="/"),
        pl.concat_str(year, month, day),
        pl.concat_str(year, month.str.strip_prefix("0"), day.str.strip_prefix("0"), separator="-"),
        text + " 00:00",
        text + " ",
        year + "-UK-UK",
        year + "-NK",
        text.str.slice(2),
        pl.lit("0000"),
    ]


RECIPE = Recipe(
    subject="SubjectId",
    full_date=r"^(?<year>\d{4})-(?<month>\d{2})-(?<day>\d{2})$",
    odd_dates=_odd_dates,
    impossible=lambda year: year + "-02-30",
    other_decimal=("decimal comma", ".", ","),
    pairs=pairs,
    always={
        "version collision": "COH VI",
        "missing code": "COH AE",
        "missing label": "AE FU",
        "missing word": "CT CM",
        "trailing blank": "CM MH",
        "case variant": "DM AE",
        "impossible date": "AE MH",
        "dotted date": "CM AE",
        "odd date": "DM TR CM",
        "duplicate row": "TR AE",
        "duplicate sequence number": "CM AE",
        "AE without start date": "AE",
        "grade NA": "AE",
        "unknown outcome": "AE",
        "orphan subject": "AE",
        "decimal comma": "TR RA",
        "decimal code": "ECOG",
        "quoted empty": "TR CM",
    },
    dates={
        "DM": ["BRTHDAT"],
        "CT": ["CTSTDAT"],
        "MH": ["MHSTDAT"],
        "CM": ["CMSTDAT", "CMENDAT"],
        "AE": ["AEENDAT"],
        "TR": ["TRC1_DT", "TROSTPDT"],
        "ECOG": ["ECOGDAT"],
        "FU": ["FUPALDAT"],
    },
    words={
        "COH": ["COHTTOSP"],
        "CT": ["CTTYPESP", "CTENDAT"],
        "CM": ["CMENDAT", "CMAENO"],
        "TR": ["TROSPE", "TROOTH"],
        "MH": ["MHENDAT"],
        "AE": ["SAESTDAT"],
    },
    texts={
        "COH": ["COHORTNAME", "ICD10DES"],
        "DM": ["SEX"],
        "CT": ["CTTYPE"],
        "TR": ["TRNAME"],
        "CM": ["CMTRT"],
        "AE": ["AECTCAET", "AEOUT"],
        "FU": ["FUPSST"],
        "MH": ["MHTERM", "MHONGO"],
    },
    numbers={
        "RA": ["RABASECH", "RARECCH"],
        "RNRSP": ["TERNCFB", "TERNCFN"],
        "TR": ["TRIVDS1", "TRDSDEL1"],
    },
    collisions={
        "COH": [
            ("COHTTYPE", "COHTTYPE__2"),
            ("COHALLO1", "COHALLO1__2"),
            ("COHALLO1__2", "COHALLO1__3"),
            ("COHALLO2", "COHALLO2__2"),
        ],
        "VI": [("VITUMA", "VITUMA__2")],
    },
    duplicated=("DM", "ECOG", "TR", "CM", "AE", "MH"),
    sequences={"AE": "AESPID", "CM": "CMSPID", "MH": "MHSPID", "CT": "CTSPID"},
    mixed_line_ends=("AE", "CM", "MH"),
    replaced={
        "AE": [
            ("AE without start date", "AESTDAT", pl.lit(None, pl.String)),
            ("grade NA", "AETOXGRECD", pl.lit("NA")),
            ("unknown outcome", "AEOUT", pl.lit("Improved, ongoing")),
        ],
    },
    # No site has the letter Q, so nobody of this name is in another form.
    orphans={"AE": pl.format("Q_{}_1", pl.int_range(pl.len()) % 1000 + 9000)},
)
