"""What is built from a checkout: the data folders are in it, and nothing that may not be given away."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = ("mappings", "quality", "sql", "vocab")
PARTS = [*DATA, "omopify", "examples", ".gitignore", "LICENSE", "NOTICE", "README.md", "pyproject.toml"]
PLANTED = (
    "vocab/licensed/CONCEPT.csv",
    "vocab/starter/cache.duckdb",
    "examples/impress/out/manifest.json",
    "examples/impress/register/keys.duckdb",
    "mappings/impress/out/result.csv",
)
"""Files that lie in a steward's checkout and may never travel."""


def run(*arguments: str | Path, cwd: Path, **variables: str) -> str:
    command = [str(argument) for argument in arguments]
    environment = {**os.environ, **variables}
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkout")
    for part in PARTS:
        if (ROOT / part).is_dir():
            left_out = shutil.ignore_patterns("__pycache__", "out", "register", "licensed")
            shutil.copytree(ROOT / part, folder / part, ignore=left_out)
        else:
            shutil.copy(ROOT / part, folder / part)
    for name in PLANTED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("not to be given away")
    return folder


@pytest.fixture(scope="module")
def sdist(checkout: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", checkout / "dist", cwd=checkout)
    (found,) = (checkout / "dist").glob("*.tar.gz")
    return found


def built_wheel(source: Path, folder: Path) -> Path:
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", folder]
    run(sys.executable, "-m", "pip", "wheel", *options, source, cwd=folder)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built_wheel(checkout, tmp_path_factory.mktemp("wheel"))


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


def test_the_wheel_ships_the_package_and_the_data_folders(wheel: Path, checkout: Path) -> None:
    names = set(names_in(wheel))
    for folder in DATA:
        files = [path for path in (checkout / folder).rglob("*") if path.is_file()]
        wanted = [path.relative_to(checkout).as_posix() for path in files]
        assert wanted
        assert {f"omopify/_data/{name}" for name in wanted if name not in PLANTED} <= names
    modules = {path.relative_to(checkout).as_posix() for path in (checkout / "omopify").rglob("*.py")}
    assert modules <= names


def test_the_wheel_ships_nothing_else(wheel: Path) -> None:
    names = names_in(wheel)
    assert [name for name in names if not re.match(r"omopify/|omopify-[^/]+\.dist-info/", name)] == []
    assert [
        name for name in names if re.search(r"licensed/|\.duckdb|SYNTHETIC_|/out/|/register/|__pycache__", name)
    ] == []
    assert {"LICENSE", "NOTICE"} <= {name.rpartition("/")[2] for name in names}


def test_the_sdist_ships_nothing_that_may_not_travel(sdist: Path) -> None:
    with tarfile.open(sdist) as archive:
        names = [name.partition("/")[2] for name in archive.getnames()]
    assert set(PLANTED) & set(names) == set()
    assert {"pyproject.toml", "README.md", "sql/cdm/fields.csv", "omopify/resources.py", "LICENSE"} <= set(names)


def test_the_sdist_gives_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    assert sorted(names_in(built_wheel(sdist, tmp_path))) == sorted(names_in(wheel))


def test_the_main_job_runs_from_the_wheel_alone(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    where = {"PYTHONPATH": str(tmp_path / "site")}
    program = "from omopify.resources import data; print(data('sql', 'cdm', 'fields.csv').resolve(strict=True))"
    found = run(sys.executable, "-P", "-c", program, cwd=tmp_path, **where).strip()
    assert Path(found) == (tmp_path / "site" / "omopify" / "_data" / "sql" / "cdm" / "fields.csv").resolve()
    example = tmp_path / "impress"
    shutil.copytree(ROOT / "examples" / "impress", example, ignore=shutil.ignore_patterns("out", "register"))
    run(sys.executable, "-P", "-m", "omopify", "run", "--no-quality", example, cwd=tmp_path, **where)
    assert (example / "out" / "omop.duckdb").is_file()
    assert (example / "out" / "manifest.json").is_file()


def test_every_requirement_is_pinned_for_ci() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.partition("==")[0].casefold().replace("_", "-") for line in lines if "==" in line}
    assert [name for spec in wanted if (name := re.split(r"[<>=]", spec)[0].casefold()) not in pinned] == []


def test_the_readme_has_exactly_two_set_up_commands() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert [len(block.splitlines()) for block in blocks] == [1, 1]
    job, tests = blocks
    assert job.startswith("python3 -m venv ")
    assert "omopify run examples/impress" in job
    assert tests.startswith("python3 -m venv ")
    assert "pytest" in tests


def test_the_readme_names_only_files_that_are_there_or_being_written() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = [link for link in re.findall(r"\]\((?!https?:)([^)#]+)", text) if not link.startswith("docs/")]
    assert [link for link in links if not (ROOT / link).exists()] == []
