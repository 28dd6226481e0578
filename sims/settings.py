"""What a simulated world is made of: one frozen dataclass per table of a scenario file."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = [
    "Air",
    "Anemometer",
    "Mox",
    "Pid",
    "Receiver",
    "Scenario",
    "Site",
    "Source",
    "Survey",
    "Turbulence",
    "Wake",
    "Wind",
]


@dataclass(frozen=True, kw_only=True)
class Site:
    """Where and when: the origin of all east and north coordinates, and the flight's start."""

    latitude: float = 52.1
    longitude: float = 5.1
    altitude_amsl_m: float = 12.0
    start: str = "2026-05-12T09:00:00Z"


@dataclass(frozen=True, kw_only=True)
class Source:
    """A release at a point, steady and for ever unless told otherwise.

    It may begin and end, be on and off by turns (on at `phase_s`), and move evenly; its place
    is that at the flight's start, its rate that while it is on. Times count from the start.
    """

    east_m: float
    north_m: float
    height_m: float = 0.5
    rate_g_s: float = 1.0
    begins_s: float | None = None
    ends_s: float | None = None
    on_s: float = 60.0
    off_s: float = 0.0
    phase_s: float = 0.0
    eastward_m_s: float = 0.0
    northward_m_s: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Wind:
    """The wind without its turbulence, at 10 m above ground.

    Direction and the logarithm of speed wander as Ornstein-Uhlenbeck processes;
    `gradient_deg_100m` is how much the direction differs over 100 m of site, on average.
    """

    speed_m_s: float = 3.5
    from_deg: float = 240.0
    roughness_m: float = 0.05
    direction_sd_deg: float = 10.0
    direction_time_s: float = 120.0
    speed_sd: float = 0.15
    speed_time_s: float = 90.0
    gradient_deg_100m: float = 2.0
    gradient_time_s: float = 300.0


@dataclass(frozen=True, kw_only=True)
class Wake:
    """A place where something stands in the wind: it turns to the right there, and slows.

    `speed` is the factor on the wind's speed in the middle; both fade as a Gaussian of
    `radius_m`. It is the same at all heights and adds no turbulence.
    """

    east_m: float
    north_m: float
    radius_m: float = 25.0
    turn_deg: float = 0.0
    speed: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Turbulence:
    """Gusts and filaments.

    `kind` "ou" gives each filament its own velocity, "fourier" moves filaments together in
    eddies. `intensity` multiplies the neutral ratios of velocity deviations to friction
    velocity, `time_scale` the neutral Lagrangian time scales. `share` is the part of the
    velocity variance that is in eddies when `kind` is "fourier".
    """

    kind: str = "ou"
    intensity: float = 1.0
    time_scale: float = 1.0
    share: float = 0.7
    filaments_per_s: float = 10.0
    filament_sigma_m: float = 0.4
    filament_growth_m2_s: float = 0.1


@dataclass(frozen=True, kw_only=True)
class Survey:
    """A lawnmower flight over a square about a place, by default the site's origin.

    `lines` flies that many lines about the middle instead of as many as fill the square;
    `passes` flies the whole pattern again, backwards and forwards by turns.
    """

    size_m: float = 240.0
    spacing_m: float = 20.0
    height_m: float = 10.0
    speed_m_s: float = 5.0
    line_deg: float = 0.0
    rate_hz: float = 10.0
    on_ground_s: float = 5.0
    east_m: float = 0.0
    north_m: float = 0.0
    lines: int | None = None
    passes: int = 1


@dataclass(frozen=True, kw_only=True)
class Air:
    """Temperature and humidity, their trends and a front that may pass."""

    temperature_c: float = 16.0
    temperature_trend_c_h: float = 1.0
    relative_humidity_pct: float = 60.0
    humidity_trend_pct_h: float = -4.0
    front_at_s: float = 0.0
    front_width_s: float = 8.0
    front_humidity_pct: float = 0.0
    front_temperature_c: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Pid:
    """A photo-ionisation detector; baseline and noise in ppb of isobutylene.

    `response_factor` is the true mole fraction of the gas over the reading; None takes the
    gas table's, of which makers differ by tens of per cent. From `stuck_from_s` on it repeats
    what it said then; it never says more than `ceiling_ppb`.
    """

    response_factor: float | None = None

    rise_s: float = 2.5
    decay_s: float = 3.0
    gain: float = 1.0
    noise_ppb: float = 4.0
    offset_ppb: float = 60.0
    drift_ppb_sqrt_s: float = 0.2
    warm_up_ppb: float = 60.0
    warm_up_s: float = 90.0
    humidity_ppb_pct: float = 0.8
    temperature_ppb_c: float = 2.0
    quench_per_pct: float = 0.003
    resolution_ppb: float = 1.0
    stuck_from_s: float | None = None
    ceiling_ppb: float | None = None


@dataclass(frozen=True, kw_only=True)
class Mox:
    """A metal-oxide element: ``R = R0 (1 + C / C0) ** -exponent``, slow to rise and slower back.

    From `stuck_from_s` on it repeats what it said then.
    """

    name: str = "TGS2620"
    rise_s: float = 2.96
    decay_s: float = 15.71
    clean_air_ohm: float = 40_000.0
    threshold_ppb: float = 300.0
    exponent: float = 0.6
    noise: float = 0.003
    drift_sqrt_s: float = 0.0005
    humidity_per_pct: float = -0.004
    temperature_per_c: float = -0.012
    stuck_from_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Anemometer:
    """A wind sensor on the drone.

    From `stuck_from_s` on it repeats what it said then, from `silent_from_s` on it says nothing.
    Mounted the wrong way round, its `bias_deg` is 180.
    """

    rate_hz: float = 4.0
    noise_m_s: float = 0.25
    bias_deg: float = 2.0
    gain: float = 1.0
    stuck_from_s: float | None = None
    silent_from_s: float | None = None


@dataclass(frozen=True, kw_only=True)
class Receiver:
    """The navigation receiver: a slowly wandering error and a white one."""

    wander_m: float = 0.6
    wander_s: float = 60.0
    noise_m: float = 0.05


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """A whole world: everything `sims.simulate.simulate` needs but the random numbers.

    `gas_efficiency` is the part of the undisturbed concentration that reaches the inlet
    through the rotors' wash. Gas, temperature and humidity are on one logger, whose clock is
    `gas_clock_s` ahead: what happens at a time is written down as that much later.
    """

    name: str = "unnamed"
    kind: str = "single"
    gas: str = "acetone"
    gas_efficiency: float = 1.0
    gas_clock_s: float = 0.0
    site: Site = field(default_factory=Site)
    source: tuple[Source, ...] = ()
    wind: Wind = field(default_factory=Wind)
    wake: tuple[Wake, ...] = ()
    turbulence: Turbulence = field(default_factory=Turbulence)
    survey: Survey = field(default_factory=Survey)
    air: Air = field(default_factory=Air)
    pid: Pid = field(default_factory=Pid)
    mox: tuple[Mox, ...] = ()
    anemometer: Anemometer = field(default_factory=Anemometer)
    receiver: Receiver = field(default_factory=Receiver)
