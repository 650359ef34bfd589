"""Registrations survive in a file; a file that is none, or is broken, is told in one line."""

import sqlite3
import stat
from dataclasses import replace
from pathlib import Path

import pytest

from reference_gateway.config import default_config, parse
from reference_gateway.registry import Model, Policy, Provider, Rate, RateLimit, Registry, Secret, UpstreamOptions
from reference_gateway.registry import changes as change
from reference_gateway.registry.sqlite import StateError, open_state

SEED = default_config().registry


def reopened(path: Path) -> Registry:
    registry, store = open_state(path, Registry())
    store.close()
    return registry


def test_a_new_file_holds_the_seed_and_nobody_else_may_read_it(tmp_path: Path) -> None:
    registry, store = open_state(tmp_path / "state", SEED)
    store.close()
    assert registry == SEED == reopened(tmp_path / "state")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o600


def test_an_empty_file_is_a_new_one(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    open_state(tmp_path / "state", SEED)[1].close()
    assert reopened(tmp_path / "state") == SEED


WAY = UpstreamOptions("http://up.example/v1", "sk-secret", {"x-a": "b"}, default_body={"user": "é\ud83d"})
NEW = Provider("new", "u1", "openai", "default", (Model("m", "m", "u2", alias="a", metadata={"k": [1]}),), WAY)


@pytest.mark.parametrize(
    "after",
    [
        change.with_provider(SEED, NEW),
        change.with_secret(SEED, Secret("default", "s", "value")),
        change.with_policy(SEED, Policy("u3", "read", "model:u2", "everybody")),
        change.with_rate_limit(SEED, RateLimit("u4", "tenant", request=Rate(1, 2, "1m"))),
        change.without_provider(SEED, SEED.providers[0].uuid),
        change.without_entity(SEED, SEED.workspaces[0], "mock-small"),
    ],
)
def test_every_change_is_found_again_and_can_be_undone(tmp_path: Path, after: Registry) -> None:
    for before, changed in ((SEED, after), (after, SEED)):
        registry, store = open_state(tmp_path / "state", SEED)
        assert sorted(registry.providers, key=str) == sorted(before.providers, key=str)
        store.save(registry, changed)
        store.close()
        assert sorted(reopened(tmp_path / "state").providers, key=str) == sorted(changed.providers, key=str)
        assert replace(reopened(tmp_path / "state"), providers=()) == replace(changed, providers=())


def test_the_seed_counts_once(tmp_path: Path) -> None:
    open_state(tmp_path / "state", SEED)[1].close()
    registry, store = open_state(tmp_path / "state", parse("").registry)
    store.close()
    assert registry == SEED


def broken(statement: str, path: Path) -> None:
    open_state(path, SEED)[1].close()
    with sqlite3.connect(path) as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 7",
        "DROP TABLE records",
        "UPDATE records SET body = '{'",
        "UPDATE records SET body = '[]'",
        "UPDATE records SET body = '{}'",
        "UPDATE records SET kind = 'strange'",
        "UPDATE records SET body = replace(body, 'chat/completions', 'chatter')",
    ],
)
def test_a_broken_file_is_told_in_one_line(tmp_path: Path, statement: str) -> None:
    broken(statement, tmp_path / "state")
    with pytest.raises(StateError) as raised:
        open_state(tmp_path / "state", SEED)
    assert str(raised.value).startswith(f"{tmp_path / 'state'}: ") and "\n" not in str(raised.value)


def test_what_is_no_state_file_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "text").write_bytes(b"hello " * 1000)
    foreign = sqlite3.connect(tmp_path / "foreign")
    foreign.execute("CREATE TABLE t (a)")
    foreign.close()
    for name, reason in (
        ("text", "not a state file"),
        ("foreign", "not a state file"),
        ("", "is a directory"),
        ("no/such", "no such file"),
    ):
        before = (tmp_path / name).read_bytes() if name in ("text", "foreign") else None
        with pytest.raises(StateError, match=reason):
            open_state(tmp_path / name, SEED)
        assert before is None or (tmp_path / name).read_bytes() == before


def test_two_gateways_do_not_share_a_file(tmp_path: Path) -> None:
    store = open_state(tmp_path / "state", SEED)[1]
    with pytest.raises(StateError, match="database is locked; does another gateway use it"):
        open_state(tmp_path / "state", SEED)
    store.close()
