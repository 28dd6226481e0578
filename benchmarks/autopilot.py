"""Gas logs without positions beside recorded autopilot logs, in simulated plumes."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pymavlink import mavutil
from pyproj import Geod

from benchmarks.running import results
from benchmarks.scoring import Score, judged
from drone.choices import Choices
from sensors.gases import pid_factor, resolve
from sims import instruments
from sims.flightpath import FlightPath
from sims.plume import Release, concentration
from sims.recording import write_gas_log
from sims.settings import Air, Pid, Scenario, Site, Turbulence, Wind
from sims.simulate import SimulatedFlight
from sims.site import geographic
from sims.turbulence import eddies, gusts
from sims.wind import wind_history

GAS = "acetone"
TRUE_WIND = Wind(
    speed_m_s=3.0,
    from_deg=240.0,
    direction_sd_deg=4.0,
    speed_sd=0.08,
    gradient_deg_100m=0.0,
)
RECEIVER_OFF_S = 10
_FLOWN = {"survey_a.tlog": "survey_a.tlog", "survey_a.BIN": "survey_a.tlog"}
_FLOWN["survey_b.tlog"] = "survey_b.tlog"
_RATE_HZ, _WIND_STEP_S, _LEAD_S = 10.0, 0.2, 200.0
_RATES_G_S = (0.3, 3.0)


@dataclass(frozen=True, slots=True)
class _Task:
    log: Path
    track: Path
    seed: int


def flights_beside_logs(folder: Path, each: int) -> dict[str, list[Score]]:
    """Scores by name of the autopilot log, of `each` worlds beside every log."""
    tasks = [
        _Task(folder / log, folder / track, 700_000 + seed)
        for seed in range(each)
        for log, track in _FLOWN.items()
    ]
    scores = results(
        "autopilot logs",
        _judged,
        tasks,
        told=lambda one: f"{one.name}: {one.verdict}, error {one.error_m:.0f} m",
    )
    return {
        log: [one for task, one in zip(tasks, scores, strict=True) if task.log.name == log]
        for log in _FLOWN
    }


def _judged(task: _Task) -> Score:
    flight = _flight_along(task.track, rng=np.random.default_rng(task.seed))
    with tempfile.TemporaryDirectory() as folder:
        gas, log = Path(folder) / "gas.csv", task.log
        write_gas_log(flight, gas)
        if log.suffix == ".tlog":
            log = Path(folder) / log.name
            log.write_bytes(_with_receiver_off(task.log.read_bytes(), RECEIVER_OFF_S))
        return judged(
            [gas, log],
            Choices(gas=GAS),
            flight.truth["sources"],
            name=f"{task.log.name} seed {task.seed}",
            peak_ppb=float(flight.gas_ppb.max()),
        )


def _with_receiver_off(octets: bytes, seconds: int) -> bytes:
    """The telemetry log as a receiver whose clock is off would have written it."""
    log, at = bytearray(octets), 0
    while at + 11 <= len(log):
        stamp = int.from_bytes(log[at : at + 8], "big") + seconds * 1_000_000
        log[at : at + 8] = stamp.to_bytes(8, "big")
        length, signed = log[at + 9], log[at + 8] == 0xFD and log[at + 10] & 1
        at += 8 + length + ((12 + 13 * signed) if log[at + 8] == 0xFD else 8)
    return bytes(log)


def _track(tlog: Path) -> tuple[np.ndarray, np.ndarray]:
    """UTC [ns] and latitude, longitude [deg], height [m], as pymavlink reads them."""
    log = mavutil.mavlink_connection(str(tlog))
    clocks, fixes = [], []
    while (message := log.recv_match(type=["SYSTEM_TIME", "GLOBAL_POSITION_INT"])) is not None:
        if message.get_type() == "SYSTEM_TIME":
            if message.time_unix_usec:
                clocks.append(message.time_unix_usec * 1000 - message.time_boot_ms * 1_000_000)
        elif message.lat:
            fixes.append(
                (
                    message.time_boot_ms,
                    message.lat * 1e-7,
                    message.lon * 1e-7,
                    max(message.relative_alt * 1e-3, 0.0),
                )
            )
    table = np.array(fixes)
    utc_ns = table[:, 0].astype(np.int64) * 1_000_000 + int(np.median(clocks))
    return utc_ns, table[:, 1:]


def _flight_along(tlog: Path, *, rng: np.random.Generator) -> SimulatedFlight:
    """What a gas logger would have written on that flight, a source somewhere on the site."""
    utc_ns, fixes = _track(tlog)
    site = Site(latitude=float(fixes[:, 0].mean()), longitude=float(fixes[:, 1].mean()))
    known_s = (utc_ns - utc_ns[0]) * 1e-9
    time_s = np.arange(int(known_s[-1] * _RATE_HZ)) / _RATE_HZ
    count = len(fixes)
    bearing, _, distance = Geod(ellps="WGS84").inv(
        np.full(count, site.longitude), np.full(count, site.latitude), fixes[:, 1], fixes[:, 0]
    )
    angle = np.deg2rad(bearing)
    east, north, height = (
        np.interp(time_s, known_s, values)
        for values in (distance * np.sin(angle), distance * np.cos(angle), fixes[:, 2])
    )
    place = np.array([rng.uniform(v.min(), v.max()) for v in (east, north)])
    release_m, rate_g_s = rng.uniform(0.0, 3.0), float(np.exp(rng.uniform(*np.log(_RATES_G_S))))
    gas_kg_m3 = _plume(
        np.stack((east, north, height), axis=1), (*place, release_m, 1e-3 * rate_g_s), rng=rng
    )
    air = instruments.air_history(Air(), time_s, rng=rng)
    gas_ppb = gas_kg_m3 * _ppb_per_kg_m3(air)
    temperature, humidity = instruments.measured_air(air, 1 / _RATE_HZ, rng=rng)
    reading = instruments.pid_reading(
        Pid(),
        gas_ppb,
        air,
        step_s=1 / _RATE_HZ,
        response=1.0 / (pid_factor(GAS) or 1.0),
        rng=rng,
    )
    latitude, longitude = geographic(site, place[:1], place[1:])
    source = {
        "latitude": float(latitude[0]),
        "longitude": float(longitude[0]),
        "rate_g_s": rate_g_s,
    }
    return SimulatedFlight(
        time_ns=utc_ns[0] + np.round(time_s * 1e9).astype(np.int64),
        columns={
            "temperature_c": temperature,
            "relative_humidity_pct": humidity,
            "pid_ppb": reading,
        },
        gas_ppb=gas_ppb,
        path=FlightPath(time_s=time_s, east=east, north=north, height=height),
        wind_east=np.full(time_s.size, np.nan),
        wind_north=np.full(time_s.size, np.nan),
        truth={"sources": [source]},
        scenario=Scenario(site=site, wind=TRUE_WIND),
    )


def _plume(
    places: np.ndarray, source: tuple[float, ...], *, rng: np.random.Generator
) -> np.ndarray:
    turbulence = Turbulence()
    wind = wind_history(
        TRUE_WIND,
        from_s=-_LEAD_S,
        to_s=len(places) / _RATE_HZ + _WIND_STEP_S,
        step_s=_WIND_STEP_S,
        rng=rng,
    )
    release = Release(
        places=np.array([source]),
        filaments_per_s=turbulence.filaments_per_s,
        sigma_m=turbulence.filament_sigma_m,
        growth_m2_s=turbulence.filament_growth_m2_s,
        limit_m=300.0,
        roughness_m=TRUE_WIND.roughness_m,
    )
    return concentration(
        places[:, np.newaxis, :],
        wind,
        rate_hz=_RATE_HZ,
        release=release,
        gusts=gusts(turbulence, TRUE_WIND),
        eddies=eddies(turbulence, TRUE_WIND, rng=rng),
        rng=rng,
    )[:, 0]


def _ppb_per_kg_m3(air: instruments.AirHistory) -> np.ndarray:
    kelvin = air.temperature_c + 273.15
    return 1e9 * 8.314462618 * kelvin / (101_325.0 * resolve(GAS).molar_mass_kg_mol)
