"""The table of names and readings: what each reading of the naming rule says of a name of every kind, and what the
gateway says of it. Lives here: asking and writing the table; what the readings are is in `names`."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from conformance import names
from conformance.exchange import Exchange, clip
from conformance.features import is_claimed
from conformance.probes.names import names_of_every_kind
from conformance.profiles import Profile
from conformance.rules import naming
from conformance.sending.recording import Recording, record
from conformance.target import ConfigError, Target

RULES = names.READINGS | {"U": names.DEPLOYED}
"""The readings of the published sentence, and what the platform's code takes."""
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True)
class Row:
    """A name, of what kind it is, and the answer at each inference endpoint."""

    label: str
    name: str
    answers: dict[str, Exchange]

    @property
    def taken(self) -> set[bool | None]:
        return {naming.taken(exchange.status) for exchange in self.answers.values()}

    def fits(self, pattern: str) -> bool:
        """Whether every endpoint says of the name what the pattern does."""
        return self.taken == {re.fullmatch(pattern, self.name) is not None}


async def asked(target: Target, profile: Profile) -> Recording:
    """The run that the table shows. Raises ConfigError for a dialect without entity names."""
    if not is_claimed("entity_naming", target, profile):
        raise ConfigError(f"profile {profile.name} has no entity names: give one that has, such as --profile nemo")
    return await record(target, profile, {names_of_every_kind.__name__})


def rows(recording: Recording) -> list[Row]:
    """A row for each name that was tried."""
    tries: dict[str, dict[str, Exchange]] = recording.results[names_of_every_kind.__name__].value
    prefix = f"{recording.facts.workspace}/"
    found = []
    for told, plain in tries["plain"].items():
        name = str(plain.sent.get("model")).removeprefix(prefix)
        found.append(Row(told.rpartition("(")[2].rstrip(")"), name, {way: tries[way][told] for way in tries}))
    return found


def lines(found: list[Row]) -> Iterator[str]:
    """The table, and below it which readings fit all answers and where the others do not."""
    ways = list(found[0].answers)
    labels = max(len(row.label) for row in found) + 2
    yield (
        f"{'kind':<{labels}}{'name':<{LONGEST_NAME + 2}}"
        + "".join(f"{rule:<3}" for rule in RULES)
        + " "
        + "".join(f"{way:>13}" for way in ways)
    )
    for row in found:
        says = "".join(f"{'✓' if re.fullmatch(pattern, row.name) else '·':<3}" for pattern in RULES.values())
        answers = "".join(f"{exchange.status or 'none':>13}" for exchange in row.answers.values())
        yield f"{row.label:<{labels}}{_shown(row.name):<{LONGEST_NAME + 2}}{says} {answers}"
    yield ""
    yield "✓ well-formed, so 404 where nobody has it; · ill-formed, so 422. U is what the platform's code takes."
    for rule, pattern in RULES.items():
        others = [row.label for row in found if not row.fits(pattern)]
        yield f"  {rule}  {pattern:<46} " + ("fits every answer" if not others else f"not on: {', '.join(others)}")
    fit = fitting(found)
    if fit == ["U"]:
        yield "consistent with no reading of the published rule, but with what the platform's code takes"
    else:
        yield f"consistent with reading {' and '.join(fit)}" if fit else "consistent with no reading"


def fitting(found: list[Row]) -> list[str]:
    """What of RULES fits every answer."""
    return [rule for rule, pattern in RULES.items() if all(row.fits(pattern) for row in found)]


def is_kept(found: list[Row], pattern: str) -> bool:
    """Whether every answer is by the configured pattern, or where there is none ("") by one reading."""
    return all(row.fits(pattern) for row in found) if pattern else any(rule != "U" for rule in fitting(found))


def _shown(name: str) -> str:
    text = clip(name, 10_000)
    return f'"{text}"' if len(text) <= LONGEST_NAME - 2 else f'"{text[: LONGEST_NAME - 7]}…" ({len(name)})'
