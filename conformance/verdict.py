"""The verdict lattice, the exit codes, and the few words a conformance test judges with. Imports no pytest."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from conformance.catalogue import Level
from conformance.exchange import Blame, Exchange, Unusable


class Verdict(StrEnum):
    """What a run says of one requirement."""

    PASS = "pass"
    FAIL = "fail"
    """A MUST is broken."""
    WARN = "warn"
    """A SHOULD is broken, or a MUST is kept in a way that costs clients."""
    INCONCLUSIVE = "inconclusive"
    """The situation did not arise, mostly as the model behind the gateway did not create it."""
    NOT_APPLICABLE = "not-applicable"
    """The feature is not claimed, and was cleanly refused."""
    UNTESTABLE = "untestable"
    """An earlier step broke: red, never a skip."""
    ERROR = "error"
    """A fault of ours: red, never blamed on the gateway."""
    KNOWN = "known"
    """Not kept, as the profile says of this dialect or the baseline of this gateway."""
    STALE = "stale"
    """Kept, though the profile or the baseline says that it is not, or the baseline's entry has expired: red."""


_WORST_FIRST = (
    Verdict.ERROR,
    Verdict.FAIL,
    Verdict.UNTESTABLE,
    Verdict.STALE,
    Verdict.WARN,
    Verdict.INCONCLUSIVE,
    Verdict.KNOWN,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
RED = frozenset({Verdict.FAIL, Verdict.UNTESTABLE, Verdict.STALE, Verdict.ERROR})


class Exit(IntEnum):
    """The exit codes of the command; 0 to 5 mean what pytest means by them."""

    CONFORMANT = 0
    BROKEN = 1
    INTERRUPTED = 2
    ERROR = 3
    USAGE = 4
    NOTHING_JUDGED = 5
    UNREACHABLE = 6
    UNTRUSTWORTHY = 7


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """The verdict of a requirement that several tests judge."""
    return min(verdicts, key=_WORST_FIRST.index)


def exit_code(verdicts: Iterable[Verdict], *, strict: bool = False, enough: bool = True) -> Exit:
    """The exit code that these verdicts amount to; `enough` tells whether as much was judged as is asked for."""
    found = set(verdicts)
    if Verdict.ERROR in found:
        return Exit.ERROR
    if found & RED:
        return Exit.BROKEN
    if strict and found & {Verdict.WARN, Verdict.INCONCLUSIVE}:
        return Exit.BROKEN
    if not found & {Verdict.PASS, Verdict.WARN, Verdict.KNOWN}:
        return Exit.NOTHING_JUDGED
    return Exit.CONFORMANT if enough else Exit.BROKEN


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a rule does not hold: the exchange that shows it, and what was seen there."""

    exchange: Exchange
    seen: str


class Broken(AssertionError):
    """The requirement does not hold. `exchanges` are the evidence, `sentences` say of each place what was seen."""

    def __init__(self, seen: str, exchanges: tuple[Exchange, ...] = (), sentences: tuple[str, ...] = ()) -> None:
        super().__init__(seen)
        self.exchanges = exchanges
        self.sentences = sentences or (seen,)


class Tolerated(Broken):
    """The requirement holds in the letter, but in a way that costs some client: a warning."""


class Fatal(Broken):
    """A failure whatever the requirement's level, as it is when a client's request breaks the gateway itself."""


class Inconclusive(Exception):
    """The situation that the requirement speaks of did not arise: it is to `blame` on the model, which did not create
    it, or, with None, on nobody for sure."""

    def __init__(self, seen: str = "", *, blame: Blame | None = Blame.MODEL) -> None:
        super().__init__(seen)
        self.blame = blame


class NotApplicable(Exception):
    """The gateway does not offer what the requirement speaks of, and said so cleanly."""


def must(condition: bool, exchange: Exchange, seen: str | None = None) -> None:
    """Raises Fatal, a failure at any level, unless the condition holds."""
    if not condition:
        raise Fatal(seen or exchange.seen, (exchange,))


def survive(cases: Mapping[str, Exchange]) -> None:
    """Raises Fatal if any of these requests, by case, was answered with a server error or not at all."""

    def violations() -> Iterator[Violation]:
        cut = [x for x in cases.values() if x.failure and x.blame is Blame.SUITE]
        for case, x in cases.items():
            if (not x.complete and x not in cut) or x.status >= 500:
                yield Violation(x, f"{case}: {x.seen}")
        if cut:
            raise Unusable(f"there is no whole answer: {cut[0].seen}", blame=Blame.SUITE)

    _raise(Fatal, violations())


def refuse(cases: Mapping[str, Exchange], statuses: Collection[int] = (400, 422)) -> None:
    """Raises Broken for each of these requests, by case, that was not refused with one of the statuses; Fatal for a
    crash."""
    survive(cases)
    hold(Violation(x, f"{case}: {x.seen}") for case, x in cases.items() if x.status not in statuses)


def accept(cases: Mapping[str, Exchange]) -> None:
    """Raises Broken for each of these requests, by case, that was not answered with 200; Fatal for a crash."""
    survive(cases)
    hold(Violation(x, f"{case}: {x.seen}") for case, x in cases.items() if x.status != 200)


def expect(condition: bool, exchange: Exchange, seen: str | None = None) -> None:
    """Raises Broken unless the condition holds; `seen` defaults to what came back."""
    if not condition:
        raise Broken(seen or exchange.seen, (exchange,))


def prefer(condition: bool, exchange: Exchange, seen: str | None = None) -> None:
    """Raises Tolerated, a warning, unless the condition holds."""
    if not condition:
        raise Tolerated(seen or exchange.seen, (exchange,))


def hold(violations: Iterable[Violation]) -> None:
    """Raises Broken if there is any violation, with all of them in its message and as its evidence."""
    _raise(Broken, violations)


def demand(violations: Iterable[Violation]) -> None:
    """Raises Fatal, a failure at any level, if there is any violation."""
    _raise(Fatal, violations)


def tolerate(violations: Iterable[Violation]) -> None:
    """Raises Tolerated, a warning, if there is any violation."""
    _raise(Tolerated, violations)


def verdict_of(error: BaseException | None, level: Level) -> Verdict:
    """The verdict that a test's outcome stands for, at this level of its requirement."""
    match error:
        case None:
            return Verdict.PASS
        case Tolerated():
            return Verdict.WARN
        case Fatal():
            return Verdict.FAIL
        case AssertionError():
            return Verdict.FAIL if level is Level.MUST else Verdict.WARN
        case Inconclusive():
            return Verdict.INCONCLUSIVE
        case NotApplicable():
            return Verdict.NOT_APPLICABLE
        case Unusable():
            return Verdict.UNTESTABLE
    return Verdict.ERROR


def _raise(kind: type[Broken], violations: Iterable[Violation]) -> None:
    found: list[Violation] = []
    try:
        for violation in violations:
            found.append(violation)
    except Unusable:
        if not found:
            raise
    if not found:
        return
    sentences = list(dict.fromkeys(violation.seen for violation in found))
    more = f" (and {len(sentences) - 3} more)" if len(sentences) > 3 else ""
    exchanges = {violation.exchange.id: violation.exchange for violation in found}
    raise kind("; ".join(sentences[:3]) + more, tuple(exchanges.values()), tuple(sentences))
