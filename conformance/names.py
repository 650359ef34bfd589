"""Model entity names: what the published sentence fixes, the readings it leaves open, and the names that are tried.

The sentence: "lowercase letters, digits, and hyphens; 2–63 characters; no slashes". It does not say where a hyphen or
a digit may stand, so a gateway may follow any of READINGS, and only names on which they all agree are judged.
"""

import random
import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

READINGS = {
    "A": r"[a-z0-9-]{2,63}",  # the character class and nothing else
    "B": r"[a-z0-9][a-z0-9-]{0,61}[a-z0-9]",  # a label of RFC 1123
    "C": r"[a-z][a-z0-9-]{0,61}[a-z0-9]",  # a label of RFC 1035
    "D": r"[a-z][a-z0-9-]{1,62}",  # a letter first, a hyphen may be last
    "E": r"[a-z](?!.*--)[a-z0-9-]{1,62}(?<!-)",  # C without two hyphens in a row
    "G": r"[a-z0-9][a-z0-9-]{1,62}",  # a letter or digit first, a hyphen may be last
}

LENGTHS = (1, 2, 3, 62, 63, 64, 65, 255, 10_000)
"""The lengths that are tried, on both sides of the limits 2 and 63."""

DEPLOYED = r"[a-z](?!.*--)[a-z0-9\-@.+_]{1,62}(?<!-)\n?"
"""What the platform's code takes, which is no reading of the sentence."""

VENDOR = "meta/llama-3.3-70b-instruct"
"""The sentence's own example of an id that is refused."""

OTHER_VENDORS = ("meta/llama-3-70b", "nvidia/nemotron-4-340b", "Qwen/Qwen2.5-7B", "org/model:latest")


class Standing(StrEnum):
    """What the readings say of a name, taken together."""

    VALID = "valid"
    INVALID = "invalid"
    AMBIGUOUS = "ambiguous"


def standing(name: str) -> Standing:
    """Whether all readings take the name, none does, or they differ."""
    taken = {re.fullmatch(pattern, name) is not None for pattern in READINGS.values()}
    if len(taken) > 1:
        return Standing.AMBIGUOUS
    return Standing.VALID if True in taken else Standing.INVALID


@dataclass(frozen=True, slots=True)
class Case:
    """A name to try: what stands before and after a random word, which makes it one that nobody has registered."""

    label: str
    before: str = ""
    after: str = ""

    def name(self, word: str) -> str:
        return self.before + word + self.after


def _inside(label: str, text: str) -> Case:
    """`text` with two good characters before it, so that neither end of the name tells that it is wrong."""
    return Case(label, before=f"ab{text}")


ILL_FORMED: dict[str, tuple[Case, ...]] = {
    "upper": (
        Case("first letter in upper case", before="Ab"),
        Case("a middle letter in upper case", before="aBc"),
        Case("last letter in upper case", after="abC"),
        Case("nothing but upper case", before="ABC-", after="-XYZ"),
    ),
    "underscore": (_inside("underscore", "_"), Case("leading underscore", before="_"), Case("trailing _", after="_")),
    "dot": (Case("version with a dot", before="llama-3.1-"), _inside("dot", "."), Case("trailing dot", after=".")),
    "punctuation": tuple(_inside(f"mark {mark}", mark) for mark in string.punctuation if mark not in "-/_."),
    "whitespace": (
        Case("leading space", before=" "),
        Case("trailing space", after=" "),
        Case("trailing tab", after="\t"),
        Case("leading line feed", before="\n"),
        Case("trailing line feed", after="\n"),
        Case("trailing carriage return", after="\r"),
        Case("trailing no-break space", after="\u00a0"),
        _inside("space", " "),
        _inside("tab", "\t"),
        _inside("line feed", "\n"),
        _inside("carriage return", "\r"),
        _inside("NUL", "\0"),
        _inside("delete", "\x7f"),
        _inside("no-break space", "\u00a0"),
        _inside("ideographic space", "\u3000"),
    ),
    "lookalike": (
        _inside("Cyrillic a", "\u0430"),
        _inside("Greek omicron", "\u03bf"),
        _inside("fullwidth a", "\uff41"),
        _inside("Kelvin sign", "\u212a"),
        _inside("long s", "\u017f"),
        _inside("dotless i", "\u0131"),
        _inside("Arabic-Indic digit three", "\u0663"),
        _inside("superscript two", "\u00b2"),
        _inside("fullwidth digit one", "\uff11"),
        _inside("Unicode hyphen", "\u2010"),
        _inside("non-breaking hyphen", "\u2011"),
        _inside("minus sign", "\u2212"),
        _inside("soft hyphen", "\u00ad"),
        _inside("zero width joiner", "\u200d"),
        Case("trailing zero width space", after="\u200b"),
        _inside("e acute, composed", "\u00e9"),
        _inside("e acute, decomposed", "e\u0301"),
        _inside("grinning face", "\N{GRINNING FACE}"),
    ),
    "percent": (
        _inside("encoded hyphen", "%2D"),
        _inside("encoded space", "%20"),
        _inside("encoded letter", "%61"),
    ),
}
"""Names that no reading takes, by what is wrong with them."""

