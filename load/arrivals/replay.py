"""Recorded arrivals: a file of timestamps, one a line, as seconds or as dates."""

from datetime import UTC, datetime
from pathlib import Path

from conformance.target import ConfigError


def read_offsets(path: Path) -> tuple[float, ...]:
    """The times of a file, in seconds from its earliest one, in order.

    A line is a number of seconds or an ISO date and time, or CSV with that in its first column; empty lines, lines with
    # and a heading in the first line are passed over. Raises ConfigError.
    """
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--arrivals replay:{path}: it can't be read ({getattr(error, 'strerror', error)})") from None
    found: list[float] = []
    for number, line in enumerate(lines, start=1):
        field = line.split(",")[0].strip().strip('"')
        if not field or field.startswith("#"):
            continue
        moment = _moment(field)
        if moment is None and number > 1:
            raise ConfigError(f"--arrivals replay:{path}: line {number} has no time in seconds and no date: {field!r}")
        if moment is not None:
            found.append(moment)
    if not found:
        raise ConfigError(f"--arrivals replay:{path}: it holds no times")
    earliest = min(found)
    return tuple(sorted(moment - earliest for moment in found))


def _moment(field: str) -> float | None:
    try:
        moment = float(field)
        return moment if abs(moment) < float("inf") else None
    except ValueError:
        pass
    try:
        date = datetime.fromisoformat(field)
    except ValueError:
        return None
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
