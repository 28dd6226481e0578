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
    async for state in client.core.connection_state():
        if state.is_connected:
            break
    tell(step="vehicle")
    await client.telemetry.set_rate_position(5.0)
    seen = {"latitude": await latitude(client)}
    if not only_vehicle:
        tell(step="position")
        seen["text"] = await text(client)
        for name in ("HEARTBEAT", "NAMED_VALUE_FLOAT", "TUNNEL"):
            tell(step=name)
            seen[name] = await message(client, name)
    tell(step="done", seen=seen)


def tell(**line):
    print(json.dumps(line), flush=True)


async def latitude(client):
    async for position in client.telemetry.position():
        return position.latitude_deg


async def text(client):
    async for told in client.telemetry.status_text():
        if told.text == "pid lost":
            return told.text


async def message(client, name):
    """The fields of a message of the bridge's."""
    async for told in client.mavlink_direct.message(name):
        if (told.system_id, told.component_id) == OURS:
            return json.loads(told.fields_json)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), only_vehicle="vehicle" in sys.argv[2:]))
