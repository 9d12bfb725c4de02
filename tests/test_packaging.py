"""What is installed elsewhere: every package used is asked for; forms, models and labels travel in the wheel."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


ELSEWHERE = "scripts/benchmarks/peer_rows.py"
"""Runs in an environment of its own."""


def asked_for(requirements: list[str]) -> set[str]:
    return {canonical(re.split(r"[^\w.-]", requirement, maxsplit=1)[0]) for requirement in requirements}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(folder: Path) -> Iterator[tuple[str, str]]:
    """Each package that a file of the folder imports, with the file."""
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module is not None and node.level == 0:
                names = [node.module]
            else:
                continue
            for name in names:
                yield name.split(".")[0], str(path.relative_to(ROOT))


def undeclared(folder: str, requirements: set[str]) -> list[str]:
    providers = metadata.packages_distributions()
    own = {"pipeline", "tests", "scripts"} | {path.stem for path in (ROOT / "scripts").iterdir()}
    return [
        f"{file} imports {name}"
        for name, file in imported(ROOT / folder)
        if name not in sys.stdlib_module_names | own
        and not {canonical(each) for each in providers.get(name, [])} & requirements
    ]


def test_the_package_asks_for_everything_it_imports() -> None:
    extras = PROJECT["project"]["optional-dependencies"]
    every = [PROJECT["project"]["dependencies"], *extras.values()]
    assert undeclared("pipeline", set().union(*map(asked_for, every))) == []


def test_nothing_optional_is_loaded_before_it_is_asked_for() -> None:
    names = "{'distributed', 'dask', 'fsspec'}"
    code = (
        f"import sys, pipeline.commands.extract, pipeline.run, pipeline.ocr; print(sorted({names} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("folder", ["scripts", "tests"])
def test_development_asks_for_everything_else(folder: str) -> None:
    requirements = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["dev"]]
    found = undeclared(folder, asked_for(requirements))
    assert [each for each in found if not each.startswith(ELSEWHERE)] == []


def test_what_runs_in_an_environment_of_its_own_is_listed_there() -> None:
    listed = (ROOT / "scripts/benchmarks/peers-requirements.txt").read_text(encoding="utf-8").splitlines()
    pinned = [line for line in listed if line and not line.startswith("#")]
    assert all("==" in line for line in pinned)
    names = {"PIL": "pillow", "cv2": "opencv-contrib-python-headless"}
    imports = {name for name, file in imported(ROOT / "scripts") if file == ELSEWHERE} - sys.stdlib_module_names
    assert {names.get(name, name) for name in imports} <= asked_for(pinned)


def test_the_lock_names_no_place_of_this_machine() -> None:
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    sources = [package["source"] for package in lock["package"] if package["name"] != "nianbao"]
    assert {source["registry"] for source in sources} == {"https://pypi.org/simple"}
    assert [package["name"] for package in lock["package"] if "opencv" in package["name"]] == ["opencv-python-headless"]


def test_forms_models_and_labels_travel_in_the_wheel(tmp_path: Path) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    inside = set(zipfile.ZipFile(wheel).namelist())
    forms = {f"pipeline/forms/{path.name}" for path in (ROOT / "pipeline" / "forms").glob("*.yaml")}
    models = ROOT / "models"
    files = {f"pipeline/_models/{path.relative_to(models)}" for path in models.rglob("*") if path.is_file()}
    assert forms
    assert forms <= inside
    assert files <= inside
    assert "pipeline/_training_data/labels.csv" in inside
    assert {f"pipeline/review/page/page.{kind}" for kind in ("html", "css", "js")} <= inside
    assert "pipeline/review/page/words.json" in inside
    assert not [name for name in inside if name.startswith(("tests/", "scripts/", "training_data/"))]
