"""The nearest known name, for whoever misspelt one."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """ ", did you mean 'model'?" where one of the known names is like this one, "" where none is."""
    near = get_close_matches(word, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else ""
