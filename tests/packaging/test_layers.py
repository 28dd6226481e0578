"""Imports go one way, and a package of the same name is named, not stumbled over."""

import subprocess
import sys
from pathlib import Path

from drone.cli import shadowed

ROOT = Path(__file__).resolve().parents[2]


def test_imports_go_one_way():
    linter = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    finished = subprocess.run(
        [sys.executable, "-c", linter, "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_no_package_is_more_than_its_docstring():
    """An `__init__` that imports would load what a light import does not need."""
    packages = ("sensors", "firmware_bridge", "detection", "mapping", "sims", "drone")
    inits = [path for package in packages for path in (ROOT / package).rglob("__init__.py")]
    with_code = [
        path
        for path in inits
        if any(line.startswith(("import ", "from ")) for line in path.read_text().splitlines())
    ]
    assert [str(path.relative_to(ROOT)) for path in with_code] == ["drone/cli/__init__.py"]


def test_our_own_packages_shadow_nothing():
    assert shadowed() is None


def test_a_package_that_shadows_ours_is_named_in_one_line(tmp_path):
    (tmp_path / "sensors").mkdir()
    (tmp_path / "sensors" / "__init__.py").write_text("raise RuntimeError('not ours')\n")
    code = (
        f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]\n"
        "from drone.cli import main; sys.exit(main(['version']))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 2
    (line,) = finished.stderr.splitlines()
    assert f'error: "sensors" is taken from {tmp_path / "sensors"}, which shadows' in line
