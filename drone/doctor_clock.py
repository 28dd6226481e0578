"""The clocks: this computer's, the vehicle's UTC, and what lies between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drone.doctor_findings import Finding
from firmware_bridge.clock import UNKNOWN_SIGMA_S

if TYPE_CHECKING:
    from firmware_bridge.clock import BridgeClock

__all__ = ["judged_clock"]

FAR_S = 1.0


def judged_clock(clock: BridgeClock, now_ns: int, *, is_heard: bool) -> list[Finding]:
    """What UTC of the readings will be worth.

    Parameters
    ----------
    clock : BridgeClock
        After the autopilot was listened to.
    now_ns : int
        Of the monotonic clock.
    is_heard : bool
        Whether the autopilot was heard.
    """
    ours = clock.host.utc_of_monotonic(now_ns)
    is_synchronised = ours.sigma_s < UNKNOWN_SIGMA_S
    if not clock.vehicle.has_utc:
        why = "it has none yet: no GPS time" if is_heard else "it is not heard"
        return [
            _host(is_synchronised=is_synchronised, has_other=False),
            Finding(area="clock", subject="vehicle's UTC", state="not checked", found=why),
        ]
    theirs = clock.vehicle.utc_of_monotonic(now_ns)
    offset_s = (ours.time_ns - theirs.time_ns) * 1e-9
    figures: dict[str, float | str] = {
        "offset_s": round(offset_s, 4),
        "vehicle_sigma_s": round(theirs.sigma_s, 4),
    }
    found = (
        f"known within {theirs.sigma_s * 1e3:.0f} ms; this computer is "
        f"{abs(offset_s):.3f} s {'ahead' if offset_s > 0 else 'behind'}"
    )
    is_far = abs(offset_s) > FAR_S
    return [
        _host(is_synchronised=is_synchronised, has_other=True),
        Finding(
            area="clock",
            subject="vehicle's UTC",
            state="warning" if is_far else "ok",
            found=found,
            fix="readings take the surer of the two; set the wrong one (timedatectl, or wait for "
            "GPS time)"
            if is_far
            else "",
            figures=figures,
        ),
    ]


def _host(*, is_synchronised: bool, has_other: bool) -> Finding:
    if is_synchronised:
        return Finding(
            area="clock", subject="this computer", state="ok", found="follows a time server"
        )
    return Finding(
        area="clock",
        subject="this computer",
        state="ok" if has_other else "warning",
        found="follows no time server" + ("; the vehicle's UTC is used" if has_other else ""),
        fix=""
        if has_other
        else "wait for GPS time of the autopilot, or sudo timedatectl set-ntp true",
    )
