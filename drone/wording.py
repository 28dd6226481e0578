"""What a summary says to people: a few lines on a terminal, never more than it knows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

__all__ = ["duration", "lines_of", "place", "probability"]

_SHOWN_GASES = 6
_SHOWN_EMITTERS = 3
_FIRST_TO_OPEN = ("report.pdf", "quicklook.png", "sources.geojson")


def lines_of(summary: Mapping[str, Any], out: Path) -> list[str]:
    """Lines a person reads after ``process``.

    Parameters
    ----------
    summary : mapping
        As `summary.json` holds it.
    out : Path
        Where the results are.

    Returns
    -------
    list of str
    """
    lines = [f"flight    {_flight(summary['flight'], summary['channel'])}"]
    if summary["verdict"] == "source indicated":
        lines += [_source(source) for source in summary["sources"]]
    else:
        lines.append(f"verdict   {_without_source(summary)}")
    lines += [f"known     {_known(one)}" for one in _seen(summary["known_emitters"])]
    if summary["searched"] is not None:
        lines.append(f"searched  {_searched(summary['searched'])}")
    if summary["verdict"] == "nothing indicated":
        lines.append(f"unsmelt   {_unsmelt(summary['could_not_have_smelt'])}")
    first = [name for name in _FIRST_TO_OPEN if name in summary["files"]] or ["summary.json"]
    more = len(summary["files"]) - len(first)
    label = {
        "source indicated": "indication, confirm by sampling",
        "nothing indicated": "results",
        "insufficient data": "what there is",
    }[summary["verdict"]]
    shown = ", ".join(str(out / name) for name in first)
    return [*lines, f"{label}: {shown} and {more} more"]


def duration(seconds: float) -> str:
    """Time span in the unit that fits.

    Examples
    --------
    >>> duration(41.2), duration(840.0), duration(7260.0)
    ('41 s', '14 min', '2 h 1 min')
    """
    if seconds < 120.0:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60.0)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def place(latitude: float, longitude: float) -> str:
    """Position in degrees and hemispheres, to a metre.

    Examples
    --------
    >>> place(52.370121, -4.895211)
    '52.37012 N 4.89521 W'
    """
    north = "N" if latitude >= 0 else "S"
    east = "E" if longitude >= 0 else "W"
    return f"{abs(latitude):.5f} {north} {abs(longitude):.5f} {east}"


def probability(share: float) -> str:
    """Probability to two digits that is never written as certainty.

    Examples
    --------
    >>> probability(0.94), probability(0.9999), probability(0.001)
    ('0.94', '> 0.99', '< 0.01')
    """
    if share > 0.99:
        return "> 0.99"
    return "< 0.01" if share < 0.01 else f"{share:.2f}"


def _flight(flight: Mapping[str, Any], channel: str) -> str:
    said = [duration(flight["duration_s"]), f"{flight['readings']} readings of {channel}"]
    if flight["wind_speed_m_s"] is None:
        said.append("no wind")
    else:
        from_deg = flight["wind_from_deg"]
        towards = "" if from_deg is None else f" from {from_deg:.0f}°"
        said.append(f"wind {flight['wind_speed_m_s']:.1f} m/s{towards} ({flight['wind_source']})")
    if flight["gaps"]:
        plural = "gap" if flight["gaps"] == 1 else "gaps"
        said.append(f"{flight['gaps']} {plural} ({duration(flight['gaps_s'])})")
    return ", ".join(said)


def _source(source: Mapping[str, Any]) -> str:
    return (
        f"source {source['rank']}  p {probability(source['probability'])}   "
        f"{place(source['latitude'], source['longitude'])}   "
        f"within {source['radius_50_m']:.0f} m (50 %), {source['radius_90_m']:.0f} m (90 %)   "
        f"{source['rate_g_s']:.2g} g/s "
        f"(90 %: {source['rate_g_s_p05']:.2g} to {source['rate_g_s_p95']:.2g})"
    )


def _seen(known: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The known emitters the flight can tell something of, those with most of the gas first."""
    seen = [one for one in known if one["probability"] is not None]
    return sorted(seen, key=lambda one: -one["share_of_gas"])[:_SHOWN_EMITTERS]


def _known(one: Mapping[str, Any]) -> str:
    said = f"{one['name']}: p {probability(one['probability'])} that it emitted"
    if one["rate_g_s"] is None or one["probability"] < 0.5:
        return said
    return (
        f"{said}, {one['rate_g_s']:.2g} g/s (90 %: {one['rate_g_s_p05']:.2g} to "
        f"{one['rate_g_s_p95']:.2g}), about {100 * min(one['share_of_gas'], 1.0):.0f} % of the gas"
    )


def _without_source(summary: Mapping[str, Any]) -> str:
    if summary["verdict"] == "insufficient data":
        return f"insufficient data: {summary['reason']}"
    return f"nothing indicated (probability of any source {probability(summary['p_any_source'])})"


def _searched(searched: Mapping[str, Any]) -> str:
    return (
        f"{searched['would_have_shown_ha']:.1f} ha would have shown "
        f"{searched['reference_rate_g_s']:g} g/s; {searched['perhaps_ha']:.1f} ha perhaps; "
        f"{searched['not_searched_ha']:.1f} ha not searched"
    )


def _unsmelt(gases: list[str]) -> str:
    if not gases:
        return "no gas of the table is beyond these sensors"
    shown = ", ".join(gases[:_SHOWN_GASES])
    more = len(gases) - _SHOWN_GASES
    tail = f" and {more} more (summary.json)" if more > 0 else ""
    return f"these sensors could not have smelt {shown}{tail}"
