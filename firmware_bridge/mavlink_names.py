"""Names for the numbers MAVLink enumerates, where a person reads them."""

__all__ = ["AUTOPILOTS", "ORIENTATIONS", "RELEASES", "VEHICLES"]

VEHICLES = {
    0: "generic", 1: "fixed_wing", 2: "quadrotor", 3: "coaxial", 4: "helicopter", 5: "tracker",
    6: "ground_station", 10: "rover", 11: "boat", 12: "submarine", 13: "hexarotor",
    14: "octorotor", 15: "tricopter", 18: "onboard_controller", 19: "vtol_tailsitter",
    20: "vtol_quadrotor", 21: "vtol_tiltrotor", 26: "gimbal", 27: "adsb", 29: "dodecarotor",
    35: "decarotor",
}  # fmt: skip
AUTOPILOTS = {0: "generic", 3: "ardupilot", 8: "invalid", 12: "px4"}
ORIENTATIONS = {0: "forward", 2: "right", 4: "backward", 6: "left", 24: "up", 25: "down"}
RELEASES = {0: "dev", 64: "alpha", 128: "beta", 192: "rc", 255: ""}
