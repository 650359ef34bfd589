"""Who is let in next when all slots are taken."""

import asyncio

from conformance.sending.slots import Slots


def test_the_lowest_rank_goes_first_and_then_who_came_first() -> None:
    async def go() -> list[str]:
        slots, order = Slots(1), []

        async def work(name: str, rank: int) -> None:
            await slots.acquire(rank)
            order.append(name)
            await asyncio.sleep(0)
            slots.release()

        await asyncio.gather(*(work(*who) for who in (("a", 9), ("b", 2), ("c", 1), ("d", 2))))
        return order

    assert asyncio.run(go()) == ["a", "c", "b", "d"]


def test_no_more_than_the_given_number_are_in_at_once() -> None:
    async def go() -> int:
        slots, inside, most = Slots(3), 0, 0

        async def work(rank: int) -> None:
            nonlocal inside, most
            await slots.acquire(rank)
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.001)
            inside -= 1
            slots.release()

        await asyncio.gather(*(work(rank) for rank in range(20)))
        return most

    assert asyncio.run(go()) == 3


def test_one_that_gives_up_waiting_takes_no_slot() -> None:
    async def go() -> bool:
        slots = Slots(1)
        await slots.acquire()
        waiting = asyncio.ensure_future(slots.acquire())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        slots.release()
        await asyncio.wait_for(slots.acquire(), 1)
        return True

    assert asyncio.run(go())


def test_throttling_halves_them_once_for_all_that_were_in_flight() -> None:
    async def go() -> list[int]:
        slots, inside, most = Slots(8), 0, [0, 0, 0]

        async def work(round: int, *, refused: bool) -> None:
            nonlocal inside
            async with slots.held() as turn:
                inside += 1
                most[round] = max(most[round], inside)
                await asyncio.sleep(0.001)
                inside -= 1
                if refused:
                    slots.narrow(turn, 0.01)
                else:
                    slots.widen()

        await asyncio.gather(*(work(0, refused=True) for _ in range(8)))
        await asyncio.gather(*(work(1, refused=False) for _ in range(4 * 12)))
        await asyncio.gather(*(work(2, refused=False) for _ in range(20)))
        return most

    assert asyncio.run(go()) == [8, 4, 5]


def test_nobody_is_let_in_during_the_pause() -> None:
    async def go() -> float:
        slots, loop = Slots(4), asyncio.get_running_loop()
        async with slots.held() as turn:
            slots.narrow(turn, 0.05)
        began = loop.time()
        async with slots.held():
            return loop.time() - began

    assert asyncio.run(go()) >= 0.04


def test_what_throttling_did_is_undone() -> None:
    async def go() -> bool:
        slots = Slots(2)
        async with slots.held() as turn:
            slots.narrow(turn, 60.0)
        slots.open()
        async with slots.held(), asyncio.timeout(1), slots.held():
            return True

    assert asyncio.run(go())
