"""``sniffdrone simulate``: a flight through a world of which the truth is known."""
# ruff: noqa: PLC0415 - heavy imports happen inside the command, so that --help is quick

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drone.cli.options import Quiet, Seed
from drone.cli.terminal import answer, progress_bar

__all__ = ["EXAMPLES", "simulate"]

EXAMPLES = """\b
Examples:
  sniffdrone simulate -o flight.csv --truth truth.json --seed 7
  sniffdrone simulate my_scenario.toml -o flight.csv
  sniffdrone process flight.csv -o out
"""


def simulate(
    scenario: Annotated[
        Path | None,
        typer.Argument(
            help="Scenario as TOML; without one a random world is drawn.", readable=False
        ),
    ] = None,
    *,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Flight CSV to write.", show_default=True)
    ] = Path("flight.csv"),
    truth: Annotated[
        Path | None, typer.Option("--truth", help="Where to write the true sources, as JSON.")
    ] = None,
    gas_log: Annotated[
        Path | None,
        typer.Option("--gas-log", help="Also write the flight as a gas log without positions."),
    ] = None,
    seed: Seed = 0,
    quiet: Quiet = False,
) -> None:
    """Write a simulated flight, and the truth about it."""
    import numpy as np

    from drone.output import output_file
    from sims import recording
    from sims.scenario import draw_scenario, load_scenario
    from sims.simulate import simulate as simulated_flight

    rng = np.random.default_rng(seed)
    world = draw_scenario(rng) if scenario is None else load_scenario(scenario)
    with progress_bar(quiet=quiet) as progress:
        progress("flying", 0.1)
        flight = simulated_flight(world, rng=rng)
        progress("writing", 0.9)
        writers = (
            (output, recording.write_flight_csv),
            (truth, recording.write_truth),
            (gas_log, recording.write_gas_log),
        )
        for path, write in writers:
            if path is not None:
                with output_file(path) as partial:
                    write(flight, partial)
    if not quiet:
        count = len(flight.truth["sources"])
        answer(
            f"{output}: {flight.time_ns.size} readings of {world.gas}, "
            f"{count} {'source' if count == 1 else 'sources'}, "
            f"at most {flight.truth['peak_ppb']:.0f} ppb"
        )
