"""Who has reviewed which report of which data, and whether that still holds.

The order in which hashes are taken makes it sound.  ``quality.json`` names the hash of the database that was measured,
and the report is made of ``quality.json`` and nothing else, always the same.  So before a signature the report is made
again and compared with the one that was read; then it is written with the signature in it, and the hashes of the files
stand outside of them, in ``sign-off.json``.  No file needs to hold its own hash, and whoever has the files can check
the signature without omopify (``sha256sum``).  The report ends with a hash of what ``sign-off.json`` says, the hashes
of the reports aside, so that neither can be changed without the other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from omopify.errors import Location, OmopifyError, Problem, Problems
from omopify.quality import delivery
from omopify.quality.model import Assessment, SignOff, Waiver
from omopify.quality.outputs.quality_json import from_json
from omopify.quality.place import COPIES, QUALITY_JSON, REPORT, Place, has_unsaved_rows, replacing, sha256
from omopify.specs.project import shown

SIGN_OFF = "sign-off.json"
SCHEMA_VERSION = 1
"""The version of ``sign-off.json``."""

SHAREABLE = f"{COPIES}/{REPORT}"
"""The copy of the report that may leave, below the folder of the outputs."""


@dataclass(frozen=True, slots=True)
class State:
    """Whether a result is signed."""

    status: Literal["unsigned", "signed", "void"]
    sign_off: SignOff | None = None
    """The signature that holds or held; None if there is none, or if it cannot be read."""
    why: tuple[str, ...] = ()
    """Why a signature is void, a sentence each."""

    def sentence(self) -> str:
        """Return the state in a sentence, as commands show it."""
        by = f"by {self.sign_off.by} on {self.sign_off.at[:10]}" if self.sign_off else ""
        if self.status == "unsigned":
            return "not signed off"
        if self.status == "signed" and self.sign_off and self.sign_off.draft:
            return f"signed off {by} as a DRAFT: it cannot be uploaded"
        if self.status == "signed":
            return f"signed off {by}"
        return f"VOID: the sign-off {by} no longer holds: ".replace("  ", " ") + "; ".join(self.why)

    def block(self) -> dict[str, Any] | None:
        """Return what the report shows of it; None if there is nothing to show."""
        if self.status == "unsigned":
            return None
        signed = self.sign_off or SignOff("?", "", "", "", "", "")
        return {"status": self.status, "why": list(self.why), **asdict(signed)}


Pages = Callable[[State], Mapping[str, str]]
"""Make the reports of ``quality.json`` with their sign-off block: a text for each path below the outputs' folder."""


def state(place: Place) -> State:
    """Compare the files with the signature: the database, what was found in it, and the report of that."""
    path = place.folder / SIGN_OFF
    if not path.is_file():
        return State("unsigned")
    signed = _read(path)
    if signed is None:
        return State("void", None, (f"{SIGN_OFF} cannot be read",))
    why = []
    if _data_hash(place) != signed.data_sha256:
        why.append("the data have changed" if place.database.is_file() else "the data are gone")
    if _hash(place.folder / QUALITY_JSON) != signed.quality_sha256:
        why.append("quality was assessed anew")
    elif not why:  # omopify itself writes into the reports that the data have changed
        why += _changed(place, signed)
    return State("void" if why else "signed", signed, tuple(why))


def _changed(place: Place, signed: SignOff) -> Iterator[str]:
    report = _content(place.folder / REPORT)
    if report is None:
        yield f"{REPORT} is gone"
    elif hashlib.sha256(report).hexdigest() != signed.report_sha256:
        yield f"{REPORT} was changed"
    elif not report.endswith(_seal(signed)):
        yield f"{SIGN_OFF} was changed"
    # What may leave may have left.
    copies = {SHAREABLE: signed.shareable_sha256, **{f"{COPIES}/{n}": h for n, h in signed.files_sha256.items()}}
    for name, hashed in copies.items():
        if _hash(place.folder / name) not in (None, hashed):
            yield f"{name} was changed"


def _seal(signed: SignOff) -> bytes:
    said = _said(replace(signed, report_sha256="", shareable_sha256=""))
    return f"<!-- signed: {hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()} -->\n".encode()


def _said(signed: SignOff) -> dict[str, Any]:
    """Return a signature as it is written: one that is of no draft does not mention it, as it was before drafts."""
    return {name: said for name, said in asdict(signed).items() if name != "draft" or said}


def write_reports(place: Place, pages: Pages) -> None:
    """Write the reports with the sign-off as it stands: signed, void, or not there."""
    for name, text in pages(state(place)).items():
        _write(place.folder / name, text.encode())


