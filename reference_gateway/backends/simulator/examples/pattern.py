"""Makes a string that a regular expression matches, for the plain kind of pattern that JSON Schemas carry.

Understood: literals, `.`, classes, \\d \\w \\s and their opposites, groups, alternatives, quantifiers, and anchors at
the ends. Look-around, back references and properties are not.
"""

import string
from collections.abc import Callable
from random import Random

_Maker = Callable[[], str]

_DIGITS = string.digits
_WORD = string.ascii_letters + string.digits + "_"
_SPACE = " \t"
_ANY = string.ascii_letters + string.digits + " -_.:/"
_PRINTABLE = "".join(map(chr, range(0x20, 0x7F)))
_CLASSES = {
    "d": _DIGITS, "w": _WORD, "s": _SPACE,
    "D": string.ascii_letters, "W": " -.:/", "S": _WORD,
}  # fmt: skip
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "0": "\0"}
_MOST = 20_000
"""Characters that an example never exceeds."""


class UnsupportedPattern(ValueError):
    """The pattern is none that this module can make an example for."""


def matching(pattern: str, rng: Random, *, min_length: int = 0, max_length: int | None = None) -> str:
    """A string that `pattern` matches from end to end, of the length asked for if some can be found.

    Raises UnsupportedPattern.
    """
    spread = 3
    for _ in range(40):
        made = _Reader(pattern, rng, spread).read()
        if len(made) < min_length:
            spread = min(max(spread * 2, min_length - len(made) + spread), _MOST)
        elif max_length is not None and len(made) > max_length:
            spread //= 2
        else:
            return made
    raise UnsupportedPattern(f"no example of {pattern!r} with a length in the bounds was found")


class _Reader:
    """Walks a pattern once and writes as it reads; `spread` is how far an open quantifier goes beyond its least."""

    def __init__(self, pattern: str, rng: Random, spread: int) -> None:
        self._pattern, self._rng, self._spread = pattern, rng, spread
        self._at = self._written = 0

    def read(self) -> str:
        made = self._alternatives()()
        if self._at < len(self._pattern):
            raise UnsupportedPattern(f"unbalanced parenthesis in {self._pattern!r}")
        return made

    def _alternatives(self) -> _Maker:
        branches = [self._sequence()]
        while self._take("|"):
            branches.append(self._sequence())
        return lambda: self._rng.choice(branches)()

    def _sequence(self) -> _Maker:
        items: list[_Maker] = []
        while self._at < len(self._pattern) and self._pattern[self._at] not in "|)":
            items.append(self._quantified())
        return lambda: "".join(item() for item in items)

    def _quantified(self) -> _Maker:
        item = self._item()
        least, most = self._quantifier()
        if (least, most) == (1, 1):
            return item

        def repeated() -> str:
            high = least + self._spread if most is None else min(most, least + self._spread)
            if high > _MOST:
                raise UnsupportedPattern("more repetitions than an example should have")
            return "".join(item() for _ in range(self._rng.randint(least, max(high, least))))

        return repeated

    def _quantifier(self) -> tuple[int, int | None]:
        bounds: tuple[int, int | None] = (1, 1)
        if self._take("*"):
            bounds = (0, None)
        elif self._take("+"):
            bounds = (1, None)
        elif self._take("?"):
            bounds = (0, 1)
        elif self._peek() == "{":
            end = self._pattern.find("}", self._at)
            least, comma, most = self._pattern[self._at + 1 : max(end, self._at)].partition(",")
            if not least.isdecimal() or (most and not most.isdecimal()):
                raise UnsupportedPattern(f"a quantifier in {self._pattern!r} is not plain")
            self._at = end + 1
            bounds = (int(least), int(most) if most else None if comma else int(least))
        else:
            return bounds
        if self._peek() in ("?", "+"):
            self._at += 1
        return bounds

    def _item(self) -> _Maker:
        char = self._next()
        if char in "^$":
            return lambda: ""
        if char == "(":
            return self._group()
        if char == "[":
            choices = self._class()
        elif char == ".":
            choices = _ANY
        elif char == "\\":
            choices = self._escape()
        elif char in "*+?":
            raise UnsupportedPattern(f"nothing to repeat in {self._pattern!r}")
        else:
            choices = char
        return lambda: self._one_of(choices)

    def _one_of(self, choices: str) -> str:
        self._written += 1
        if self._written > _MOST:
            raise UnsupportedPattern("more repetitions than an example should have")
        return self._rng.choice(choices)

    def _group(self) -> _Maker:
        if self._take("?") and not self._take(":"):
            self._take("P")
            end = self._pattern.find(">", self._at)
            if self._peek() != "<" or end < 0 or self._pattern[self._at + 1] in "=!":
                raise UnsupportedPattern(f"a group in {self._pattern!r} is not plain")
            self._at = end + 1
        inner = self._alternatives()
        if not self._take(")"):
            raise UnsupportedPattern(f"unbalanced parenthesis in {self._pattern!r}")
        return inner

    def _class(self) -> str:
        negated = self._take("^")
        chars = ["]"] if self._take("]") else []
        while not self._take("]"):
            low = self._class_member()
            if len(low) == 1 and self._peek() == "-" and self._pattern[self._at + 1 : self._at + 2] not in ("]", ""):
                self._at += 1
                high = self._class_member()
                low = "".join(map(chr, range(ord(low), min(ord(high[-1]), ord(low) + 300) + 1)))
            chars.append(low)
        members = "".join(chars)
        if negated:
            members = "".join(char for char in _PRINTABLE if char not in members)
        if not members:
            raise UnsupportedPattern(f"an empty class in {self._pattern!r}")
        return members

    def _class_member(self) -> str:
        char = self._next()
        return self._escape() if char == "\\" else char

    def _escape(self) -> str:
        char = self._next()
        if char in _CLASSES:
            return _CLASSES[char]
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char in "xu":
            digits = self._pattern[self._at : self._at + (2 if char == "x" else 4)]
            self._at += len(digits)
            try:
                return chr(int(digits, 16))
            except ValueError:
                raise UnsupportedPattern(f"a bad escape in {self._pattern!r}") from None
        if char.isalnum():
            raise UnsupportedPattern(f"the escape \\{char} is not plain")
        return char

    def _peek(self) -> str:
        return self._pattern[self._at : self._at + 1]

    def _next(self) -> str:
        if self._at >= len(self._pattern):
            raise UnsupportedPattern(f"{self._pattern!r} ends too early")
        self._at += 1
        return self._pattern[self._at - 1]

    def _take(self, char: str) -> bool:
        if self._peek() != char:
            return False
        self._at += 1
        return True
