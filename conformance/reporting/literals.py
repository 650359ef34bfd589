"""Python expressions for texts, bytes and JSON values, in which keys are read from the environment."""

import json
import re
from collections.abc import Callable
from typing import Any

from conformance.exchange import escaped
from conformance.target import Target, is_secret_header

WIDTH = 100
_RUN = re.compile(r"(.{1,12}?)\1{39,}", re.DOTALL)
"""A piece that comes forty times or more, one after another."""


class Literals:
    """Python expressions, with every secret of the target read from the environment."""

    def __init__(self, target: Target) -> None:
        self._variables: dict[str, str] = {}
        for name, value in target.headers:
            if is_secret_header(name) and value:
                self._variables[value] = name.upper().replace("-", "_")
        for secret, variable in ((target.restricted_api_key, "RESTRICTED_API_KEY"), (target.api_key, "API_KEY")):
            if secret:
                self._variables[secret] = variable
        longest_first = sorted(self._variables, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def knows(self, text: str) -> bool:
        """Whether this is a secret of the target, which is read from the environment."""
        return text in self._variables

    def text(self, text: str) -> str:
        """An expression for this text."""
        return " + ".join(piece if is_key else _repeated(piece, quoted) for piece, is_key in self._pieces(text))

    def data(self, data: bytes) -> str:
        """An expression for these bytes."""
        found = []
        for piece, is_key in self._pieces(data.decode("latin-1")):
            found.append(f"{piece}.encode()" if is_key else _repeated(piece, _bytes))
        return " + ".join(found)

    def body(self, data: bytes) -> str:
        """An expression for a body, readable where it is UTF-8."""
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError:
            return self.data(data)
        if text.isascii():
            return self.data(data)
        written = self.text(text)
        return f"({written}).encode()"

    def value(self, value: Any, indent: int = 0) -> str:
        """An expression for a JSON value, over several lines where it is long."""
        flat = self._flat(value)
        if len(flat) + indent <= WIDTH or not isinstance(value, dict | list):
            return flat
        inner = " " * (indent + 4)
        if isinstance(value, dict):
            lines = [f"{quoted(key)}: {self.value(item, indent + 4)}," for key, item in value.items()]
            return "\n".join(["{", *(inner + line for line in lines), " " * indent + "}"])
        lines = [f"{self.value(item, indent + 4)}," for item in value]
        return "\n".join(["[", *(inner + line for line in lines), " " * indent + "]"])

    def _flat(self, value: Any) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{quoted(key)}: {self._flat(item)}" for key, item in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ", ".join(map(self._flat, value)) + "]"
        return self.text(value) if isinstance(value, str) else repr(value)

    def _pieces(self, text: str) -> list[tuple[str, bool]]:
        """The text in pieces: as it stands, or (…, True) for an expression that reads a key."""
        found, at = [], 0
        for secret in self._known.finditer(text) if self._known else ():
            found += [(text[at : secret.start()], False)] if secret.start() > at else []
            found.append((f'os.environ["{self._variables[secret[0]]}"]', True))
            at = secret.end()
        return [*found, (text[at:], False)] if at < len(text) or not found else found


def quoted(text: str) -> str:
    """A string literal that holds no control character."""
    return escaped(json.dumps(text, ensure_ascii=False), "")


def _bytes(text: str) -> str:
    return repr(text.encode("latin-1"))


def _repeated(text: str, written: Callable[[str], str]) -> str:
    """The text as an expression that says once what comes again and again."""
    if len(text) < 400:
        return written(text)
    found, at = [], 0
    for run in _RUN.finditer(text):
        found += [written(text[at : run.start()])] if run.start() > at else []
        found.append(f"{written(run[1])} * {len(run[0]) // len(run[1])}")
        at = run.end()
    return " + ".join([*found, written(text[at:])] if at < len(text) else found)
