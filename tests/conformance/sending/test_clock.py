"""Made-up time: hours pass in a moment, in the right order."""

import asyncio
import time

from conformance.rehearsing.clock import JumpingLoop


def test_waiting_takes_no_time_and_keeps_its_order() -> None:
    woken: list[tuple[str, float]] = []

    async def sleeper(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        woken.append((name, asyncio.get_running_loop().time()))

    async def go() -> None:
        await asyncio.gather(sleeper("late", 7200.0), sleeper("early", 0.5), sleeper("middle", 60.0))

    began = time.perf_counter()
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(go())
    assert [name for name, _ in woken] == ["early", "middle", "late"]
    assert [round(at, 6) for _, at in woken] == [0.5, 60.0, 7200.0]
    assert time.perf_counter() - began < 60


def test_another_thread_is_waited_for() -> None:
    async def go() -> str:
        return await asyncio.to_thread(lambda: time.sleep(0.05) or "done")

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        assert runner.run(go()) == "done"
