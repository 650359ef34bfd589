"""When requests are to be sent: rates over time, and the arrival times made of them. Pure; nothing here waits."""

import math
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from conformance.target import ConfigError
from load.arrivals.replay import read_offsets
from load.spans import seconds

KINDS = ("closed", "constant", "poisson", "ramp", "spike", "step", "replay")
MAX_RATE = 1e6
SPACINGS = ("even", "poisson")
HELP = (
    "when requests start: closed (each user waits for its answer), or open, whatever the earlier ones do: constant, "
    "poisson, ramp:from=1,to=50,over=60s, spike:rate=5,peak=50,at=20s,for=10s, step:rates=5/10/20,each=30s, "
    "replay:FILE[,speed=2]"
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time of `length_s` seconds over which the rate goes evenly from `first` to `last`, in arrivals per second."""

    length_s: float
    first: float
    last: float

    @property
    def count(self) -> float:
        """How many arrivals are expected in it."""
        return (self.first + self.last) / 2 * self.length_s if self.length_s < math.inf else math.inf

    def after(self, count: float) -> float:
        """Seconds from its beginning until this many arrivals are expected to have come."""
        slope = (self.last - self.first) / self.length_s if self.length_s < math.inf else 0.0
        root = math.sqrt(max(self.first**2 + 2 * slope * count, 0.0))
        return 2 * count / (self.first + root) if count else 0.0

    def rate_at(self, passed_s: float) -> float:
        share = passed_s / self.length_s if self.length_s < math.inf else 0.0
        return self.first + (self.last - self.first) * share


@dataclass(frozen=True, slots=True)
class Schedule:
    """When requests start, in seconds from the run's start. `text` is what the user wrote.

    A replay has `offsets`; every other kind has stretches of rates, the last of which goes on for ever, and arrivals on
    them that are evenly spaced or come at random (Poisson).
    """

    kind: str
    text: str
    stretches: tuple[Stretch, ...] = ()
    spacing: str = "even"
    offsets: tuple[float, ...] = ()
    length_s: float | None = None
    """How long a run has to be to see all of it; None where it goes on in the same way for ever."""

    @staticmethod
    def parse(text: str, rate: float | None = None) -> "Schedule | None":
        """The schedule of this description, such as "ramp:from=1,to=50,over=60s"; None for closed arrivals.

        `rate`, in arrivals per second, is meant by kinds that are not given their own; a rate alone is Poisson. Raises
        ConfigError, with a sentence for the user.
        """
        kind, _, rest = text.strip().partition(":")
        kind = kind.strip().lower() or ("closed" if rate is None else "poisson")
        if kind not in KINDS:
            near = get_close_matches(kind, KINDS, n=1)
            hint = f", did you mean {near[0]}?" if near else f" (there are {', '.join(KINDS)})"
            raise ConfigError(f"--arrivals {text}: there is no kind {kind!r}{hint}")
        if kind == "closed":
            if rate is not None or rest:
                raise ConfigError("--arrivals closed has no rate: users ask as fast as they are answered")
            return None
        if kind == "replay":
            return _replay(text, rest, rate)
        spec = _Spec(text, _members(text, rest), rate)
        stretches = _STRETCHES[kind](spec)
        spacing = "poisson" if kind == "poisson" else spec.word("spacing", SPACINGS)
        spec.finish()
        length_s = sum(stretch.length_s for stretch in stretches)
        last = stretches[-1].last
        return Schedule(
            kind,
            text.strip() or f"{kind} at {rate:g}/s",
            (*(stretch for stretch in stretches if stretch.length_s), Stretch(math.inf, last, last)),
            spacing,
            length_s=length_s or None,
        )

    def times(self, seed: int = 1) -> Iterator[float]:
        """The arrivals, in seconds from the start, in order; the same ones for the same seed."""
        if self.kind == "replay":
            yield from self.offsets
            return
        draw = random.Random(f"arrivals {seed}").expovariate
        is_random = self.spacing == "poisson"
        begun_s = left_behind = 0.0
        due = draw(1.0) if is_random else 0.0
        for stretch in self.stretches:
            while due - left_behind < stretch.count:
                yield begun_s + stretch.after(due - left_behind)
                due += draw(1.0) if is_random else 1.0
            left_behind += stretch.count
            begun_s += stretch.length_s

    def rate_at(self, passed_s: float) -> float | None:
        """Arrivals per second that are asked for at this moment; None for a replay."""
        for stretch in self.stretches:
            if passed_s < stretch.length_s:
                return stretch.rate_at(passed_s)
            passed_s -= stretch.length_s
        return None if self.kind == "replay" else 0.0

    def expected(self, duration_s: float) -> float:
        """How many arrivals are expected within this time."""
        if self.kind == "replay":
            return float(sum(offset < duration_s for offset in self.offsets))
        total = 0.0
        for stretch in self.stretches:
            length_s = min(stretch.length_s, duration_s)
            total += (stretch.first + stretch.rate_at(length_s)) / 2 * length_s
            duration_s -= length_s
        return total

    def peak(self) -> float | None:
        """The highest rate, in arrivals per second; None for a replay."""
        return max((max(stretch.first, stretch.last) for stretch in self.stretches), default=None)


class _Spec:
    """The members of a description, each asked for once; what nobody asked for is an error."""

    def __init__(self, text: str, members: dict[str, str], rate: float | None) -> None:
        self._text, self._members, self._rate = text, members, rate
        self._asked: list[str] = []

    def rate(self, name: str, *, otherwise: float | None = None) -> float:
        self._asked.append(name)
        if name not in self._members:
            if otherwise is None:
                raise ConfigError(f"--arrivals {self._text}: {name}= is missing, a rate in arrivals per second")
            return otherwise
        return self._number(name, self._members[name])

    def base_rate(self) -> float:
        """The member `rate`, or the rate that was given beside the description."""
        if "rate" not in self._members and self._rate is None:
            raise ConfigError(f"--arrivals {self._text}: a rate is missing, such as --rate 10")
        found = self.rate("rate", otherwise=self._rate)
        self._rate = None
        return found

    def rates(self, name: str) -> list[float]:
        self._asked.append(name)
        texts = self._members.get(name, "").split("/")
        if texts == [""]:
            raise ConfigError(f"--arrivals {self._text}: {name}= is missing, such as {name}=5/10/20")
        return [self._number(name, text) for text in texts]

    def span(self, name: str) -> float:
        self._asked.append(name)
        found = seconds(self._members.get(name, ""))
        if found is None or found <= 0:
            raise ConfigError(f"--arrivals {self._text}: {name}= must be a time above 0, such as {name}=30s")
        return found

    def word(self, name: str, choices: tuple[str, ...]) -> str:
        self._asked.append(name)
        found = self._members.get(name, choices[0])
        if found not in choices:
            raise ConfigError(f"--arrivals {self._text}: {name}= must be {' or '.join(choices)}")
        return found

    def finish(self) -> None:
        left = [name for name in self._members if name not in self._asked]
        if left:
            raise ConfigError(f"--arrivals {self._text}: {left[0]}= means nothing here ({', '.join(self._asked)} do)")
        if self._rate is not None:
            raise ConfigError(f"--arrivals {self._text}: it has its own rates, so --rate has no meaning")

    def _number(self, name: str, text: str) -> float:
        try:
            found = float(text)
        except ValueError:
            found = 0.0
        if not 0 < found <= MAX_RATE:
            raise ConfigError(f"--arrivals {self._text}: {name}={text} is not a rate above 0")
        return found


def _members(text: str, rest: str) -> dict[str, str]:
    members: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in rest.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not value:
            raise ConfigError(f"--arrivals {text}: {part!r} should be name=value")
        members[name.strip()] = value.strip()
    return members


def _flat(spec: _Spec) -> tuple[Stretch, ...]:
    rate = spec.base_rate()
    return (Stretch(0, rate, rate),)


def _ramp(spec: _Spec) -> tuple[Stretch, ...]:
    return (Stretch(first=spec.rate("from"), last=spec.rate("to"), length_s=spec.span("over")),)


def _spike(spec: _Spec) -> tuple[Stretch, ...]:
    """As long before the spike as after it."""
    rate, peak, at_s, for_s = spec.base_rate(), spec.rate("peak"), spec.span("at"), spec.span("for")
    return (Stretch(at_s, rate, rate), Stretch(for_s, peak, peak), Stretch(at_s, rate, rate))


def _step(spec: _Spec) -> tuple[Stretch, ...]:
    rates, each_s = spec.rates("rates"), spec.span("each")
    return tuple(Stretch(each_s, rate, rate) for rate in rates)


_STRETCHES: Mapping[str, Any] = {"constant": _flat, "poisson": _flat, "ramp": _ramp, "spike": _spike, "step": _step}


def _replay(text: str, rest: str, rate: float | None) -> Schedule:
    if rate is not None:
        raise ConfigError(f"--arrivals {text}: its times are those of the file, so --rate has no meaning")
    path, comma, option = rest.rpartition(",speed=")
    speed = 1.0
    if comma:
        try:
            speed = float(option)
        except ValueError:
            speed = 0.0
        if not 0 < speed <= MAX_RATE:
            raise ConfigError(f"--arrivals {text}: speed={option} is not a number above 0")
    path = path if comma else rest
    if not path:
        raise ConfigError("--arrivals replay: a file is missing, as in replay:arrivals.txt")
    offsets = tuple(offset / speed for offset in read_offsets(Path(path)))
    return Schedule("replay", text.strip(), offsets=offsets, length_s=offsets[-1] + 1)
