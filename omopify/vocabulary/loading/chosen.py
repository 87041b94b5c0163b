"""Which vocabulary a command means that is not about a project, and where its loaded form is kept.

``vocab search`` and ``vocab show`` take ``--vocabulary``; without it the environment variable OMOPIFY_VOCABULARY, the
project in the current folder, and at last the starter that ships with omopify say which one.  A file of
``vocab load`` is used as it is.  An Athena download is loaded once, into the user's cache folder.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from omopify.errors import Location, Problems
from omopify.progress import Progress, silent
from omopify.vocabulary.loading.athena import SHIPPED, download_path, find_athena
from omopify.vocabulary.loading.load import VocabularyFile, load_vocabulary, read_load

VARIABLE = "OMOPIFY_VOCABULARY"
CACHE_VARIABLE = "OMOPIFY_CACHE"
_PROJECT = Path("omopify.yaml")


def user_cache() -> Path:
    """Return the folder for files that omopify can make again: where each operating system wants it.

    OMOPIFY_CACHE names another one.  The folder may not exist yet.
    """
    own = os.environ.get(CACHE_VARIABLE)
    if own:
        return Path(own).expanduser()
    try:
        home = Path.home()
    except RuntimeError:
        return Path(tempfile.gettempdir()) / "omopify"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "omopify" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "omopify"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "omopify"


def chosen_vocabulary(option: str | None, problems: Problems, say: Progress = silent) -> VocabularyFile:
    """Return the vocabulary that ``--vocabulary`` names, or the one that is meant without it.

    *option* is a file of ``vocab load``, the folder or zip file of an Athena download, or ``starter`` (names that
    ship with omopify, several with commas between).

    Raises:
        OmopifyError: OM601 to OM605 the download is broken, OM615 the file is no vocabulary.
    """
    names, folder, at = _named(option, problems)
    problems.stop_if_errors()
    found = _file(names, folder, problems, at, say)
    problems.stop_if_errors()
    assert found is not None
    return found


def _named(option: str | None, problems: Problems) -> tuple[Sequence[str], Path, Location | None]:
    """Return the names of the vocabulary, the folder that they start from, and the place that names them."""
    here = Path()
    if option or os.environ.get(VARIABLE):
        text = option or os.environ[VARIABLE]
        parts = text.split(",")
        return parts if all(part in SHIPPED for part in parts) else [text], here, None
    if _PROJECT.is_file():
        names, at = _of_project(problems)
        return names, here, at
    return SHIPPED[:1], here, None


def _of_project(problems: Problems) -> tuple[Sequence[str], Location | None]:
    # imported here, because they take longer than the search that mostly is asked for without a project
    from omopify.specs.model import build
    from omopify.specs.packs import ProjectFile
    from omopify.specs.yamlfile import read_yaml

    tree = read_yaml(_PROJECT, str(_PROJECT), problems)
    project = build(ProjectFile, tree, problems) if tree is not None else None
    return (project.vocabulary, project.at("vocabulary")) if project else ((), None)


def _file(
    names: Sequence[str], folder: Path, problems: Problems, at: Location | None, say: Progress
) -> VocabularyFile | None:
    if len(names) == 1 and names[0] not in SHIPPED:
        path = folder / names[0]
        if path.suffix.lower() == ".duckdb" or (path.is_file() and path.suffix.lower() != ".zip"):
            return read_load(path, problems, at)
    found = [find_athena(download_path(name, folder), problems, at) for name in names]
    downloads = [download for download in found if download]
    if len(downloads) < len(names):
        return None
    cache = user_cache() / "vocabulary"
    cache.mkdir(parents=True, exist_ok=True)
    path = cache / ("-".join(download.sha256[:16] for download in downloads) + ".duckdb")
    known = Problems()
    if path.is_file() and (loaded := read_load(path, known)):
        return loaded
    load_vocabulary([download.path for download in downloads], path, problems, say)
    return read_load(path, problems, at)
