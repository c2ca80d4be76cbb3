"""The event loop on virtual time, which doesn't wait."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import aiohttp
import pytest
from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st

from importer.sandbox.virtual_time import EPOCH, VirtualTimeLoop, run


def loop_now() -> VirtualTimeLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    return loop


def test_hours_pass_at_once_on_the_loop_and_on_the_wall_clock() -> None:
    """If they didn't, the test would last for hours."""

    async def main() -> None:
        await asyncio.sleep(30 * 3600)
        assert loop_now().time() == pytest.approx(30 * 3600)
        assert loop_now().wall == pytest.approx(EPOCH + 30 * 3600)

    run(main())


def test_loop_begins_at_the_given_time() -> None:
    async def main() -> float:
        return loop_now().wall

    assert run(main(), start=1000.0) == 1000.0


@given(delays=st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
@settings(deadline=None, max_examples=50)
def test_timers_run_in_order_and_each_at_its_time(delays: list[float]) -> None:
    fired: list[tuple[float, float]] = []

    async def wait(delay: float) -> None:
        await asyncio.sleep(delay)
        fired.append((delay, loop_now().time()))

    async def main() -> None:
        await asyncio.gather(*(wait(delay) for delay in delays))

    run(main())
    assert [delay for delay, _ in fired] == sorted(delays)
    for delay, at in fired:
        assert at == pytest.approx(delay, abs=1e-6)


async def test_virtual_clock_stands_still_while_a_thread_works() -> None:
    release, loop = Event(), loop_now()
    timer = loop.create_task(asyncio.sleep(3600))
    # A callback that is ready now releases the thread; no timer may run before.
    job = loop.run_in_executor(None, release.wait, 10)
    await asyncio.sleep(0)
    release.set()
    assert await job
    assert loop.time() == 0
    assert not timer.done()
    timer.cancel()


def test_results_of_threads_arrive_before_the_next_timer_runs() -> None:
    async def main() -> list[float]:
        loop, seen = loop_now(), []
        with ThreadPoolExecutor(2) as pool:
            for second in range(1, 101):
                await asyncio.sleep(1)
                async with asyncio.timeout(0.001):  # virtual: threads take no time
                    await loop.run_in_executor(pool if second % 2 else None, int, "1")
                seen.append(loop.time())
        return seen

    assert run(main()) == pytest.approx([float(second) for second in range(1, 101)])


async def test_cancelled_job_stops_the_clock_until_its_thread_ends() -> None:
    loop, release = loop_now(), Event()
    job = loop.run_in_executor(None, release.wait, 10)
    job.cancel()
    await asyncio.sleep(0)
    held = [loop.waits_for_threads]
    release.set()
    await asyncio.sleep(60)
    assert [*held, loop.waits_for_threads] == [True, False]
    assert loop.time() == pytest.approx(60)


async def test_job_cancelled_before_it_began_does_not_stop_the_clock() -> None:
    loop, release = loop_now(), Event()
    with ThreadPoolExecutor(1) as pool:
        first = loop.run_in_executor(pool, release.wait, 10)
        second = loop.run_in_executor(pool, release.wait, 10)
        second.cancel()
        release.set()
        assert await first
        await asyncio.sleep(60)
    assert not loop.waits_for_threads


def test_error_of_a_job_is_raised_where_it_is_awaited() -> None:
    async def main() -> None:
        await loop_now().run_in_executor(None, int, "x")

    with pytest.raises(ValueError, match="invalid literal"):
        run(main())


def test_sockets_are_served_and_no_timeout_fires_while_data_is_in_flight() -> None:
    """Many requests with pauses of hours between them, and a short timeout for each."""
    seen: list[float] = []

    async def handle(request: web.Request) -> web.Response:
        seen.append(loop_now().time())
        await asyncio.sleep(0.5)
        return web.Response(body=await request.read() * 10)

    async def main() -> None:
        app = web.Application(client_max_size=2**30)
        app.router.add_post("/", handle)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}/"
        timeout = aiohttp.ClientTimeout(total=0.6)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            for _ in range(20):
                async with session.post(url, data=b"x" * 100_000) as response:
                    assert len(await response.read()) == 1_000_000
                await asyncio.sleep(3600)
        await runner.cleanup()

    run(main())
    assert seen == pytest.approx([turn * 3600.5 for turn in range(20)])


def test_loop_without_timers_waits_for_its_sockets() -> None:
    async def main() -> bytes:
        async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(await reader.readexactly(4))
            writer.close()

        server = await asyncio.start_server(echo, "127.0.0.1", 0)
        host, port = server.sockets[0].getsockname()
        reader, writer = await asyncio.open_connection(host, port)
        writer.write(b"ping")
        answer = await reader.read()
        writer.close()
        server.close()
        return answer

    assert run(main()) == b"ping"
