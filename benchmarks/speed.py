"""How long a long flight takes from file to all outputs, stage by stage, and in how much memory."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import numpy as np

from benchmarks import mapping, parsing
from benchmarks.running import say
from benchmarks.tables import markdown
from detection.source.estimators import grid
from drone import pipeline
from drone.choices import Choices
from drone.findings import summary_of
from drone.product_choices import ProductChoices
from drone.products import case_of, draw, write_data, write_report, write_summary
from sims.recording import write_flight_csv
from sims.scenario import draw_scenario
from sims.settings import Mox, Survey
from sims.simulate import simulate

if TYPE_CHECKING:
    from collections.abc import Callable

_ROOT = Path(__file__).resolve().parents[1]
_SEED = 30
_LINES_M = 11.0  # apart, so that the survey of the square below takes half an hour
_HELP_RUNS = 5
_STEPS = {
    "read and fingerprint the CSV": (pipeline, "read_inputs"),
    "assemble, remove drift (8 channels)": (pipeline, "corrected_flight"),
    "observations": (pipeline, "observations_of"),
    "infer sources": (grid, "infer"),
    "make the search ready": (pipeline, "search_of"),
    "maps: concentration, sources, detection power": (pipeline, "survey_of"),
}
_GIB = 1024.0**3
# A child's memory begins as that of the process it was forked from: this one is small.
_WATCHER = """
import os, sys, time

def resident(process):
    try:
        with open(f"/proc/{process}/statm") as told:
            pages = int(told.read().split()[1])
        with open(f"/proc/{process}/task/{process}/children") as told:
            children = told.read().split()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") + sum(resident(int(child)) for child in children)

begin = time.perf_counter()
child = os.fork()
if child == 0:
    os.dup2(2, 1)
    os.execv(sys.argv[1], sys.argv[1:])
ended, peak = 0, 0
while not ended:
    time.sleep(0.01)
    ended, status, usage = os.wait4(child, os.WNOHANG)
    peak = max(peak, resident(child))
print(time.perf_counter() - begin, usage.ru_utime + usage.ru_stime, peak)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@dataclass(frozen=True, slots=True)
class _Run:
    """Resources of a finished process and those it began."""

    wall_s: float
    cpu_s: float
    peak_gib: float