def sign(place: Place, by: str, now: datetime, pages: Pages) -> SignOff:
    """Sign the report: note who, when and what, keep the delivery, and put the signature into the report.

    ``by`` is the reviewer's name; ``now`` has a time zone; ``pages`` makes the reports.

    Raises:
        OmopifyError: OM830 there is no report, OM831 the data have changed since, OM832 the report is not the one that
            was made of quality.json, OM833 the result is not ready, OM834 it is signed already.
    """
    assessment = _assessment(place)
    _check(place, assessment, pages, now)
    unsealed = SignOff(
        by=by,
        at=now.astimezone(UTC).isoformat(timespec="seconds"),
        quality_sha256=sha256(place.folder / QUALITY_JSON),
        data_sha256=assessment.subject.data_sha256,
        report_sha256="",
        verdict=assessment.verdict.verdict,
        waivers=tuple(result.waiver for result in assessment.results if result.waiver),
        files_sha256={
            path.name: sha256(path) for path in sorted((place.folder / COPIES).iterdir()) if path.name != REPORT
        },
        draft=assessment.subject.draft,
    )
    seal = _seal(unsealed)
    texts = {name: text.encode() + seal for name, text in pages(State("signed", unsealed)).items()}
    report, shareable = (hashlib.sha256(texts[name]).hexdigest() for name in (REPORT, SHAREABLE))
    signed = replace(unsealed, report_sha256=report, shareable_sha256=shareable)
    delivery.keep(place, signed)
    for name, content in texts.items():
        _write(place.folder / name, content)
    record = json.dumps({"schema_version": SCHEMA_VERSION, **_said(signed)}, indent=2, ensure_ascii=False) + "\n"
    _write(place.folder / SIGN_OFF, record.encode())  # last: what is not recorded is not signed
    return signed


def _check(place: Place, assessment: Assessment, pages: Pages, now: datetime) -> None:
    before = state(place)
    if before.status == "signed":
        raise OmopifyError(Problem("OM834", f"this report is {before.sentence()} already", _at(place, SIGN_OFF)))
    problems = Problems()
    if _data_hash(place) != assessment.subject.data_sha256:
        message = "the data have changed since the report was made, or are gone"
        problems.add("OM831", message, Location(shown(place.database)), "run 'omopify quality' and read the new report")
    if any(_content(place.folder / name) != text.encode() for name, text in pages(before).items()):
        message = f"this is not the report that was made of {QUALITY_JSON}"
        hint = "run 'omopify quality' (with --rejudge it is quick) and read the new report"
        problems.add("OM832", message, _at(place, REPORT), hint)
    if assessment.verdict.verdict == "not ready":
        why = " ".join(assessment.verdict.reasons)
        hint = "mend what fails, or waive it in the project's waivers.yaml; then run 'omopify quality' again"
        problems.add("OM833", f"the result is not ready: {why.rstrip('.')}", _at(place, REPORT), hint)
    today = now.astimezone().date().isoformat()
    for expired in (r.waiver for r in assessment.results if r.waiver and r.waiver.expires < today):
        message = f"the result is not ready: the waiver of '{expired.check}' expired on {expired.expires}"
        problems.add(
            "OM833", message, _at(place, REPORT), "mend what fails, or decide again; then run 'omopify quality'"
        )
    problems.stop_if_errors()


def _assessment(place: Place) -> Assessment:
    for needed in (place.database, *(place.folder / name for name in (QUALITY_JSON, REPORT, SHAREABLE))):
        if not needed.is_file():
            hint = "'omopify quality' makes it" if needed != place.database else "'omopify run' makes it"
            raise OmopifyError(Problem("OM830", "there is no report to sign", Location(shown(needed)), hint))
    return from_json((place.folder / QUALITY_JSON).read_bytes())


def _read(path: Path) -> SignOff | None:
    try:
        record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        record.pop("schema_version")
        waivers = tuple(Waiver(**waiver) for waiver in record.pop("waivers"))
        files = record.pop("files_sha256")
        draft = record.pop("draft", False)
        texts = [*record.values(), *files.keys(), *files.values(), *(text for w in waivers for text in astuple(w))]
        if not all(isinstance(text, str) for text in texts) or not isinstance(draft, bool):
            return None
        return SignOff(**record, waivers=waivers, files_sha256=files, draft=draft)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _data_hash(place: Place) -> str | None:
    return None if has_unsaved_rows(place.database) else _hash(place.database)


def _hash(path: Path) -> str | None:
    return sha256(path) if path.is_file() else None


def _content(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as new:
        new.write_bytes(content)


def _at(place: Place, name: str) -> Location:
    return Location(shown(place.folder / name))
