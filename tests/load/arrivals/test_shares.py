"""A schedule split among processes is still the same schedule."""

import pytest

from load.arrivals.shares import Share, shares


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_every_arrival_is_of_exactly_one_process(count: int) -> None:
    split = shares([f"worker {n}" for n in range(count)], 100)
    assert all(sum(share.holds(number) for share in split.values()) == 1 for number in range(100))


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_what_may_be_open_adds_up(count: int) -> None:
    assert sum(share.max_in_flight for share in shares([str(n) for n in range(count)], 100).values()) == 100


def test_a_process_may_always_send_something() -> None:
    assert [share.max_in_flight for share in shares(["a", "b", "c"], 2).values()] == [1, 1, 1]


def test_a_process_alone_takes_all() -> None:
    assert all(Share().holds(number) for number in range(10))