def section() -> str:
    """The chapter on speed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "flight.csv"
        minutes, readings = write_long_flight(path)
        megabytes = path.stat().st_size / 1e6
        say(f"speed: a flight of {minutes:.0f} min, {readings} readings, {megabytes:.1f} MB")
        commands = _commands(path, Path(folder))
        stages = _stages(path, Path(folder) / "staged")
    return "\n\n".join(
        [
            "## Speed",
            f"### Commands ({os.cpu_count()} cores)",
            f"The flight: {minutes:.0f} minutes at 10 Hz, {readings} readings of 8 gas channels, "
            f"{megabytes:.1f} MB of CSV.",
            commands,
            "Reading: whole processes, from start to exit, imports included; the compiled kernels "
            "come from numba's cache. Memory is what a command's processes hold at once, counted "
            "a hundred times a second.",
            "### Stages of `process` on the same flight",
            stages,
            "Reading: in one process, after imports, one step after the other; the second of two "
            "runs. `process` itself checks meanwhile, and draws in a second process.",
            "### Maps",
            _table_of(mapping.rows()),
            "Reading: the same readings on the same cells, see `benchmarks/mapping.py`.",
            "### Reading logs",
            _table_of(parsing.rows()),
            "Reading: ours makes all records of a Flight and counts every message; best of five, "
            "in the same run as the reference, see `benchmarks/parsing.py`.",
        ]
    )


def write_long_flight(path: Path) -> tuple[float, int]:
    """A survey of half an hour at 10 Hz with a PID and seven metal oxides."""
    rng = np.random.default_rng(_SEED)
    scenario = draw_scenario(rng, "single")
    scenario = replace(
        scenario,
        survey=Survey(size_m=300.0, spacing_m=_LINES_M, height_m=10.0, speed_m_s=5.0, rate_hz=10.0),
        mox=tuple(Mox(name=f"mox {number}") for number in range(7)),
    )
    flight = simulate(scenario, rng=rng)
    write_flight_csv(flight, path)
    return float(flight.path.time_s[-1]) / 60.0, int(flight.time_ns.size)


def _commands(path: Path, folder: Path) -> str:
    process = ["process", str(path), "--gas", "acetone", "--quiet"]
    helps = [_timed(["--help"]) for _ in range(_HELP_RUNS)]
    runs = {
        "`sniffdrone --help` (median of five)": sorted(helps, key=lambda run: run.wall_s)[2],
        "`sniffdrone process`, first run": _timed([*process, "-o", f"{folder}/1"]),
        "`sniffdrone process`, second run": _timed([*process, "-o", f"{folder}/2"]),
        "`sniffdrone demo`": _timed(["demo", "--quiet", "-o", f"{folder}/demo"]),
    }
    rows = [
        [name, f"{run.wall_s:.2f}", f"{run.cpu_s:.2f}", f"{run.peak_gib:.2f}"]
        for name, run in runs.items()
    ]
    return markdown(("command", "wall [s]", "CPU [s]", "peak memory [GiB]"), rows)


def _timed(arguments: list[str]) -> _Run:
    """Run the program to its end; a failure ends the benchmark."""
    command = [sys.executable, "-c", _WATCHER, sys.executable, "-m", "drone.cli", *arguments]
    # modules stay compiled, as an installed program's are
    own = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    told = subprocess.run(command, cwd=_ROOT, env=own, capture_output=True, check=True)
    wall_s, cpu_s, peak = (float(word) for word in told.stdout.split()[-3:])
    return _Run(wall_s, cpu_s, peak / _GIB)


def _stages(path: Path, folder: Path) -> str:
    for again in range(2):
        out = folder / str(again)
        out.mkdir(parents=True)
        spent = _staged(path, out)
    total = (sum(column) for column in zip(*spent.values(), strict=True))
    rows = [[name, f"{wall:.2f}", f"{cpu:.2f}"] for name, (wall, cpu) in spent.items()]
    rows.append(["**all**", *(f"{seconds:.2f}" for seconds in total)])
    return markdown(("stage", "wall [s]", "CPU [s]"), rows)


def _staged(path: Path, out: Path) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds of each step of `drone.pipeline`, one after the other."""
    spent: dict[str, tuple[float, float]] = {}
    with ExitStack() as patched:
        for name, (module, function) in _STEPS.items():
            timed = _timing(getattr(module, function), name, spent)
            patched.enter_context(patch.object(module, function, timed))
        found = pipeline.survey([path], choices=Choices(gas="acetone"))
    analysis = _timing(pipeline.checked, "diagnostics, smallest rates found", spent)(found)
    _timing(write_data, "flight and posterior", spent)(analysis, out)
    chosen = ProductChoices()
    drawn = _timing(draw, "layers, quicklook and the report's figures", spent)(
        case_of(analysis, chosen), out, chosen
    )
    summary = summary_of(analysis, drawn.names)
    report = _timing(write_report, "report", spent)
    report(case_of(analysis, chosen, summary), out, drawn.figures)
    write_summary(summary, out)
    return spent


def _timing(
    call: Callable[..., Any], name: str, spent: dict[str, tuple[float, float]]
) -> Callable[..., Any]:
    """The same function; what it takes is added to `spent`."""

    def timed(*given: Any, **named: Any) -> Any:
        begin = time.perf_counter(), time.process_time()
        result = call(*given, **named)
        wall, cpu = spent.get(name, (0.0, 0.0))
        spent[name] = wall + time.perf_counter() - begin[0], cpu + time.process_time() - begin[1]
        return result

    return timed


def _table_of(rows: list[dict[str, Any]]) -> str:
    if not rows:
        return "nothing was measured"
    header = [name.replace("_", " ") for name in rows[0]]
    return markdown(header, [[row.get(name, "-") for name in rows[0]] for row in rows])
