"""Shared data beside the repository: found, or its tests deselected with one printed line.

Signals as a terminal would have them, and no deadline for examples: how long one takes says how
busy the machine is, and speed is measured in benchmarks/.
"""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
_DESELECTED = pytest.StashKey[int]()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of the data; without it the tests that ask for this are deselected."""
    return SHARED_DATA


def pytest_configure() -> None:
    """Let tests be interrupted: a shell's background job, and all it starts, ignores SIGINT."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if SHARED_DATA.is_dir():
        return
    missing = [item for item in items if _needs_shared_data(item)]
    if missing:
        items[:] = [item for item in items if not _needs_shared_data(item)]
        config.hook.pytest_deselected(items=missing)
        config.stash[_DESELECTED] = len(missing)


def _needs_shared_data(item: pytest.Item) -> bool:
    return "shared_data" in getattr(item, "fixturenames", ())


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    number = config.stash.get(_DESELECTED, 0)
    if number:
        terminalreporter.write_line(f"{number} tests need {SHARED_DATA}, which is absent")
