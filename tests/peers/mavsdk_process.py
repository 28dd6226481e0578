"""What MAVSDK 3 shows a client of the vehicle and of the bridge, as lines of JSON.

A process of its own: gRPC's asyncio side is one for a whole process, and a second event loop
in it may wait for ever for what the first was told.

    python mavsdk_process.py GRPC_PORT [vehicle]
"""

from __future__ import annotations

import asyncio
import json
import sys

import mavsdk

OURS = (1, 191)


async def main(grpc, *, only_vehicle):
    client = mavsdk.System(mavsdk_server_address="127.0.0.1", port=grpc)
    await client.connect()
    tell(step="server")
    await first(client.core.connection_state(), lambda state: state.is_connected)
    tell(step="vehicle")
    await client.telemetry.set_rate_position(5.0)
    seen = {"latitude": (await first(client.telemetry.position())).latitude_deg}
    if not only_vehicle:
        tell(step="position")
        told = await first(client.telemetry.status_text(), lambda told: told.text == "pid lost")
        seen["text"] = told.text
        for name in ("HEARTBEAT", "NAMED_VALUE_FLOAT", "TUNNEL"):
            tell(step=name)
            told = await first(client.mavlink_direct.message(name), is_ours)
            seen[name] = json.loads(told.fields_json)
    tell(step="done", seen=seen)


def tell(**line):
    print(json.dumps(line), flush=True)  # noqa: T201


async def first(stream, is_wanted=lambda _: True):
    return await anext(one async for one in stream if is_wanted(one))


def is_ours(message):
    return (message.system_id, message.component_id) == OURS


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), only_vehicle="vehicle" in sys.argv[2:]))
