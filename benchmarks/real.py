"""What the program says of real measurements and real autopilot logs in the shared folder."""

from __future__ import annotations

import csv
import json
import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.autopilot import flights_beside_logs
from benchmarks.running import results, say
from benchmarks.scoring import TOO_SURE, Score, judged
from benchmarks.tables import markdown, median, quantile, share, within_factor
from drone.choices import Choices
from sims.settings import Site
from sims.site import geographic

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
_ONEILL = Site(latitude=42.4934, longitude=-98.5717)
_VERDICT_HEADER = (
    "flight",
    "verdict",
    "p",
    "error of best hotspot [m]",
    "90 % radius [m]",
    "confidently wrong",
)


def section(logs_each: int) -> str:
    """The chapter on real data; what is absent is named and left out."""
    chapters: list[tuple[str, Callable[[], str]]] = [
        ("uav_co2_friesland", _friesland),
        ("prairie_grass", _prairie_grass),
        ("autopilot_sitl", partial(_autopilot, logs_each)),
    ]
    parts = ["## Real data"]
    for folder, chapter in chapters:
        if (SHARED / folder).is_dir():
            parts.append(chapter())
        else:
            say(f"{SHARED / folder} is not there; its rows are left out")
            parts.append(f"`{folder}` was not there when this was run; its rows are left out.")
    return "\n\n".join(parts)


def _friesland() -> str:
    scores = results(
        "friesland",
        _judged_friesland,
        sorted((SHARED / "uav_co2_friesland").glob("flight_*.csv")),
        told=_line,
    )
    return "\n\n".join(
        [
            "### Drone flights about a parked car with its engine on (Friesland, 2022)",
            markdown(_VERDICT_HEADER, [_verdict_row(one) for one in scores]),
            "Reading: a metal-oxide sensor with a lag of 20-30 s, warm-up larger than any plume, "
            "and a wind whose sense is in doubt. The question is not metres but honesty: "
            f"{sum(one.misleading for one in scores)} of {len(scores)} flights are confidently "
            f"wrong (indicated, and the car more than {TOO_SURE:g} times the 90 % radius away).",
        ]
    )


def _judged_friesland(path: Path) -> Score:
    source = json.loads((path.parent / "truth.json").read_text())["source"]
    place = {name: source[name] for name in ("latitude", "longitude")}
    return judged([path], Choices(), [place], name=path.stem.removeprefix("flight_day1_"))


def _prairie_grass() -> str:
    scores = results("prairie grass", _judged_run, prairie_grass_runs(), told=_line)
    told = [one for one in scores if one.indicated]
    header = (
        "runs",
        "indicated",
        "error, median [m]",
        "error, 90 % [m]",
        "truth in 50 % region",
        "truth in 90 % region",
        "90 % radius, median [m]",
        "rate ratio, median",
        "rate within 2x",
        "confidently wrong",
    )
    row = [
        str(len(scores)),
        share([one.indicated for one in scores]),
        median(one.error_m for one in told),
        quantile((one.error_m for one in told), 0.9),
        share([one.inside_50 for one in told]),
        share([one.inside_90 for one in told]),
        median(one.radius_90_m for one in told),
        median((one.rate_ratio for one in told), "{:.2f}"),
        within_factor(one.rate_ratio for one in told),
        str(sum(one.misleading for one in told)),
    ]
    return "\n\n".join(
        [
            "### Project Prairie Grass (1956): ten-minute means on arcs",
            markdown(header, [row]),
            "Reading: real turbulence, a known rate, receptors to 800 m on arcs, one wind at 2 m. "
            "Every run with meteorology, from all receptors at once.",
        ]
    )


def prairie_grass_runs() -> list[dict[str, str]]:
    """Rows of the table of runs that have meteorology."""
    return [
        row
        for row in _table(SHARED / "prairie_grass" / "runs.csv")
        if row["wind_speed_2m_m_s"] and row["wind_from_deg"]
    ]


def prairie_grass_log(run: dict[str, str]) -> tuple[str, Choices, dict[str, float]]:
    """All receptors of a run as a flight CSV, the settings it needs, and its source."""
    receptors = [
        row
        for row in _table(SHARED / "prairie_grass" / "arcs.csv")
        if row["run"] == run["run"] and float(row["conc_mg_m3"]) >= 0
    ]
    east, north = ([float(row[name]) for row in receptors] for name in ("x_east_m", "y_north_m"))
    latitude, longitude = geographic(_ONEILL, east, north)
    header = "time,latitude,longitude,altitude_agl_m,wind_speed_m_s,wind_from_deg,so2_mg_m3\n"
    lines = [
        f"1956-07-10T18:00:00Z,{lat:.8f},{lon:.8f},{float(run['receptor_height_m']):.2f},"
        f"{run['wind_speed_2m_m_s']},{run['wind_from_deg']},{row['conc_mg_m3']}\n"
        for lat, lon, row in zip(latitude, longitude, receptors, strict=True)
    ]
    choices = Choices(
        gas="sulphur dioxide", wind_height_m=2.0, averaging_time_s=600.0, background_removed=True
    )
    truth = {
        "latitude": _ONEILL.latitude,
        "longitude": _ONEILL.longitude,
        "rate_g_s": float(run["q_g_s"]),
    }
    return header + "".join(lines), choices, truth


def _judged_run(run: dict[str, str]) -> Score:
    text, choices, truth = prairie_grass_log(run)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run.csv"
        path.write_text(text)
        return judged([path], choices, [truth], name=f"run {run['run']}")


def _autopilot(each: int) -> str:
    scores = flights_beside_logs(SHARED / "autopilot_sitl", each)
    header = (
        "gas log beside",
        "n",
        "indicated",
        "error, median [m]",
        "error, 90 % [m]",
        "truth in 90 % region",
        "confidently wrong",
    )
    rows = []
    for name, group in scores.items():
        told = [one for one in group if one.indicated]
        rows.append(
            [
                name,
                str(len(group)),
                share([one.indicated for one in group]),
                median(one.error_m for one in told),
                quantile((one.error_m for one in told), 0.9),
                share([one.inside_90 for one in told]),
                str(sum(one.misleading for one in group)),
            ]
        )
    return "\n\n".join(
        [
            "### Gas logs without positions beside real autopilot logs",
            markdown(header, rows),
            "Reading: plumes of 0.3-3 g/s simulated along the true track of each recorded flight "
            "in its true wind (3 m/s from 240 degrees), written as a gas log in UTC without "
            "positions. Positions and wind come from the autopilot log alone; the receiver clock "
            "of each .tlog was set 10 s wrong first. The .BIN is of the same flight as "
            "survey_a.tlog, with the same gas logs.",
        ]
    )


def _verdict_row(one: Score) -> list[str]:
    return [
        one.name,
        one.verdict,
        f"{one.p_any:.3f}",
        f"{one.error_m:.0f}",
        f"{one.radius_90_m:.0f}",
        "**yes**" if one.misleading else "no",
    ]


def _line(one: Score) -> str:
    return (
        f"{one.name}: {one.verdict}, p {one.p_any:.3f}, error {one.error_m:.0f} m, "
        f"90 % radius {one.radius_90_m:.0f} m, rate x {one.rate_ratio:.2f}"
    )


def _table(path: Path) -> Sequence[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))
