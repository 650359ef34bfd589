"""Two reports of checks, before and now: what the gateway broke, what it mended, and what can't be compared.

A regression is what the gateway did: a suite that asks for more is not one. So a requirement is compared by the tests
that judged it both times, at the level that it had before; what only the later run asks for stands apart.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from conformance.catalogue import Level
from conformance.comparing.clients import Outlook, clients
from conformance.comparing.comparison import Comparison, Difference, Fact, Section, Tone
from conformance.comparing.documents import BLIND, BROKEN, KEPT, Feature, Row, Run, Share, worst_of
from conformance.verdict import RED, Exit, Verdict

_NO_FEATURE = Feature("auto", "not judged")
_MISSING = ("fails", "absent")


class Change(Enum):
    """What became of a requirement: a title, how to take it, and what that means. In the order in which it is told."""

    BROKEN = ("Broken now", Tone.BAD, "It was kept, and is not any more.")
    BLIND = (
        "Can't be judged any more",
        Tone.BAD,
        "It was kept; now an earlier step breaks, or there is an error.",
    )
    WITHDRAWN = ("Not offered any more", Tone.BAD, "It worked; now the gateway refuses what it is about.")
    WORSE = ("Worse, as a warning", Tone.DOUBT, "Red only with --strict.")
    UNSEEN = (
        "Not judged any more",
        Tone.DOUBT,
        "It was kept; now the model did not bring the situation about. Red only with --strict.",
    )
    ACCEPTED = (
        "Broken now, and listed as known",
        Tone.DOUBT,
        "It was kept; the baseline or the profile expects it.",
    )
    NEW_RED = (
        "New, and red",
        Tone.DOUBT,
        "The earlier run did not judge it, or not by these tests: it may have been so before, and is no regression.",
    )
    DECLINED = (
        "Left out by options",
        Tone.DOUBT,
        "It was kept; the later run was told not to judge it.",
    )
    GONE = ("Not in the later run", Tone.DOUBT, "Another catalogue, profile or selection: nothing is known of it now.")
    STALE = ("Kept, though listed as broken", Tone.DOUBT, "Take it out of the baseline, or out of the profile.")
    MENDED = ("Mended", Tone.GOOD, "It was broken or could not be judged, and is kept now.")
    STILL = ("Still not kept", Tone.PLAIN, "What was seen before and now, where that differs.")
    NEW = ("New, and not red", Tone.PLAIN, "The earlier run did not judge it.")

    @property
    def title(self) -> str:
        return str(self.value[0])

    @property
    def tone(self) -> Tone:
        return Tone(self.value[1])

    @property
    def meaning(self) -> str:
        return str(self.value[2])


REGRESSIONS = frozenset({Change.BROKEN, Change.BLIND, Change.WITHDRAWN})
STRICT = REGRESSIONS | {Change.WORSE, Change.UNSEEN}
_FOLDED = frozenset({Change.GONE, Change.STILL, Change.NEW})
_COMPARABLE = KEPT | BROKEN | BLIND | {Verdict.WARN}


@dataclass(frozen=True, slots=True)
class _Pair:
    """One requirement in both runs, by the tests that both have, at the level before."""

    before: Verdict
    now: Verdict
    has_new_red: bool
    """Whether only a test that is new says that it is broken."""


def compared(before: Any, now: Any, *, strict: bool = False) -> Comparison:
    """The comparison of two report documents. Raises ValueError where one is no report."""
    runs = Run.of(before), Run.of(now)
    changes = {id: change for id, change in _changes(*runs) if change}
    regressions = [id for id, change in changes.items() if change in (STRICT if strict else REGRESSIONS)]
    shared = [id for id, row in runs[0].rows.items() if id in runs[1].rows and row.verdict in _COMPARABLE]
    judged = [id for id in shared if runs[1].rows[id].verdict in _COMPARABLE]
    code = Exit.BROKEN if regressions else Exit.CONFORMANT if judged else Exit.NOTHING_JUDGED
    return Comparison(
        code=code,
        verdict=_verdict(code, len(regressions), len(judged), changes),
        facts=_facts(*runs),
        sections=[*_sections(runs, changes), *_features(*runs), *_clients(before, now)],
        remarks=list(_remarks(*runs)),
    )


def _changes(before: Run, now: Run) -> Iterator[tuple[str, Change | None]]:
    for id, row in before.rows.items():
        if id not in now.rows:
            yield id, Change.GONE
        else:
            yield id, _change(row, now.rows[id], declined=now.declines(id))
    for id, row in now.rows.items():
        if id not in before.rows:
            yield id, Change.NEW_RED if row.verdict in RED else Change.NEW


def _change(before: Row, now: Row, *, declined: bool) -> Change | None:
    pair = _pair(before, now)
    is_must = before.level is Level.MUST
    if pair.before in KEPT or (pair.before is Verdict.WARN and is_must):
        return _fallen(pair, declined=declined)
    if pair.before is Verdict.WARN:
        return _warned(pair)
    if pair.before in BROKEN | BLIND:
        kept = pair.now in KEPT or (pair.now is Verdict.WARN and (is_must or pair.before in RED))
        return Change.MENDED if kept else Change.STILL
    if pair.now in RED - {Verdict.STALE}:
        return Change.NEW_RED
    return Change.NEW if pair.now in KEPT | {Verdict.WARN} else None


def _fallen(pair: _Pair, *, declined: bool) -> Change | None:
    """What became of a requirement that was kept."""
    match pair.now:
        case Verdict.FAIL:
            return Change.BROKEN
        case Verdict.UNTESTABLE | Verdict.ERROR:
            return Change.BLIND
        case Verdict.NOT_APPLICABLE:
            return Change.DECLINED if declined else Change.WITHDRAWN
        case Verdict.KNOWN:
            return Change.ACCEPTED
        case Verdict.INCONCLUSIVE:
            return Change.UNSEEN
        case Verdict.WARN if pair.before is not Verdict.WARN:
            return Change.WORSE
        case Verdict.STALE if pair.before is not Verdict.STALE:
            return Change.STALE
        case Verdict.PASS if pair.before is Verdict.WARN:
            return Change.MENDED
    return Change.NEW_RED if pair.has_new_red else None


def _warned(pair: _Pair) -> Change:
    """What became of a SHOULD that was not kept."""
    match pair.now:
        case Verdict.FAIL:
            return Change.BROKEN
        case Verdict.UNTESTABLE | Verdict.ERROR:
            return Change.BLIND
        case Verdict.PASS | Verdict.STALE:
            return Change.MENDED
    return Change.STILL


def _pair(before: Row, now: Row) -> _Pair:
    both = [test for test in now.tests if test in before.tests]
    then, since = (worst_of(both, before), worst_of(both, now)) if both else (before.verdict, now.verdict)
    has_new_red = now.verdict in RED and since not in RED
    return _Pair(then, _at_level(since, now.level, before.level), has_new_red)


def _at_level(verdict: Verdict, own: Level, level: Level) -> Verdict:
    """What a broken requirement of one level amounts to at another: a MUST that became a SHOULD is not mended by it."""
    if (own is Level.MUST) == (level is Level.MUST):
        return verdict
    if level is Level.MUST:
        return Verdict.FAIL if verdict is Verdict.WARN else verdict
    return Verdict.WARN if verdict is Verdict.FAIL else verdict


def _verdict(code: Exit, regressions: int, judged: int, changes: Mapping[str, Change]) -> str:
    if code is Exit.NOTHING_JUDGED:
        return "nothing can be compared: no requirement was judged in both runs"
    mended = sum(change is Change.MENDED for change in changes.values())
    found = f"{regressions or 'no'} regression{'s' if regressions > 1 else ''}"
    return f"{found}{f', {mended} mended' if mended else ''}; {judged} requirements judged in both runs"


def _sections(runs: tuple[Run, Run], changes: Mapping[str, Change]) -> Iterator[Section]:
    for change in Change:
        ids = [id for id, found in changes.items() if found is change]
        if change is Change.GONE:
            ids.sort(key=lambda id: runs[0].rows[id].level is not Level.MUST)
        if ids:
            rows = [_difference(id, *runs) for id in ids]
            yield Section(change.title, change.tone, change.meaning, rows, change in _FOLDED)


def _difference(id: str, *runs: Run) -> Difference:
    before, now = (run.rows.get(id) for run in runs)
    row = now or before
    assert row is not None
    return Difference(
        name=f"{id} ({_levels(before, now)})",
        before=before.verdict.value if before else "not in the run",
        now=now.verdict.value if now else "not in the run",
        about=row.statement,
        said=(before.message if before else "", now.message if now else ""),
    )


def _levels(before: Row | None, now: Row | None) -> str:
    levels = list(dict.fromkeys(row.level.value for row in (before, now) if row))
    return " → ".join(levels)


def _facts(before: Run, now: Run) -> list[Fact]:
    told: list[tuple[str, Callable[[Run], str], bool]] = [
        ("gateway", lambda run: run.base_url, False),
        ("date", lambda run: run.started_at, False),
        ("profile", lambda run: run.profile, True),
        ("model", lambda run: run.model or "none", True),
        ("gateproof", lambda run: run.version, False),
        ("catalogue", lambda run: run.catalogue, True),
        ("verdict", lambda run: "conformant" if run.conformant else "not conformant", False),
        ("MUSTs kept, of those judged", lambda run: f"{run.musts} ({run.musts.percent})", False),
        ("requirements kept, of those judged", lambda run: str(Share.of(run.rows.values())), False),
        ("requests", lambda run: str(run.cost["requests"]), False),
        (
            "tokens",
            lambda run: f"{run.cost['prompt_tokens']} + {run.cost['completion_tokens']}",
            False,
        ),
        ("duration", lambda run: f"{run.duration_s:.1f} s", False),
    ]
    return [Fact(name, value(before), value(now), matters) for name, value, matters in told]


def _remarks(before: Run, now: Run) -> Iterator[str]:
    """What makes two runs different tests, a sentence each."""
    if before.profile != now.profile:
        yield f"the profiles differ: {before.profile} and {now.profile} ask for different things"
    if before.model != now.model:
        yield "the models differ: a difference may be the model's"
    if before.catalogue != now.catalogue:
        yield "the catalogues differ: what only one of them asks for stands apart"
    if before.base_url != now.base_url:
        yield "these are two gateways, or one at two addresses"
    gone = [row for id, row in before.rows.items() if id not in now.rows and row.level is Level.MUST and row.is_kept]
    if gone:
        were = "MUST that was" if len(gone) == 1 else "MUSTs that were"
        yield f"{len(gone)} {were} kept are not in the later run at all"


def _features(before: Run, now: Run) -> Iterator[Section]:
    names = [*before.features, *(name for name in now.features if name not in before.features)]
    lost, gained = [], []
    for name in names:
        then, since = before.features.get(name, _NO_FEATURE), now.features.get(name, _NO_FEATURE)
        row = Difference(name, _feature(then), _feature(since))
        if then.state == "works" and since.state in _MISSING:
            lost.append(row)
        elif since.state == "works" and then.state in _MISSING:
            gained.append(row)
    if lost:
        yield Section("Features lost", Tone.DOUBT, "An optional capability that worked before.", lost)
    if gained:
        yield Section("Features gained", Tone.GOOD, "An optional capability that works now.", gained)


def _feature(found: Feature) -> str:
    return found.state if found.claimed == "auto" else f"{found.state} ({found.claimed})"


def _clients(before: Any, now: Any) -> Iterator[Section]:
    """Clients that fare otherwise now."""
    then = {row.name: row for row in clients(before)}
    rows = [(then[row.name], row) for row in clients(now)]
    for title, tone, chosen in (
        ("Clients that fare worse", Tone.DOUBT, _fares_worse),
        ("Clients that fare better", Tone.GOOD, lambda a, b: _fares_worse(b, a)),
    ):
        found = [
            Difference(row.title, was.outlook.value, row.outlook.value, said=(was.summary, row.summary))
            for was, row in rows
            if chosen(was.outlook, row.outlook)
        ]
        if found:
            yield Section(title, tone, "As far as it follows from the requirements that each relies on.", found)


def _fares_worse(before: Outlook, now: Outlook) -> bool:
    order = (Outlook.WORKS, Outlook.PARTLY, Outlook.BREAKS)
    return before in order and now in order and order.index(now) > order.index(before)
