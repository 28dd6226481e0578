"""The bridge as a process of its own: sends readings, prints what it knows of the vehicle."""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path

from firmware_bridge.clock import BridgeClock
from firmware_bridge.mavlink import Autopilot
from firmware_bridge.tunnel import Batch, Channel
from sensors.config import AutopilotTable


def main(link, key):
    records, events, last = Counter(), [], None
    table = AutopilotTable(link=link, signing_key=key)
    with Autopilot(table, clock=BridgeClock(), folder=Path()) as autopilot:
        number, told_s, text_s = 0, 0.0, 0.0
        while True:
            autopilot.wait(0.02)
            for record in autopilot.step():
                records[type(record).__name__] += 1
                if hasattr(record, "kind"):
                    events.append(f"{record.kind} {record.text}")
                elif hasattr(record, "latitude"):
                    last = record
            if time.monotonic() - text_s > 6.0:  # again, for those that come later
                text_s = time.monotonic()
                autopilot.telemetry.text("pid lost")
            now_ns = time.monotonic_ns()
            boot_ms = autopilot.vehicle.boot_ms(now_ns)
            if boot_ms is not None:
                number += 1
                autopilot.telemetry.value("CH4_PPM", 2.125, boot_ms=boot_ms, now_ns=now_ns)
                channel = Channel(index=0, species=1, unit=1, value=2.125, sigma=0.0625)
                batch = Batch(device=16, sequence=number, time_us=boot_ms, channels=(channel,))
                autopilot.telemetry.batch(batch, now_ns=now_ns)
            if time.monotonic() - told_s > 0.2:
                told_s = time.monotonic()
                late_s = (time.time_ns() - last.time_ns) / 1e9 if last else None
                told = {
                    "records": records,
                    "events": events,
                    "late_s": late_s,
                    "sigma_s": last.time_sigma_s if last else None,
                    "position": [last.latitude, last.longitude] if last else None,
                    "counters": autopilot.counters(),
                    "refused": autopilot.vehicle.rates.refused,
                }
                print(json.dumps(told), flush=True)  # noqa: T201


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
