"""One line of the doctor, and what its checks have in common."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

GB = 1024**3


@dataclass(frozen=True, slots=True)
class Found:
    """What was looked at, how it stands, and how to mend it."""

    name: str
    status: Literal["ok", "warn", "fail"]
    said: str
    mend: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain data."""
        return asdict(self)


def nearest(path: Path) -> Path:
    """Return the folder itself, or the nearest one above it that is there."""
    path = path.absolute()
    return next((folder for folder in (path, *path.parents) if folder.is_dir()), path)


def may_write(folder: Path) -> str:
    """Try to write a file, for only that shows the rights on every system; return why not, or nothing."""
    try:
        handle, name = tempfile.mkstemp(prefix=".omopify-doctor-", dir=folder)
    except OSError as error:
        return (error.strerror or type(error).__name__).lower()
    os.close(handle)
    Path(name).unlink(missing_ok=True)
    return ""


def free(folder: Path) -> int:
    """Return the bytes that are free on the disk of a folder."""
    return shutil.disk_usage(nearest(folder)).free


def size(value: float) -> str:
    """Write a size of bytes for people."""
    return f"{value / GB:.0f} GB" if value >= 10 * GB else f"{value / GB:.1f} GB"
