"""A comparison of two documents, as every renderer shows it. Knows neither what was compared nor how it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from conformance.verdict import Exit


class Tone(StrEnum):
    """How a section is to be taken; `BAD` is a regression."""

    BAD = "bad"
    DOUBT = "doubt"
    GOOD = "good"
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing before and now: a requirement with its verdicts, or a figure with its values.

    `about` says what it is, `said` what was seen before and now: two equal texts are shown as one.
    """

    name: str
    before: str
    now: str
    about: str = ""
    said: tuple[str, str] = ("", "")


@dataclass(frozen=True, slots=True)
class Section:
    """Differences of one kind, with a sentence that says what they mean."""

    title: str
    tone: Tone
    meaning: str
    rows: Sequence[Difference]
    is_long: bool = False
    """Whether it is folded where something can be folded."""


@dataclass(frozen=True, slots=True)
class Fact:
    """What is told of both documents, such as their date. `matters` where a difference makes them less comparable."""

    name: str
    before: str
    now: str
    matters: bool = False

    @property
    def differs(self) -> bool:
        return self.before != self.now


@dataclass(frozen=True, slots=True)
class Comparison:
    """`verdict` is the sentence that comes first, `remarks` what must be known to read the rest."""

    code: Exit
    verdict: str
    facts: Sequence[Fact]
    sections: Sequence[Section]
    remarks: Sequence[str] = field(default=())

    @property
    def tone(self) -> Tone:
        if self.code is Exit.CONFORMANT:
            return Tone.GOOD
        return Tone.BAD if self.code is Exit.BROKEN else Tone.DOUBT
