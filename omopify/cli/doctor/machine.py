"""What the doctor looks at without a project: the program, its libraries and the computer."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from omopify import __version__
from omopify.cli.doctor.found import GB, Found, free, may_write, nearest, size
from omopify.cli.terminal import is_unicode

_LITTLE_MEMORY = 4 * GB
_LITTLE_DISK = 2 * GB
_LIMITS = re.compile(r"(>=|<=|==|<|>)\s*(\d+(?:\.\d+)*)")


def look_at_machine() -> list[Found]:
    """Look at the program and the computer."""
    return [
        Found("omopify", "ok", f"{__version__}, in {Path(__file__).parents[3]}"),
        _python(),
        _libraries(),
        _memory(),
        *_folders(),
        _terminal(),
        *_long_paths(),
        Found("network", "ok", "not used; the telemetry of Great Expectations is switched off"),
    ]


def _python() -> Found:
    said = f"{platform.python_version()}, {platform.system()} {platform.release()}, {platform.machine()}"
    if sys.maxsize < 2**32:
        return Found("Python", "fail", f"{said}, 32 bits", "install a Python of 64 bits")
    return Found("Python", "ok", said)


def _libraries() -> Found:
    try:
        asked = importlib.metadata.requires("omopify") or []
    except importlib.metadata.PackageNotFoundError:
        mend = "install it with pip, so that its libraries come with it"
        return Found("libraries", "warn", "omopify runs from a folder and is not installed", mend)
    needed = [text.partition(";")[0].strip() for text in asked if "extra ==" not in text]
    lacking = [said for text in needed if (said := _lacks(text))]
    if lacking:
        return Found("libraries", "fail", "; ".join(lacking), "python -m pip install --upgrade omopify")
    return Found("libraries", "ok", f"all {len(needed)} in versions that omopify takes")


def _lacks(requirement: str) -> str:
    """Say what is wrong with a library: ``polars 0.9 (>=1.38,<3)``; nothing if all is well."""
    name = re.split(r"[\s<>=!~\[;(]", requirement, maxsplit=1)[0]
    try:
        have = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return f"{name} is not installed"
    fits = all(_holds(_numbers(have), sign, _numbers(limit)) for sign, limit in _LIMITS.findall(requirement))
    return "" if fits else f"{name} is {have}, and omopify takes {requirement.removeprefix(name).strip()}"


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"\d+(\.\d+)*", version)
    return tuple(int(part) for part in found[0].split(".")) if found else ()


def _holds(have: tuple[int, ...], sign: str, limit: tuple[int, ...]) -> bool:
    width = max(len(have), len(limit))
    left, right = (numbers + (0,) * (width - len(numbers)) for numbers in (have, limit))
    return {">=": left >= right, "<=": left <= right, "==": left == right, "<": left < right, ">": left > right}[sign]


def _memory() -> Found:
    total = _bytes_of_memory()
    if not total:
        return Found("memory", "ok", "this system does not say how much it has")
    if total < _LITTLE_MEMORY:
        mend = "large exports may need --memory-limit (then more goes to the disk), or another computer"
        return Found("memory", "warn", f"{size(total)}, which is little", mend)
    return Found("memory", "ok", size(total))


def _bytes_of_memory() -> int:
    if sys.platform == "win32":
        import ctypes

        class Status(ctypes.Structure):
            _fields_ = (
                ("length", ctypes.c_ulong),
                ("load", ctypes.c_ulong),
                ("total", ctypes.c_ulonglong),
                ("others", ctypes.c_ulonglong * 6),
            )

        status = Status(length=ctypes.sizeof(Status))
        return int(status.total) if ctypes.windll.kernel32.GlobalMemoryStatusEx(ctypes.byref(status)) else 0
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return 0


def _folders() -> Iterator[Found]:
    from omopify.vocabulary.loading.chosen import CACHE_VARIABLE, user_cache

    places = {
        "temporary": (Path(tempfile.gettempdir()), "the variable TMPDIR (on Windows TEMP) names another folder"),
        "cache": (user_cache(), f"the variable {CACHE_VARIABLE} names another folder"),
    }
    for name, (folder, mend) in places.items():
        why = may_write(nearest(folder))
        room = free(folder)
        if why:
            yield Found(name, "fail", f"{folder} cannot be written to: {why}", mend)
        elif room < _LITTLE_DISK:
            yield Found(name, "warn", f"{folder} has only {size(room)} free", mend)
        else:
            yield Found(name, "ok", f"{folder}, {size(room)} free")


def _terminal() -> Found:
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    kind = "terminal" if sys.stdout.isatty() else "pipe or file"
    if is_unicode(sys.stdout):
        return Found("output", "ok", f"{kind}, {encoding}")
    return Found("output", "ok", f"{kind}, {encoding}: signs that it lacks are written with others")


def _long_paths() -> Iterator[Found]:
    """Look whether Windows takes paths of more than 260 signs, which a deep project may need."""
    if sys.platform != "win32":
        return
    import winreg

    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SYSTEM\CurrentControlSet\Control\FileSystem") as key:
            allowed = bool(winreg.QueryValueEx(key, "LongPathsEnabled")[0])
    except OSError:
        allowed = False
    if allowed:
        yield Found("long paths", "ok", "allowed")
    elif len(str(Path.cwd())) > 150:
        mend = "work in a folder nearer to the drive, such as C:\\omop, or ask your administrator to allow long paths"
        yield Found("long paths", "warn", f"not allowed, and this folder's path has {len(str(Path.cwd()))} signs", mend)
    else:
        yield Found("long paths", "ok", "not allowed, and not needed here")
