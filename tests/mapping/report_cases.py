"""Cases to report on, put together from a survey without running any pipeline."""

from __future__ import annotations

import dataclasses

import numpy as np
import xarray as xr
from shapely.affinity import translate

from detection.source.emitters import KnownEmitter
from mapping.explanations import Sensor, explain
from mapping.known import Known
from mapping.report.case import Case
from mapping.survey import INSUFFICIENT
from sensors.config import DeviceTable, Mission, MissionTable

GLITCHES = (
    "pid: 3 readings that no gas can make (a spike of one reading, or more than all of the air) "
    "were left out; look at the sensor and its wiring"
)
START_NS = 1_778_576_400_000_000_000  # 2026-05-12T09:00:00Z
ODD_NAME = """Haven "Zuid" *#1* <b>IJ</b> $x_2$ @naïef `#eval("1")` \\ 'één' ~ _ü_"""


def flight_of(survey, *, step_s=0.5):
    """A corrected Flight of one channel along a survey's track."""
    reading = survey.track.reading
    size = reading.size
    time = START_NS + np.arange(size, dtype=np.int64) * round(step_s * 1e9)
    drift = 60.0 + np.linspace(0.0, 30.0, size)
    gas = {"gas": "acetone", "sensor_family": "pid"}
    columns = {
        "pid": (
            drift + reading,
            {"channel_role": "gas", "units": "1e-9", "reads_as": "isobutylene"},
        ),
        "pid_baseline": (drift, {"units": "1e-9"}),
        "pid_corrected": (reading, {"channel_role": "corrected", "units": "1e-9"}),
        "pid_sigma": (np.full(size, 4.0), {"units": "1e-9"}),
        "pid_plume": (np.where(reading > 40.0, 0.9, 0.0), {"units": "1"}),
        "air_temperature": (np.full(size, 288.65), {"units": "K"}),
        "height_above_ground": (np.full(size, 10.0), {"units": "m"}),
    }
    return xr.Dataset(
        {name: ("obs", values, {**gas, **attrs}) for name, (values, attrs) in columns.items()},
        coords={"time": ("obs", time.astype("datetime64[ns]"))},
        attrs={"pid_lamp_ev": 10.6, "wind_source": "anemometer", "background_removed": 0},
    )


def summary_like(survey, **changed):
    """What of ``summary.json`` a report takes."""
    searched = {
        "reference_rate_g_s": survey.reference_rate_g_s,
        "domain_ha": 24.0,
        "would_have_shown_ha": 9.5,
        "perhaps_ha": 4.5,
        "not_searched_ha": 10.0,
    }
    settings = {
        "gas": "acetone",
        "offset_s": 1.25,
        "wind": [3.5, 240.0],
        "averaging_time_s": 0.0,
        "background_removed": False,
        "area": "terrein.geojson",
        "known": [],
        "reference_rate_g_s": 1.0,
        "indicate_above": 0.95,
        "seed": 3,
    }
    flight = {
        "name": "flight_7",
        "duration_s": 900.0,
        "readings": 1800,
        "readings_with_position": 1790,
        "gaps": 2,
        "gaps_s": 41.0,
    }
    summary = {
        "sniffdrone_version": survey.version,
        "verdict": survey.verdict,
        "reason": None,
        "flight": flight,
        "searched": searched,
        "could_not_have_smelt": ["methanol", "hydrogen chloride"],
        "notes": [GLITCHES],
        "crs": "EPSG:32631",
        "inputs": [{"file": "flight_7.csv", "size_bytes": 123_456, "sha256": "5e" * 32}],
        "settings": settings,
        "files": ["flight.nc", "report.pdf", "summary.json"],
    }
    return summary | changed


def case_of(survey, posterior=None, *, summary=None, mission=True, **options):
    """A Case; with a mission of odd names unless told."""
    table = MissionTable(
        name=ODD_NAME,
        operator="J. de Boer; #image(1)",
        authority="Officier van justitie <script>",
        legal_basis="art. 3 Politiewet 2012",
        retention_days=90,
    )
    device = DeviceTable(driver="mcu_cobs", port="/dev/x", name="pid", calibration={"pid": 1.08})
    return Case(
        survey=survey,
        flight=flight_of(survey),
        posterior=posterior,
        summary=summary_like(survey, **(summary or {})),
        mission=Mission(mission=table, device=(device,)) if mission else None,
        **options,
    )


def with_sources(survey, count):
    """The survey with copies of its first source, side by side."""
    first = survey.hotspots[0]
    spots = []
    for k in range(count):
        east, north = 60.0 * (k % 5) - 100.0, 50.0 * (k // 5) - 60.0
        regions = {level: translate(one, east, north) for level, one in first.regions.items()}
        moved = {"east": first.east + east, "north": first.north + north, "regions": regions}
        spots.append(dataclasses.replace(first, rank=k + 1, **moved))
    return dataclasses.replace(survey, hotspots=tuple(spots))


def with_known(survey, count):
    """The survey with known emitters, one upwind of each source first, all found to emit."""
    places = [(spot.east, spot.north) for spot in survey.hotspots] or [(629_000.0, 5_804_000.0)]
    known = []
    for k in range(count):
        east, north = places[k % len(places)]
        emitter = KnownEmitter(
            name=f"Autospuiterij & schadeherstel Van der Meulen {k + 1} B.V.",
            kind="autoschadeherstelbedrijf",
            east=east - 12.0 - 5.0 * (k // len(places)),
            north=north - 12.0,
            rate=2e-4,
        )
        found = {"probability": 0.5 + 0.02 * k, "rate_g_s": 0.21, "share": 0.03}
        spread = {"rate_g_s_p05": 0.08, "rate_g_s_p95": 0.43}
        known.append(Known(emitter=emitter, kind="paint_shop", file="k.geojson", **found, **spread))
    sensor = Sensor(gas="acetone", family="pid", lamp_ev=10.6, is_named=False)
    explained = explain(survey.hotspots, known, survey.track, sensor=sensor)
    return dataclasses.replace(survey, known=tuple(known), explanations=explained)


def without_data(survey):
    """The survey had there been too few readings."""
    changed = {"verdict": INSUFFICIENT, "p_any_source": float("nan"), "hotspots": ()}
    return dataclasses.replace(survey, **changed)
