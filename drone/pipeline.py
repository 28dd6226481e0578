"""Bytes → records → Flight → Posterior and HotspotMap → files a person can act on."""

from __future__ import annotations

from concurrent.futures import BrokenExecutor, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from drone.analysis import (
    Analysis,
    corrected_flight,
    domain_of,
    observations_of,
    search_of,
    survey_of,
)
from drone.carried import with_what_files_state
from drone.channels import believable_channel
from drone.checks import checks_of
from drone.choices import ESTIMATORS
from drone.explained import beside_known
from drone.findings import fit_notes, summary_of
from drone.flights import apart, together
from drone.inputs import read_inputs
from drone.known import read_known
from drone.output import SUMMARY, check_output, output_folder
from drone.product_choices import REPORT, ProductChoices
from drone.products import (
    DATA,
    REPORT_FILE,
    case_of,
    draw,
    write_data,
    write_report,
    write_summary,
)
from sensors import plugins
from sensors.errors import SniffdroneError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from detection.source.observations import Observations
    from detection.source.search import Search
    from drone.choices import Choices
    from drone.products import Drawn

    Progress = Callable[[str, float], None]

__all__ = ["Surveyed", "analyse", "process_flight", "survey", "write_results"]


@dataclass(frozen=True, slots=True)
class Surveyed:
    """What flights show, and what is needed to check it.

    Attributes
    ----------
    analysis : Analysis
        Without checks, and what they would give to say.
    series : tuple of Observations
    search : Search or None
        None where there is no posterior.
    """

    analysis: Analysis
    series: tuple[Observations, ...]
    search: Search | None


def process_flight(
    paths: Sequence[Path],
    out: Path,
    *,
    choices: Choices,
    products: ProductChoices | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
    writer: Executor | None = None,
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
    writer : Executor, optional
        As in `write_results`.

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
    found = survey(paths, choices=choices, progress=progress)
    with output_folder(out, overwrite=overwrite) as folder:
        return write_results(found, folder, chosen=products, writer=writer)


def write_results(
    found: Surveyed,
    folder: Path,
    *,
    beside: Sequence[str] = (),
    chosen: ProductChoices | None = None,
    writer: Executor | None = None,
) -> dict[str, Any]:
    """Check a survey, and write all its files, most of them meanwhile; the summary comes last.

    Parameters
    ----------
    found : Surveyed
    folder : Path
        Exists.
    beside : sequence of str
        Names of files of ours that are in the folder already.
    chosen : ProductChoices, optional
        All products, the report in English, unless told.
    writer : Executor, optional
        Draws, and writes what is drawn; a thread of this process unless given, see
        `drone.writing_process`.

    Returns
    -------
    dict
        The content of ``summary.json``.

    Raises
    ------
    SniffdroneError
        The writer's process was ended from outside, or what is drawn on cannot be used.
    """
    chosen = chosen or ProductChoices()
    with ThreadPoolExecutor(max_workers=2) as threads:
        begun: list[Future[Any]] = []

        def begin(by: Executor | None, call: Callable[..., Any], *given: Any) -> Future[Any]:
            begun.append((by or threads).submit(call, *given))
            return begun[-1]

        try:
            drawing = begin(writer, draw, case_of(found.analysis, chosen), folder, chosen)
            data = begin(threads, write_data, found.analysis, folder)
            analysis = checked(found)
            drawn: Drawn = drawing.result()
            reports = (REPORT_FILE,) if chosen.wants(REPORT) else ()
            summary = summary_of(analysis, [*DATA, *beside, SUMMARY, *drawn.names, *reports])
            if reports:
                case = case_of(analysis, chosen, summary)
                begin(writer, write_report, case, folder, drawn.figures).result()
            data.result()
        except BrokenExecutor as error:
            raise SniffdroneError(
                "the process that draws was ended from outside, perhaps for want of memory; close "
                "other programs and run again"
            ) from error
        finally:
            wait(begun)  # nobody may write into a folder that is being removed
    write_summary(summary, folder)
    return summary


def analyse(
    paths: Sequence[Path], *, choices: Choices, progress: Progress | None = None
) -> Analysis:
    """All that can be said about the flights in some logs; nothing is written."""
    return checked(survey(paths, choices=choices, progress=progress))


def checked(found: Surveyed) -> Analysis:
    """A survey's analysis with its checks."""
    analysis = found.analysis
    if analysis.posterior is None or found.search is None:
        return analysis
    checks = checks_of(
        found.series,
        analysis.survey.domain,
        analysis.posterior,
        analysis.survey,
        found.search,
        seed=analysis.choices.seed,
    )
    said = fit_notes(analysis.posterior, checks, indicate_above=analysis.choices.indicate_above)
    notes = (*analysis.notes, *said)
    return replace(analysis, checks=checks, notes=notes)


def survey(
    paths: Sequence[Path], *, choices: Choices, progress: Progress | None = None
) -> Surveyed:
    """What the flights in some logs show, not checked yet."""
    tell = progress or (lambda _what, _share: None)
    inputs = read_inputs(paths, progress=lambda what, share: tell(what, 0.1 * share))
    choices, carried = with_what_files_state(choices, paths, inputs)
    corrected = [corrected_flight(one, choices) for one in apart(inputs)]
    flight, joined = together([one for one, _ in corrected])
    notes = (*(note for _, several in corrected for note in several), *joined)
    domain, placed = domain_of(flight, choices)
    channel, faults = believable_channel(flight, gas=choices.gas)
    is_alone = len(corrected) == 1
    seen = [
        observations_of(one, domain, channel, gas=choices.gas, may_stand_in=is_alone)
        for one, _ in corrected
    ]
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
        rates = posterior["rate"]  # several flights are judged by the same channel, factor 1
        posterior["rate"] = rates.copy(data=seen[0].rate_factor * rates.values)
    tell("drawing maps", 0.85)
    search = search_of(series, domain, posterior, choices)
    maps, map_notes = survey_of(
        flight, domain, seen, posterior, choices, search=search, known=known
    )
    analysis = Analysis(
        inputs=inputs,
        choices=choices,
        flight=flight,
        shortage=None if series else seen[0].shortage,
        posterior=posterior,
        survey=maps,
        notes=(
            *choices.notes,
            *inputs.notes,
            *carried,
            *notes,
            *faults,
            *(note for one in seen for note in one.notes),
            *known_notes,
            *told,
            *placed,
            *map_notes,
        ),
    )
    return Surveyed(analysis, tuple(series), search)
