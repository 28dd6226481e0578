"""What a defence expert asks for: readings, instruments, weather, method, limits, fingerprints."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from mapping.captions import mean_wind
from mapping.report.detail import first_of
from mapping.report.remarks import in_language
from sensors.flight_contract import gas_channels
from sensors.units import unit_of

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from mapping.report.case import Case
    from mapping.report.detail import Detail

    FloatArray = NDArray[np.float64]

__all__ = ["instruments", "method", "people_unit", "readings", "trace", "weather"]

ZERO_CELSIUS_K = 273.15
IN_PLUME = 0.5
TIMES = "\N{MULTIPLICATION SIGN}"
MOST_OF = (0.05, 0.95)


def people_unit(udunits: str) -> str:
    """Unit as people write it.

    Examples
    --------
    >>> people_unit("1e-9"), people_unit("1")
    ('ppb', '1')
    """
    return udunits if udunits == "1" else unit_of(udunits).suffix.replace("_m3", "/m³")


def readings(case: Case) -> dict[str, Any]:
    """What the figure of readings along time shows, and what was taken away."""
    say, words = case.words.say, case.words
    flight, channel = case.flight, case.survey.channel
    texts = {
        "title": say("section_readings"),
        "alt": say("readings_alt", channel=channel),
        "intro": say("readings_intro", channel=channel),
    }
    if int(flight.attrs["background_removed"]):
        return {**texts, "text": say("readings_untouched")}
    corrected = flight[f"{channel}_corrected"].values
    baseline = flight[f"{channel}_baseline"].values
    if not (np.isfinite(corrected).any() and np.isfinite(baseline).any()):
        return {**texts, "text": ""}
    unit = people_unit(flight[f"{channel}_corrected"].attrs["units"])
    raw_unit = people_unit(flight[channel].attrs["units"])
    in_plume = flight[f"{channel}_plume"].values[np.isfinite(corrected)] > IN_PLUME
    text = say(
        "readings_removed",
        span=words.about(float(np.nanmax(baseline) - np.nanmin(baseline)), 3),
        raw_unit=raw_unit,
        unit=unit,
        peak=words.about(float(np.nanmax(corrected)), 3),
        noise=words.about(_noise(flight, channel)),
        share=words.number(100.0 * float(in_plume.mean()), 0),
    )
    return {**texts, "text": text}


def instruments(case: Case) -> dict[str, Any]:
    """Rows of the table of channels, and what is known of their calibration."""
    say = case.words.say
    columns = ("channel", "sensor", "reads", "noise", "valid", "role")
    given = [
        f"{device.name or device.driver}.{name} {TIMES} {case.words.exact(factor)}"
        for device in (case.mission.device if case.mission else ())
        for name, factor in sorted(device.calibration.items())
    ]
    return {
        "title": say("section_instruments"),
        "columns": [say(f"column_{name}") for name in columns],
        "rows": [_channel(case, name) for name in gas_channels(case.flight)],
        "lines": [
            say("calibration_given", factors=", ".join(given))
            if given
            else say("calibration_none"),
            say("calibration_response"),
        ],
    }


def _channel(case: Case, name: str) -> list[str]:
    words, flight = case.words, case.flight
    attrs = flight[name].attrs
    unit = people_unit(flight[f"{name}_corrected"].attrs["units"])
    usable = np.isfinite(flight[f"{name}_corrected"].values)
    noise = words.about(_noise(flight, name))
    family = words.named("family", attrs["sensor_family"])
    return [
        name,
        family + _device(case, name),
        f"{words.named('gas', attrs['reads_as'])} / {words.named('gas', attrs['gas'])}",
        noise if unit == "1" else f"{noise} {unit}",
        f"{words.number(int(usable.sum()), 0)} / {words.number(usable.size, 0)}",
        words.say("role_verdict" if name == case.survey.channel else "role_beside"),
    ]


def _noise(flight: xr.Dataset, channel: str) -> float:
    """Median noise of a channel; NaN if it is unknown throughout."""
    sigma = flight[f"{channel}_sigma"].values
    return float(np.nanmedian(sigma)) if np.isfinite(sigma).any() else math.nan


def _device(case: Case, channel: str) -> str:
    for device in case.mission.device if case.mission else ():
        if channel in {device.name, *device.channels} or channel.startswith(f"{device.name}_"):
            made_by = " ".join(part for part in (device.driver, device.model) if part)
            said = case.words.say("sensor_device", device=device.name, driver=made_by)
            return f", {said}"
    return ""


def weather(case: Case) -> dict[str, Any]:
    """Wind, air and heights of the flight, as pairs of a name and a value."""
    say, words, flight = case.words.say, case.words, case.flight
    told = case.summary["flight"]
    rows = [(say("weather_wind"), _wind(case))]
    columns = (
        ("air_temperature", "weather_temperature", "°C", 1.0, -ZERO_CELSIUS_K, 1),
        ("relative_humidity", "weather_humidity", "%", 100.0, 0.0, 0),
        ("air_pressure", "weather_pressure", "hPa", 0.01, 0.0, 0),
        ("height_above_ground", "weather_height", "m", 1.0, 0.0, 1),
    )
    for column, key, unit, factor, offset, decimals in columns:
        if column not in flight:
            continue
        values = flight[column].values.astype(np.float64) * factor + offset
        if np.isfinite(values).any():
            rows.append((say(key), f"{_range(case, values, decimals)} {unit}"))
    duration = say(
        "weather_duration_value",
        minutes=words.number(told["duration_s"] / 60.0, 1),
        readings=words.number(told["readings"], 0),
        placed=words.number(told["readings_with_position"], 0),
    )
    rows.append((say("weather_duration"), duration))
    if told["gaps"]:
        gaps = say(
            "weather_gaps_value", count=told["gaps"], seconds=words.number(told["gaps_s"], 0)
        )
        rows.append((say("weather_gaps"), gaps))
    return {"title": say("section_weather"), "rows": rows}


def _wind(case: Case) -> str:
    track, words = case.survey.track, case.words
    speed = np.hypot(track.eastward_wind, track.northward_wind)
    if not np.isfinite(speed).any():
        return words.say("weather_none")
    low, high = np.nanquantile(speed, MOST_OF)
    mean = mean_wind(track)
    values = {
        "speed": words.number(float(np.nanmean(speed)), 1),
        "low": words.number(float(low), 1),
        "high": words.number(float(high), 1),
        "source": words.named("wind_source", str(case.flight.attrs["wind_source"])),
    }
    if mean is None:
        return words.say("weather_wind_turning", **values)
    return words.say("weather_wind_value", from_deg=mean.from_deg, **values)


def _range(case: Case, values: FloatArray, decimals: int) -> str:
    low, high = (case.words.number(float(f(values)), decimals) for f in (np.nanmin, np.nanmax))
    return low if low == high else case.words.say("to", low=low, high=high)


def method(case: Case) -> dict[str, Any]:
    """How the result was found, and what limits it."""
    say, words = case.words.say, case.words
    lines = [say("method_drift"), say("method_inference")]
    if case.posterior is not None:
        attrs = case.posterior.attrs
        prior = float(str(attrs["prior"]).partition("any_source = ")[2].partition(",")[0] or "nan")
        lines.append(
            say(
                "method_result",
                estimator=attrs["estimator"],
                prior="\N{EN DASH}" if math.isnan(prior) else words.short_probability(prior),
                threshold=words.short_probability(case.survey.indicate_above),
            )
        )
        if "explained" in attrs and case.survey.told:
            share = words.number(100.0 * float(attrs["explained"]), 0)
            lines.append(say("method_fit", share=share))
    limits = ("gas", "wind", "time", "simulated", "dilution", "decision")
    return {
        "title": say("section_method"),
        "lines": lines,
        "limits_title": say("section_limits"),
        "limits": [say(f"limit_{name}") for name in limits],
    }


def trace(case: Case, detail: Detail) -> dict[str, Any]:
    """Software, settings, fingerprints of the inputs, and remarks."""
    say, summary = case.words.say, case.summary
    value = say(
        "trace_software_value",
        version=summary["sniffdrone_version"],
        seed=summary["settings"]["seed"],
    )
    remarks, more_remarks = first_of(summary["notes"], detail.remarks)
    notes, in_english = in_language(remarks, case.language)
    if not remarks:
        notes = [say("trace_notes_none")]
    inputs, more_inputs = first_of(summary["inputs"], detail.inputs)
    return {
        "title": say("section_trace"),
        "rows": [
            (say("trace_software"), value),
            (say("trace_settings"), "; ".join(_settings(case))),
            (say("trace_crs"), summary["crs"]),
        ],
        "inputs_title": say("trace_inputs"),
        "inputs": [
            [one["file"], f"{case.words.number(one['size_bytes'], 0)} B", one["sha256"]]
            for one in inputs
        ],
        "inputs_more": say("trace_more", count=more_inputs) if more_inputs else "",
        "notes_title": say("trace_notes"),
        "notes": notes,
        "english_title": say("trace_notes_english"),
        "english": in_english,
        "notes_more": say("trace_more", count=more_remarks) if more_remarks else "",
        "same": say("trace_same"),
        "files": say("trace_files", files=", ".join(summary["files"])),
    }


def _settings(case: Case) -> list[str]:
    say, words, chosen = case.words.say, case.words, case.summary["settings"]
    lines = [say("setting_gas", value=case.gas)]
    if chosen["offset_s"]:
        lines.append(say("setting_offset", value=words.number(chosen["offset_s"], 3)))
    if chosen["wind"] is not None:
        speed, from_deg = chosen["wind"]
        value = words.exact(speed)
        lines.append(say("setting_wind", value=value, from_deg=words.exact(from_deg)))
    if chosen["averaging_time_s"]:
        lines.append(say("setting_averaging", value=words.exact(chosen["averaging_time_s"])))
    if chosen["background_removed"]:
        lines.append(say("setting_background"))
    if chosen["area"] is not None:
        lines.append(say("setting_area", value=chosen["area"]))
    lines.append(say("setting_reference", value=words.exact(chosen["reference_rate_g_s"])))
    threshold = words.short_probability(chosen["indicate_above"])
    lines.append(say("setting_threshold", value=threshold))
    return lines
