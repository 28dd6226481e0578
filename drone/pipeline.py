"""Bytes → records → Flight → Posterior and HotspotMap → files a person can act on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drone.analysis import Analysis, corrected_flight, domain_of, observations_of, survey_of
from drone.carried import with_what_files_state
from drone.channels import believable_channel
from drone.checks import checks_of
from drone.choices import ESTIMATORS
from drone.explained import beside_known
from drone.findings import fit_notes
from drone.flights import apart, together
from drone.inputs import read_inputs
from drone.known import read_known
from drone.output import check_output, output_folder
from drone.products import write_products
from sensors import plugins

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from drone.choices import Choices
    from drone.product_choices import ProductChoices

    Progress = Callable[[str, float], None]

__all__ = ["analyse", "process_flight"]


def process_flight(
    paths: Sequence[Path],
    out: Path,
    *,
    choices: Choices,
    products: ProductChoices | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Turn the logs of one or more flights over one area into a folder of results.

    Parameters
    ----------
    paths : sequence of Path
        All files of the flights, which are told apart by their times.
    out : Path
        Appears when all in it is written.
    choices : Choices
    products : ProductChoices, optional
        All of them unless told.
    overwrite : bool
        Replace earlier results in `out`.
    progress : callable, optional
        Called with what is done and the share of it, 0 to 1.

    Returns
    -------
    dict
        As in ``summary.json``.

    Raises
    ------
    SniffdroneError
        The files, the settings or the place of the results are at fault.
    """
    check_output(out, overwrite=overwrite)
    analysis = analyse(paths, choices=choices, progress=progress)
    with output_folder(out, overwrite=overwrite) as folder:
        return write_products(analysis, folder, chosen=products)


def analyse(
    paths: Sequence[Path], *, choices: Choices, progress: Progress | None = None
) -> Analysis:
    """All that can be said about the flights in some logs; nothing is written."""
    tell = progress or (lambda _what, _share: None)
    inputs = read_inputs(paths, progress=lambda what, share: tell(what, 0.1 * share))
    choices, carried = with_what_files_state(choices, paths, inputs)
    corrected = [corrected_flight(one, choices) for one in apart(inputs)]
    flight, joined = together([one for one, _ in corrected])
    notes = (*(note for _, several in corrected for note in several), *joined)
    domain, placed = domain_of(flight, choices)
    channel, faults = believable_channel(flight, gas=choices.gas)
    seen = [observations_of(one, domain, channel, gas=choices.gas) for one, _ in corrected]
    known, known_notes = read_known(choices.known, domain, gas=flight[channel].attrs["gas"])
    seen, known, told = beside_known(seen, known, domain, seed=choices.seed)
    seen.sort(key=lambda one: one.observations is None)  # those with something to say first
    series = [one.observations for one in seen if one.observations is not None]
    posterior = None
    if series:
        estimator = plugins.load(ESTIMATORS, choices.estimator)
        posterior = estimator.infer(
            series,
            domain.bounds,
            rng=np.random.default_rng(choices.seed),
            progress=lambda share: tell("seeking sources", 0.2 + 0.6 * share),
        ).assign_attrs(crs_wkt=domain.crs.to_wkt())
    tell("drawing maps", 0.85)
    survey, map_notes = survey_of(flight, domain, seen, posterior, choices, known)
    checks = None
    if posterior is not None:
        checks = checks_of(series, domain, posterior, survey, seed=choices.seed)
    return Analysis(
        inputs=inputs,
        choices=choices,
        flight=flight,
        shortage=None if series else seen[0].shortage,
        posterior=posterior,
        survey=survey,
        notes=(
            *choices.notes,
            *inputs.notes,
            *carried,
            *notes,
            *faults,
            *known_notes,
            *told,
            *placed,
            *fit_notes(posterior, checks),
            *map_notes,
        ),
        checks=checks,
    )
