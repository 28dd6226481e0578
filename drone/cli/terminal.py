"""What people see: answers on stdout, warnings and progress on stderr."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any

import typer

from sensors.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Progress = Callable[[str, float], None]

__all__ = ["answer", "answer_json", "forget_unread", "is_terminal", "progress_bar", "warn"]


def answer(text: str) -> None:
    """Print an answer on stdout.

    Raises
    ------
    ConfigError
        What stdout goes to is full.
    """
    try:
        typer.echo(text)
    except BrokenPipeError:
        raise  # whoever read it has seen enough
    except OSError as error:
        forget_unread()  # or the program would try once more as it ends, and exit with 120
        raise ConfigError(f"standard output: cannot be written ({error.strerror})") from error


def forget_unread() -> None:
    """Drop what stdout still holds and will get: nobody can take it any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def answer_json(value: Any) -> None:
    """Print an answer for a program; a NaN in it is a bug and raises ValueError."""
    answer(json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False))


def warn(text: str) -> None:
    """Print a line on stderr."""
    typer.echo(text, err=True)


def is_terminal() -> bool:
    """Whether a person looks at stderr."""
    return sys.stderr.isatty()


@contextlib.contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Progress]:
    """A function that shows how far the work is: ``progress(what, share)``, share from 0 to 1.

    Nothing is shown unless stderr is a terminal, and the bar is gone when the work is done.
    """
    if quiet or not is_terminal():
        yield lambda _what, _share: None
        return
    from rich.console import Console  # noqa: PLC0415 - only a terminal pays for it
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn  # noqa: PLC0415

    columns = TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=1.0)
        yield lambda what, share: bar.update(task, description=what, completed=share)
