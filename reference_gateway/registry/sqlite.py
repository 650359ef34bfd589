"""Registrations in an SQLite file: one row for each provider, workspace, secret, policy and rate limit."""

import json
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from reference_gateway.call import Endpoint, Json
from reference_gateway.registry.records import (
    Entity,
    Model,
    Policy,
    Provider,
    Rate,
    RateLimit,
    Secret,
    UpstreamOptions,
    Workspace,
)
from reference_gateway.registry.registry import Registry

APPLICATION_ID = 0x47505246  # "GPRF"
VERSION = 1


class StateError(Exception):
    """The state file can't be used; the message is one line, with the file's name in it."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """How the records of one of the registry's tuples become rows."""

    key: Callable[[Any], str]
    read: Callable[[Json], Any]


def open_state(path: Path, seed: Registry) -> tuple[Registry, "SqliteStore"]:
    """The registry in this file, which holds the seed from now on if it is new. Raises StateError."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))  # providers' keys are in it
        connection = sqlite3.connect(path, isolation_level=None, timeout=0.5, check_same_thread=False)
        try:
            return _open(connection, seed)
        except BaseException:
            connection.close()
            raise
    except OSError as error:
        raise StateError(f"{path}: {(error.strerror or str(error)).lower()}") from None
    except sqlite3.OperationalError as error:
        raise StateError(f"{path}: {error}; does another gateway use it?") from None
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, AttributeError):
        raise StateError(f"{path}: not a state file of this gateway, or a broken one") from None


class SqliteStore:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def save(self, before: Registry, after: Registry) -> None:
        """Writes the records that differ, all or none of them."""
        with self._connection:
            self._connection.execute("BEGIN")
            for name, kind in _KINDS.items():
                old = {kind.key(each): each for each in getattr(before, name)}
                new = {kind.key(each): each for each in getattr(after, name)}
                gone = [(name, key) for key in old.keys() - new.keys()]
                self._connection.executemany("DELETE FROM records WHERE kind = ? AND key = ?", gone)
                rows = [(name, key, _text(each)) for key, each in new.items() if old.get(key) is not each]
                self._connection.executemany(
                    "INSERT INTO records (kind, key, body) VALUES (?, ?, ?) "
                    "ON CONFLICT (kind, key) DO UPDATE SET body = excluded.body",
                    rows,
                )

    def close(self) -> None:
        self._connection.close()


def _open(connection: sqlite3.Connection, seed: Registry) -> tuple[Registry, SqliteStore]:
    """Rows keep the order in which they were first written: it is that of the registry."""
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")  # of two gateways, each would undo the other's changes
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("BEGIN EXCLUSIVE")
    connection.execute("COMMIT")
    store = SqliteStore(connection)
    marks = [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")]
    if marks == [0, 0] and connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,):
        with connection:
            connection.execute("BEGIN")
            connection.execute(
                "CREATE TABLE records (number INTEGER PRIMARY KEY, kind TEXT, key TEXT, body TEXT, UNIQUE (kind, key))"
            )
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        store.save(Registry(), seed)
        return seed, store
    if marks != [APPLICATION_ID, VERSION]:
        raise ValueError("another program's file, or another version's")
    found: dict[str, list[Any]] = {name: [] for name in _KINDS}
    for name, body in connection.execute("SELECT kind, body FROM records ORDER BY number"):
        found[name].append(_KINDS[name].read(json.loads(body)))
    return Registry(**{name: tuple(each) for name, each in found.items()}), store


def _text(record: Any) -> str:
    return json.dumps(asdict(record), default=sorted)


def _provider(body: Json) -> Provider:
    models = tuple(_model(each) for each in body["models"])
    upstream = None if body["upstream"] is None else UpstreamOptions(**body["upstream"])
    return Provider(**{**body, "models": models, "upstream": upstream})


def _model(body: Json) -> Model:
    endpoints = frozenset(Endpoint(each) for each in body["endpoints"])
    return Model(**{**body, "endpoints": endpoints, "entities": frozenset(body["entities"])})


def _workspace(body: Json) -> Workspace:
    return Workspace(body["name"], tuple(Entity(**each) for each in body["entities"]))


def _rate_limit(body: Json) -> RateLimit:
    rates = {name: None if body[name] is None else Rate(**body[name]) for name in ("request", "token")}
    return RateLimit(**{**body, **rates})


_KINDS: Mapping[str, _Kind] = {
    "workspaces": _Kind(lambda each: str(each.name), _workspace),
    "providers": _Kind(lambda each: str(each.uuid), _provider),
    "secrets": _Kind(lambda each: f"{each.workspace}/{each.name}", lambda body: Secret(**body)),
    "policies": _Kind(lambda each: str(each.uuid), lambda body: Policy(**body)),
    "rate_limits": _Kind(lambda each: str(each.uuid), _rate_limit),
}