AMBIGUOUS = {
    "leading hyphen": "-{word}",
    "trailing hyphen": "{word}-",
    "two hyphens in a row": "ab--{word}",
    "leading digit": "7{word}",
    "nothing but digits": "{digits}",
    "nothing but hyphens": "--",
    "leading digit and trailing hyphen": "7{word}-",
}
"""Names on which the readings differ."""

TABLE = {
    "2 letters": "{two}",
    "letters and digits": "a{digits}",
    "63 characters": "{long}",
    "single hyphens": "meta-llama-3-3-70b-instruct-{word}",
    **AMBIGUOUS,
    "empty": "",
    "1 character": "{one}",
    "a hyphen alone": "-",
    "64 characters": "{long}a",
    "upper case": "Ab{word}",
    "dot": "llama-3.3-{word}",
    "underscore": "ab_{word}",
    "at sign": "ab@{word}",
    "plus": "ab+{word}",
    "space": "ab {word}",
    "trailing line feed": "{word}\n",
    "slash": "ab/{word}",
    "encoded slash": "ab%2F{word}",
    "accented letter": "\u00e9{word}",
    "Cyrillic letter": "\u0430{word}",
}
"""A name of every kind, for the table of names and readings."""

SLASHES = {
    "one segment too many": "{workspace}/{word}/ab",
    "trailing slash": "{workspace}/{word}/",
    "double slash": "{workspace}//{word}",
    "two trailing slashes": "{workspace}/{word}//",
    "a served model with a trailing slash": "{workspace}/{entity}/",
    "a served model after a double slash": "{workspace}//{entity}",
    "a served model with the workspace twice": "{workspace}/{workspace}/{entity}",
}
LEADING_SLASHES = {"leading slash": "/{word}", "a served model after a leading slash": "/{workspace}/{entity}"}
ENCODED_SLASH = {"a served model, its slash encoded": "{workspace}%2F{entity}"}
EMPTY = {"empty": "", "a slash alone": "/", "empty entity": "{workspace}/"}


def folded(kind: str, workspace: str, entity: str) -> Iterator[tuple[str, str]]:
    """(label, id) of ill-formed ids that a gateway which folds, trims, rewrites or decodes takes for a served one."""
    match kind:
        case "upper":
            yield "a served entity in upper case", f"{workspace}/{entity.upper()}"
        case "underscore" if "-" in entity:
            yield "a served entity, hyphens as underscores", f"{workspace}/{entity.replace('-', '_')}"
        case "dot" if "-" in entity:
            yield "a served entity, hyphens as dots", f"{workspace}/{entity.replace('-', '.')}"
        case "whitespace":
            yield "a served entity, then a space", f"{workspace}/{entity} "
        case "lookalike":
            wide = "".join(chr(ord(letter) + 0xFEE0) for letter in entity)
            yield "a served entity in fullwidth letters", f"{workspace}/{wide}"
        case "percent":
            yield "a served entity, first letter encoded", f"{workspace}/%{ord(entity[0]):02X}{entity[1:]}"


def word(chance: random.Random, length: int = 10) -> str:
    """Letters and digits, the first a letter: a good name of its own from two characters on."""
    letters = chance.choices(string.ascii_lowercase, k=1) + chance.choices(LETTERS_AND_DIGITS, k=max(length - 1, 0))
    return "".join(letters[:length])


def well_formed(chance: random.Random, count: int = 30) -> list[str]:
    """Names that every reading takes, of all lengths that are hard to hit by chance. Each letter and digit occurs."""
    names = [
        f"abcdefghijklmnopqrstuvwxyz-{word(chance)}",
        f"z9876543210-{word(chance)}",
        f"{word(chance)}0a",
        f"a-1-{word(chance)}-0",
        f"meta-llama-3-3-70b-instruct-{word(chance)}",
        "-".join(word(chance, 1) for _ in range(32)),
        word(chance, 30) + "-" + word(chance, 32),
        f"{word(chance, 61)}-{word(chance, 1)}",
        f"{word(chance, 1)}-{word(chance, 61)}",
        word(chance, 63),
    ]
    while len(names) < count:
        segments = [word(chance, 1 + chance.randrange(3)), *(_segment(chance) for _ in range(chance.randrange(1, 8)))]
        names.append("-".join([*segments, word(chance, 6)])[:63].rstrip("-"))
    return names


def digits(chance: random.Random, length: int = 10) -> str:
    return "".join(chance.choices(string.digits, k=length))


def consistent(taken: Mapping[str, bool]) -> list[str]:
    """The readings that take just those of these names that were taken."""
    return [
        reading
        for reading, pattern in READINGS.items()
        if all((re.fullmatch(pattern, name) is not None) is was for name, was in taken.items())
    ]


LETTERS_AND_DIGITS = string.ascii_lowercase + string.digits


def _segment(chance: random.Random) -> str:
    return "".join(chance.choices(LETTERS_AND_DIGITS, k=chance.randrange(1, 6)))
