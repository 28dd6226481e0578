"""What people install: built from the tree, put in an empty environment, and run there."""

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def succeeds(*command, cwd):
    finished = subprocess.run(
        [str(part) for part in command], cwd=cwd, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return finished.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder)
    succeeds(*build, ROOT, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(tmp_path_factory, wheel):
    """Folder of commands of an environment that holds the wheel, and borrows what it needs."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False, symlinks=True)
    scripts = place / ("Scripts" if sys.platform == "win32" else "bin")
    packages = Path(
        sysconfig.get_path("purelib", "venv", vars={"base": str(place), "platbase": str(place)})
    )
    # a plain line in a .pth file adds a path but does not run the editable installation in it
    (packages / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--force-reinstall")
    succeeds(scripts / "python", *install, wheel, cwd=place)
    return scripts


def test_the_wheel_holds_code_and_tables_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    packages = {"sensors", "firmware_bridge", "detection", "mapping", "sims", "drone"}
    assert {top for top in tops if not top.endswith(".dist-info")} == packages
    assert {"sensors/gases.toml", "sims/scenarios/demo.toml"} <= set(names)
    endings = {Path(name).suffix for name in names if ".dist-info" not in name}
    assert endings <= {".py", ".toml", ".json", ".md", ".typ", ".ttf", ".txt"}
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_installed_demo_finds_its_source_outside_the_repository(environment, tmp_path):
    said = succeeds(environment / "sniffdrone", "demo", "--output", "results", cwd=tmp_path)
    assert said.startswith("Verdict: source indicated")
    assert len(said.splitlines()) == 1
    summary = json.loads((tmp_path / "results" / "summary.json").read_text())
    assert set(summary["files"]) == {path.name for path in (tmp_path / "results").iterdir()}


def test_the_installed_command_states_its_version(environment, tmp_path):
    said = succeeds(environment / "sniffdrone", "version", cwd=tmp_path)
    assert said.split() == ["sniffdrone", "0.1.0"]
    where = "import drone, pathlib; print(pathlib.Path(drone.__file__).resolve())"
    place = succeeds(environment / "python", "-c", where, cwd=tmp_path)
    assert ROOT not in Path(place.strip()).parents
