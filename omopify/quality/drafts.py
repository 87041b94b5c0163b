"""What makes a result a draft, as its manifest says: no draft is uploaded, and each of its papers says what it is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def is_draft(manifest: Mapping[str, Any]) -> bool:
    """Say whether a result is a draft; one from before there were reviews is none."""
    return bool(manifest.get("review", {}).get("draft"))


def reasons(manifest: Mapping[str, Any]) -> tuple[str, ...]:
    """Return why a result is a draft, a phrase each; nothing if it is none.  They count no patients."""
    return tuple(_reasons(manifest["review"])) if is_draft(manifest) else ()


def _reasons(review: Mapping[str, Any]) -> Iterator[str]:
    parts, tests = review.get("open", 0), review.get("tests", {})
    if parts:
        verb = "is" if parts == 1 else "are"
        yield f"{parts} of {review.get('of', parts)} parts of the mapping {verb} not approved"
    if review.get("unchecked"):
        number = review["unchecked"]
        yield f"{number} {'mapping' if number == 1 else 'mappings'} that nobody has checked went into it"
    if tests.get("failed"):
        yield f"{tests['failed']} of {tests['run']} tests of the maps failed"
    elif not review.get("tested", True):
        yield "the tests of the maps were not run"
    if not (parts or review.get("unchecked") or tests.get("failed")) and review.get("tested", True):
        yield "it was asked for as a draft"
