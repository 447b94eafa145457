import asyncio
import contextvars
import signal
import sys
import threading
import time

import pytest

from rtlab import loops
from rtlab.log import ring
from rtlab.loops import LoopThread


@pytest.fixture
def thread():
    with_loop = LoopThread("tested").start()
    yield with_loop
    with_loop.stop()


async def current():
    return threading.current_thread()


def test_work_runs_in_a_daemon_thread_of_its_own(thread):
    where = thread.call(current())
    assert where is not threading.current_thread()
    assert where.daemon and where.name == "tested"


def test_an_error_comes_back_to_who_called(thread):
    async def fail():
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        thread.call(fail())


def test_the_loop_runs_on_while_the_caller_computes(thread):
    ticks = []

    async def tick():
        while True:
            ticks.append(None)
            await asyncio.sleep(0)

    ticking = thread.submit(tick())
    deadline = time.monotonic() + 30
    while len(ticks) < 1000 and time.monotonic() < deadline:
        pass  # a busy cell
    ticking.cancel()
    assert len(ticks) >= 1000


def test_soon_runs_a_function_in_the_loop(thread):
    done = threading.Event()
    thread.soon(done.set)
    assert done.wait(30)


def test_waiting_for_itself_is_refused_instead_of_hanging(thread):
    async def nest():
        thread.call(current())

    with pytest.raises(RuntimeError, match="wait for itself"):
        thread.call(nest())


@pytest.mark.skipif(sys.platform == "win32", reason="no signal to one thread on Windows")
def test_an_interrupted_call_is_cancelled_in_the_loop(thread, request):
    # A test run in the background of a shell ignores Ctrl-C.
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)
    request.addfinalizer(lambda: signal.signal(signal.SIGINT, usual))
    cancelled = threading.Event()

    async def work():
        await asyncio.sleep(0.05)  # by then the call waits for its result
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.set()

    with pytest.raises(KeyboardInterrupt):
        thread.call(work())
    assert cancelled.wait(30)


def test_stopping_cancels_what_still_runs_and_closes_the_loop():
    thread = LoopThread().start()
    cancelled = []

    async def work():
        try:
            await asyncio.sleep(3600)
        finally:
            cancelled.append(True)

    thread.submit(work())
    thread.call(asyncio.sleep(0))
    thread.stop()
    assert cancelled and thread.loop.is_closed()


def test_work_for_a_thread_that_has_ended_is_refused():
    thread = LoopThread().start()
    thread.stop()
    with pytest.raises(RuntimeError):
        thread.call(current())


def test_the_thread_sees_the_context_of_who_made_it():
    # ipykernel 7.0 dies in a plain thread, which has an empty context.
    variable = contextvars.ContextVar("variable", default="empty")
    variable.set("set")
    seen = []

    class Looking(LoopThread):
        def _main(self):
            seen.append(variable.get())
            super()._main()

    Looking().start().stop()
    assert seen == ["set"]


def test_threads_take_turns_more_often_while_a_loop_thread_runs():
    before = sys.getswitchinterval()
    first, second = LoopThread().start(), LoopThread().start()
    assert sys.getswitchinterval() == pytest.approx(min(loops.SWITCH_INTERVAL, before), rel=0.01)
    first.stop()
    assert sys.getswitchinterval() == pytest.approx(min(loops.SWITCH_INTERVAL, before), rel=0.01)
    second.stop()
    assert sys.getswitchinterval() == before


def test_an_error_that_nobody_waits_for_goes_to_the_log_and_not_to_a_cell(thread, capsys):
    def fail():
        raise ValueError("nobody waits for this")

    thread.soon(fail)
    thread.call(asyncio.sleep(0))
    assert any("nobody waits for this" in line for line in ring.lines)
    assert capsys.readouterr() == ("", "")


def test_a_timer_never_fires_early_and_timers_fire_in_order(thread):
    async def measure():
        loop = asyncio.get_running_loop()
        fired, done = [], loop.create_future()
        begin = time.perf_counter()
        delays = [0.0, 0.0003, 0.0011, 0.0019, 0.0021, 0.0034, 0.0052, 0.0103]
        for delay in reversed(delays):
            loop.call_later(delay, lambda delay=delay: fired.append((delay, time.perf_counter())))
        loop.call_later(0.02, done.set_result, None)
        await done
        return delays, [(delay, at - begin) for delay, at in fired]

    delays, fired = thread.call(measure())
    assert [delay for delay, _ in fired] == delays
    # asyncio lets a timer fire one clock tick early.
    tick = time.get_clock_info("monotonic").resolution
    assert all(waited >= delay - tick for delay, waited in fired)


@pytest.mark.skipif(sys.platform != "linux", reason="only epoll counts in whole milliseconds")
def test_a_timer_is_more_exact_than_what_epoll_can_count(thread):
    async def least_late(delay=0.0031):
        # The best of many: a busy machine is late now and then, epoll alone is each time.
        late = []
        for _ in range(40):
            begin = time.perf_counter()
            await asyncio.sleep(delay)
            late.append(time.perf_counter() - begin - delay)
        return min(late)

    assert thread.call(least_late()) < asyncio.run(least_late()) / 2


def test_the_shared_thread_lives_from_the_first_use_to_the_last():
    first = loops.acquire()
    second = loops.acquire()
    assert first is second
    loops.release()
    assert first.call(current()).is_alive()
    loops.release()
    assert first.loop.is_closed()
    third = loops.acquire()
    assert third is not first
    loops.release()


def test_the_shared_thread_can_be_used_from_many_threads_at_once():
    failures = []

    def use():
        try:
            for _ in range(20):
                loops.acquire().call(current())
                loops.release()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=use) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert loops._shared is None and loops._users == 0
