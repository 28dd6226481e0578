"""Mission files of virtual devices, for tests of what runs before and in a flight."""

from __future__ import annotations

from tests.speaking_vehicle import free_port

DUST = {
    "kind": "pm",
    "raw": dict.fromkeys(
        ("pm1_cf1", "pm2_5_cf1", "pm10_cf1", "pm1_atm", "pm2_5_atm", "pm10_atm"), 8
    )
    | dict.fromkeys(("n0_3", "n0_5", "n1_0", "n2_5", "n5_0", "n10"), 40),
}


def write_mission(
    folder, *devices, head='name = "harbour"\nauthority = "city"\n', more="", port=None
):
    """Path of a mission file; `devices` are (name, driver), each on a port of its name."""
    text = f'[mission]\n{head}\n[autopilot]\nlink = "udp:127.0.0.1:{port or free_port()}"\n'
    for name, driver in devices:
        text += f'[[device]]\nname = "{name}"\ndriver = "{driver}"\n'
        text += f'port = "{folder / name}"\n'
    path = folder / "mission.toml"
    path.write_text(text + more)
    return path
