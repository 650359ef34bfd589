"""What a named defect is. The correct gateway knows nothing of it: a defect is put around it, as ASGI or below HTTP."""

from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from reference_gateway.faults.asgi import Wrap
from reference_gateway.faults.tcp import Tcp

CONSTRUCTED = "constructed"


def nothing(app: ASGIApp) -> ASGIApp:
    """The correct application as it is."""
    return app


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a gateway is wrong.

    `area` is a word for what it is about. `suffers` says what a client suffers. `breaks` are the requirements that are
    broken by it, and no others are. `seen` is where it was seen in the wild, or "constructed". `profile` is the dialect
    in which it shows. `wrap` puts it around the application, `tcp` writes it below HTTP; a fault has one of them.
    `paced` faults show only with a model that takes its time. `may` are requirements that can break with it, by which
    of two requests comes first.
    """

    name: str
    area: str
    suffers: str
    breaks: tuple[str, ...]
    seen: str
    profile: str = "openai"
    wrap: Wrap = nothing
    tcp: Tcp | None = None
    paced: bool = False
    may: tuple[str, ...] = ()
    behind: Wrap | None = None
    """Put around the provider, for what the gateway does wrong there. Whatever it is, the provider is then scripted."""

    def listed(self) -> dict[str, object]:
        """As `gateproof serve --list-defects` shows it."""
        return {
            "name": self.name,
            "area": self.area,
            "profile": self.profile,
            "suffers": self.suffers,
            "breaks": list(self.breaks),
            "seen": self.seen,
        }


@dataclass(frozen=True, slots=True)
class Table:
    """The faults of one area, all in one dialect. `add` is a row: name, the ids it breaks, the layer, what a client
    suffers, and where it was seen."""

    area: str
    profile: str
    rows: list[Fault]

    def add(
        self,
        name: str,
        breaks: str,
        layer: Wrap,
        suffers: str,
        seen: str = CONSTRUCTED,
        *,
        paced: bool = False,
        may: str = "",
        behind: Wrap | None = None,
    ) -> None:
        ids, more = tuple(breaks.split()), tuple(may.split())
        layers: dict[str, Any] = {"wrap": layer, "behind": behind, "paced": paced}
        self.rows.append(Fault(name, self.area, suffers, ids, seen, self.profile, may=more, **layers))

    def add_below(
        self,
        name: str,
        breaks: str,
        layer: Tcp,
        suffers: str,
        seen: str = CONSTRUCTED,
        *,
        paced: bool = False,
    ) -> None:
        """The same for a layer below HTTP."""
        ids = tuple(breaks.split())
        self.rows.append(Fault(name, self.area, suffers, ids, seen, self.profile, tcp=layer, paced=paced))


def table(area: str, profile: str = "openai") -> Table:
    return Table(area, profile, [])
