"""Where the words of steps go: Dagster's event log, and the terminal of a command without Dagster's own events."""

import logging
import re
from collections.abc import Callable

from dagster import InitLoggerContext, LoggerDefinition, colored_console_logger, json_console_logger, logger

from cic_assets.config.environment import Environment

_LEFT_OUT = re.compile(r"Dependencies for step \S+ (failed|were not executed): .* Not executing\.")
"""Dagster's words for a step after one that failed, which is told with its reason."""

LINES = "lines"
"""Name of the logger that commands choose in their run config."""


def forward_lines(target: Callable[[str], None]) -> None:
    """Where the lines of runs in this process go from now on."""
    _ForwardingHandler.target = target


class _ForwardingHandler(logging.Handler):
    """Hands what steps log on to the terminal; Dagster's own events stay in its event log."""

    # Dagster makes loggers itself, from their definitions: there is no instance that a command could reach.
    target: Callable[[str], None] = staticmethod(lambda _line: None)

    def emit(self, record: logging.LogRecord) -> None:
        meta = getattr(record, "dagster_meta", None) or {}
        said = str(meta.get("orig_message", record.getMessage()))
        if meta.get("dagster_event") is None and not _LEFT_OUT.fullmatch(said):
            type(self).target(said)


@logger
def lines_logger(_context: InitLoggerContext) -> logging.Logger:
    """What steps say, without Dagster's own events; for the command line."""
    lines = logging.getLogger("cic_assets.lines")
    lines.setLevel(logging.INFO)
    lines.propagate = False
    lines.handlers = [_ForwardingHandler()]
    return lines


def loggers_of(environment: Environment) -> dict[str, LoggerDefinition]:
    """What every job knows; runs from the UI use the console."""
    console = json_console_logger if environment.logs == "json" else colored_console_logger
    return {"console": console, LINES: lines_logger}
