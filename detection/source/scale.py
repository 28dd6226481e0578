"""How much gas an uncalibrated series met, told by a calibrated one that hardly saw it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from detection.signal.deconvolution import apply_lag

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from detection.source.observations import Observations

    FloatArray = NDArray[np.float64]

__all__ = ["Scale", "lagged_like", "scale_beside"]

BRIGHT = 4.0  # noises above which the uncalibrated series tells that there is gas
FEWEST_BRIGHT = 10  # readings
CORRELATED_S = 5.0  # readings closer than this count as one
LIKENESS = 0.3  # of the two in the same gas, as a share: laws and lags are not quite known
ABSORBED = 0.7  # noises of a reading by which a baseline may have followed gas this faint
PRIOR_WIDTHS = 4.0  # standard deviations of the gain that are looked at


class Scale(NamedTuple):
    """Gas met over gas read, of an uncalibrated series: median, and deviation of its logarithm."""

    factor: float
    log_sd: float


def lagged_like(
    calibrated: Observations, time_s: FloatArray, response_s: tuple[float, float]
) -> FloatArray:
    """What a calibrated series would read if it were as slow as another sensor.

    Parameters
    ----------
    calibrated : Observations
    time_s : ndarray, shape (n,)
        Ascending [s].
    response_s : tuple of float
        Rise and decay time constants of the other sensor [s].

    Returns
    -------
    ndarray, shape (n,)
        [kg m-3]; NaN before its first reading and after its last.
    """
    gas = np.interp(time_s, calibrated.time_s, calibrated.concentration, left=np.nan, right=np.nan)
    # behind a quick sensor a slow one is as far behind as their time constants differ
    further = [
        max(slow - fast, 0.0) for slow, fast in zip(response_s, calibrated.response_s, strict=True)
    ]
    lagged = apply_lag(time_s, gas, rise_s=further[0], decay_s=further[1])
    return np.where(np.isfinite(gas), lagged, np.nan)


def scale_beside(series: Observations, calibrated: Observations) -> Scale | None:
    """Scale of an uncalibrated series from a calibrated one of the same flight.

    Parameters
    ----------
    series : Observations
        Its `gain_log_sd` is what is believed before.
    calibrated : Observations
        Of a sensor at least as quick.

    Returns
    -------
    Scale or None
        None where it cannot be told: the series hardly stands out, the other was not there, or
        it is the slower one.

    Notes
    -----
    A matched filter: the series says when there is gas, so the calibrated one can tell how much
    though no single reading of it stands out. Log-normal prior of width `gain_log_sd`; errors
    are the calibrated series' noise over the same lag, what its baseline may have taken for
    drift (`ABSORBED`), and `LIKENESS` of what is compared.
    """
    if calibrated.response_s[0] > series.response_s[0]:
        return None
    beside = lagged_like(calibrated, series.time_s, series.response_s)
    known = np.isfinite(beside)
    bright = known & (series.concentration > BRIGHT * series.sigma)
    quiet = known & (series.concentration < series.sigma)
    if bright.sum() < FEWEST_BRIGHT or quiet.sum() < FEWEST_BRIGHT:
        return None
    # a lag that is slower to fall lifts noise above zero
    level = float(np.median(beside[quiet]))
    noise = float(np.std(beside[quiet]))
    read, met = series.concentration[bright], beside[bright] - level
    power = float(read @ read)
    step_s = float(np.median(np.diff(series.time_s)))
    ratio = float(read @ met) / power
    error = np.hypot(
        noise / np.sqrt(min(1.0, step_s / CORRELATED_S) * power),
        ABSORBED * float(np.median(calibrated.sigma)) * float(read.sum()) / power,
    )
    width = series.gain_log_sd
    logs = np.linspace(-PRIOR_WIDTHS * width, PRIOR_WIDTHS * width, 401)
    spread = np.hypot(error, LIKENESS * max(ratio, 0.0))
    weight = -0.5 * ((ratio - np.exp(logs)) / spread) ** 2 - 0.5 * (logs / width) ** 2
    share = np.exp(weight - weight.max())
    share /= share.sum()
    mean = float(share @ logs)
    return Scale(float(np.exp(mean)), float(np.sqrt(share @ (logs - mean) ** 2)))
