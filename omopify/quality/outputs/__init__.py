"""What a quality run leaves behind: files for people, for other programs, and copies that may leave."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from omopify.quality.model import Assessment
from omopify.quality.place import COPIES, QUALITY_JSON, replacing


def write_outputs(assessment: Assessment, validation: Mapping[str, Any], folder: Path) -> None:
    """Write everything but the report: a file is either the new one as a whole, or the old one.

    Args:
        assessment: what was found.
        validation: Great Expectations' own account of the judging.
        folder: where the files go; it is made if it is not there.
    """
    from omopify.quality.outputs import results_table
    from omopify.quality.outputs.dqd_json import to_dqd
    from omopify.quality.outputs.junit import to_junit
    from omopify.quality.outputs.masking import masked
    from omopify.quality.outputs.quality_json import as_lines, to_document, written

    (folder / COPIES).mkdir(parents=True, exist_ok=True)
    document = to_document(assessment)
    dqd = to_dqd(assessment)
    copy = masked(document, assessment.subject.small_cell)
    texts = {
        QUALITY_JSON: written(document),
        "validation.json": json.dumps(validation, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n",
        "dq-result.json": as_lines(dqd),
        "junit.xml": to_junit(assessment),
        f"{COPIES}/{QUALITY_JSON}": written(copy),
        f"{COPIES}/dq-result.json": as_lines(to_dqd(assessment, copy)),
    }
    for name, text in texts.items():
        with replacing(folder / name) as path:
            path.write_text(text, encoding="utf-8", newline="\n")
    with replacing(folder / "results.duckdb") as path:
        results_table.write(dqd, path)
