import asyncio
import gc
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, aclosing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import rtlab
from rtlab import loops
from rtlab.errors import NotRunning, PortInUse, UsageError
from rtlab.transports.http2_connection import PREFACE
from tests.ports import free_port

ROOT = Path(__file__).parents[1]
GUARD = 20.0  # seconds after which something hangs
NO_TIMEOUT_IS_SO_SHORT = 5.0  # seconds; the limits of the servers are 10 and more


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + GUARD
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.002)


def descriptors() -> int | None:
    """How many files and sockets this process has open."""
    with suppress(OSError):
        return len(os.listdir("/proc/self/fd"))
    return None


def pending_tasks() -> set[int]:
    return {
        id(thing)
        for thing in gc.get_objects()
        if issubclass(type(thing), asyncio.Task) and not thing.done()
    }


@contextmanager
def nothing_is_left() -> Iterator[None]:
    """Compares what is open, runs and waits before and after."""
    with rtlab.Lab():
        pass  # what the libraries open once and keep
    gc.collect()
    before = descriptors(), set(threading.enumerate()), pending_tasks(), sys.getswitchinterval()
    yield
    gc.collect()
    after = descriptors(), set(threading.enumerate()), pending_tasks(), sys.getswitchinterval()
    assert after == before
    assert loops._shared is None
    assert loops._users == 0


def connect(url: str) -> socket.socket:
    return socket.create_connection((urlsplit(url).hostname, urlsplit(url).port), timeout=GUARD)


def get(lab: rtlab.Lab, transport: str) -> socket.socket:
    """Open a connection and send a good request; for WebSocket a handshake."""
    lines = [f"GET {urlsplit(lab.url(transport)).path} HTTP/1.1", "Host: localhost"]
    if transport == "websocket":
        lines += ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"]
        lines += ["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    sock = connect(lab.url(transport))
    sock.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
    return sock


def arrived(lab: rtlab.Lab, count: int) -> bool:
    """Whether every server has accepted so many connections.

    asyncio itself forgets connections that it accepts while a listener is being closed.
    """
    for server in lab._servers.values():
        runner = getattr(server, "_runner", None)
        open_now = runner.server.connections if runner else server._endpoint._connections
        if len(open_now) != count:
            return False
    return True


# ── starting and stopping ──


def test_a_context_manager_starts_and_stops():
    lab = rtlab.Lab("polling")
    assert not lab.running
    with lab as entered:
        assert entered is lab
        assert lab.running
        url = lab.url("polling")
        connect(url).close()
    assert not lab.running
    with pytest.raises(ConnectionRefusedError):
        connect(url)


def test_starting_twice_changes_nothing():
    with rtlab.Lab("sse") as lab:
        lab.publish(1)
        url = lab.url("sse")
        assert lab.start() is lab
        assert (lab.url("sse"), lab.feed.last) == (url, 1)


def test_stopping_twice_or_before_the_start_does_no_harm():
    lab = rtlab.Lab("sse")
    lab.stop()
    lab.start()
    lab.stop()
    lab.stop()
    assert not lab.running


def test_a_stopped_lab_can_be_started_again_and_begins_anew():
    lab = rtlab.Lab("polling").start()
    lab.publish("of the first life")
    first = lab.feed
    lab.stop()
    with lab:
        assert lab.feed.last == 0
        assert lab.publish("of the second").seq == 1
    assert first.closed


@pytest.mark.parametrize("stopped", [False, True], ids=["never started", "stopped"])
@pytest.mark.parametrize(
    "use",
    [
        lambda lab: lab.publish(1),
        lambda lab: lab.url("sse"),
        lambda lab: lab.link("sse"),
        lambda lab: lab.impair(latency=0.1),
        lambda lab: lab.cut(),
        lambda lab: lab.reset("sse"),
    ],
    ids=["publish", "url", "link", "impair", "cut", "reset"],
)
def test_using_a_lab_that_does_not_run_says_what_to_do(use, stopped):
    lab = rtlab.Lab("sse")
    if stopped:
        lab.start()
        lab.stop()
    with pytest.raises(NotRunning, match=r"lab\.start\(\)"):
        use(lab)


def test_the_recording_can_be_read_after_the_stop():
    with rtlab.Lab("polling") as lab, get(lab, "polling") as sock:
        assert sock.recv(100)
    assert b"GET /messages" in lab.recording("polling").stream(1, "up")


def test_start_replaces_the_kernels_lab():
    first = rtlab.start("polling")
    second = rtlab.start("sse")
    assert not first.running
    assert second.running
    rtlab.stop()
    assert not second.running
    rtlab.stop()


def test_start_can_be_repeated_with_the_same_port():
    port = free_port()
    for _ in range(3):
        lab = rtlab.start("sse", ports={"sse": port})
        with get(lab, "sse") as sock:
            assert sock.recv(100)
        assert lab.link("sse").port == port


def test_a_start_with_a_bad_argument_leaves_the_running_lab_alone():
    lab = rtlab.start("polling")
    with pytest.raises(UsageError):
        rtlab.start("pollling")
    with pytest.raises(UsageError):
        rtlab.start(capacity=0)
    assert lab.running


def test_two_labs_run_beside_each_other_in_one_thread():
    with rtlab.Lab("sse") as one, rtlab.Lab("sse") as two:
        assert one.url("sse") != two.url("sse")
        one.publish("for one")
        assert two.feed.last == 0
        names = [thread.name for thread in threading.enumerate()]
        assert names.count("rtlab") == 1
    assert "rtlab" not in [thread.name for thread in threading.enumerate()]


def test_a_port_in_use_is_said_and_leaves_nothing_running():
    with socket.socket() as taken, nothing_is_left():
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        lab = rtlab.Lab(ports={"websocket": port})  # the last one, when all others run
        with pytest.raises(PortInUse, match=str(port)):
            lab.start()
        assert not lab.running
        lab.stop()


def test_a_lab_starts_after_its_port_has_become_free():
    taken = socket.socket()
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    lab = rtlab.Lab("sse", ports={"sse": taken.getsockname()[1]})
    with taken, pytest.raises(PortInUse):
        lab.start()
    with lab:
        assert lab.running


# ── nothing stays behind ──


def test_a_hundred_starts_and_stops_leave_no_file_thread_or_task():
    with nothing_is_left():
        for _ in range(100):
            with rtlab.Lab() as lab:
                lab.publish(1)


def test_starts_and_stops_with_open_clients_leave_nothing_either():
    with nothing_is_left():
        for _ in range(15):
            with ExitStack() as clients, rtlab.Lab() as lab:
                for transport in rtlab.TRANSPORTS:
                    clients.enter_context(get(lab, transport))
                    clients.enter_context(connect(lab.url(transport)))
                lab.publish(1)
                wait_until(lambda lab=lab: arrived(lab, 2))


async def test_subscribers_in_this_loop_end_with_what_the_stop_tells_them(quick):
    """After a stop clients find nobody, say so and try again; they neither crash nor spin."""
    reports: dict[str, list[rtlab.Report]] = {name: [] for name in rtlab.TRANSPORTS}

    def gave_up_hope(reports: list[rtlab.Report]) -> bool:
        return sum(report.state == "reconnecting" for report in reports) >= 3

    async def follow(lab: rtlab.Lab, transport: str) -> None:
        client = rtlab.subscribe(
            lab.url(transport),
            transport,
            backoff=quick(),
            listener=reports[transport].append,
            **({"period": 0.01} if transport == "polling" else {}),
        )
        async with aclosing(client):
            async for _ in client:
                pass

    with rtlab.Lab() as lab:
        lab.publish("hello")
        clients = [asyncio.create_task(follow(lab, name)) for name in rtlab.TRANSPORTS]
        async with asyncio.timeout(GUARD):
            while not all(any(r.state == "open" for r in reports[name]) for name in reports):
                await asyncio.sleep(0.002)
        lab.stop()
        async with asyncio.timeout(GUARD):
            while not all(gave_up_hope(reports[name]) for name in reports):
                await asyncio.sleep(0.002)
    for client in clients:
        assert not client.done()
        client.cancel()
    await asyncio.wait(clients)


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="sends a signal to one thread")
@pytest.mark.parametrize("servers", [1, 2, 3])
def test_an_interrupt_during_the_start_leaves_nothing_behind(servers):
    main = threading.main_thread().ident
    with nothing_is_left():
        for _ in range(10):
            lab = rtlab.Lab()

            def interrupt(lab: rtlab.Lab = lab) -> None:
                wait_busily(lambda: len(lab._servers) >= servers)
                signal.pthread_kill(main, signal.SIGINT)

            thread = threading.Thread(target=interrupt)
            thread.start()
            try:
                with pytest.raises(KeyboardInterrupt):
                    lab.start()
                    thread.join()  # or just after the start, if this machine was slow
            finally:
                thread.join()
                lab.stop()
            assert not lab.running


def wait_busily(condition: Callable[[], object]) -> None:
    end = time.monotonic() + GUARD
    while not condition() and time.monotonic() < end:
        time.sleep(0)


def test_a_stop_waits_for_nobody():
    """Not for streams, held requests, a silent WebSocket, half a header or one who never reads."""
    lab = rtlab.Lab().start()
    for _ in range(120):
        lab.publish("x" * 200_000)
    with ExitStack() as stack:
        for transport in rtlab.TRANSPORTS:
            for _ in range(3):
                stack.enter_context(get(lab, transport))
                half = stack.enter_context(connect(lab.url(transport)))
                half.sendall(b"GET / HTTP/1.1\r\nHost: loc")
                stack.enter_context(connect(lab.url(transport)))
        held = stack.enter_context(connect(lab.url("long_polling")))
        held.sendall(b"GET /wait?since=120&timeout=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stack.enter_context(connect(lab.url("websocket")))
        for transport in ("polling", "sse"):
            sock = stack.enter_context(connect(lab.url(transport, direct=True)))
            sock.sendall(f"GET {urlsplit(lab.url(transport)).path} HTTP/1.1\r\n".encode())
            sock.sendall(b"Host: localhost\r\n\r\n")
        wait_until(lambda: arrived(lab, 10))
        lab.impair("websocket", stalled=True)
        stopping = threading.Thread(target=lab.stop)
        stopping.start()
        stopping.join(NO_TIMEOUT_IS_SO_SHORT)
        assert not stopping.is_alive()
    assert not lab.running


def test_a_publisher_that_never_rests_leaves_the_lab_time_for_everything_else():
    end = time.monotonic() + GUARD  # or a lab that stands still would do so for ever
    enough = threading.Event()

    def publish() -> None:
        with suppress(NotRunning):
            while not enough.is_set() and time.monotonic() < end:
                lab.publish("x")

    with rtlab.Lab(["polling", "websocket"]) as lab, ExitStack() as readers:
        for _ in range(5):
            reader = readers.enter_context(get(lab, "websocket"))
            assert reader.recv(12) == b"HTTP/1.1 101"
            hello = b'{"since": "now"}'
            reader.sendall(b"\x81" + bytes([0x80 | len(hello)]) + bytes(4) + hello)
        wait_until(lambda: len(lab._servers["websocket"]._live) == 5)
        publisher = threading.Thread(target=publish)
        publisher.start()
        try:
            for _ in range(5):
                with get(lab, "polling") as sock:
                    assert sock.recv(12) == b"HTTP/1.1 200"
            lab.cut("websocket")
            assert time.monotonic() < end
        finally:
            enough.set()
            publisher.join()


def test_many_threads_may_start_the_kernels_lab_at_once():
    with nothing_is_left():
        labs, errors = [], []
        gate = threading.Barrier(8)

        def work() -> None:
            gate.wait()
            try:
                for _ in range(4):
                    labs.append(rtlab.start("sse"))
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []
        assert len(labs) == 32
        assert sum(lab.running for lab in labs) == 1
        rtlab.stop()


def test_many_threads_may_start_and_stop_labs_of_their_own():
    with nothing_is_left():
        errors = []

        def work() -> None:
            try:
                for _ in range(6):
                    with rtlab.Lab("polling") as lab, get(lab, "polling") as sock:
                        assert sock.recv(12) == b"HTTP/1.1 200"
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert errors == []


def test_many_threads_may_start_and_stop_one_lab():
    with nothing_is_left():
        lab, errors = rtlab.Lab("sse"), []

        def work() -> None:
            try:
                for _ in range(5):
                    lab.start()
                    with suppress(NotRunning):
                        lab.publish(1)
                    lab.stop()
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        lab.stop()
        assert errors == []


# ── HTTP/2 ──


def test_http2_is_there_for_who_asks_and_for_nobody_else():
    assert rtlab.TRANSPORTS == ("polling", "long_polling", "sse", "websocket")
    with rtlab.Lab() as lab, pytest.raises(UsageError, match="transport of this lab"):
        lab.url("http2")
    with rtlab.Lab([*rtlab.TRANSPORTS, "http2"], token=True) as lab:
        assert lab.transports == (*rtlab.TRANSPORTS, "http2")
        assert lab.url("http2").startswith("http://127.0.0.1:")
        assert lab.url("http2").endswith(f"/events?token={lab.token}")
        assert lab.url("http2", direct=True) != lab.url("http2")
        lab.impair(latency=0.5)
        assert lab.link("http2").impairment("down").latency == 0.5
        assert "http2" in repr(lab)


async def test_the_link_of_http2_records_impairs_and_cuts(quick):
    with rtlab.Lab(["sse", "http2"]) as lab:
        lab.impair("http2", latency=0.02)
        reports: list[rtlab.Report] = []
        options = {"over": "websocket", "listener": reports.append, "backoff": quick()}
        async with aclosing(rtlab.subscribe(lab.url("http2"), "http2", **options)) as stream:
            sent = lab.publish(1)
            delivery = await anext(stream)
            assert delivery.message == sent
            assert lab.cut() == lab.cut("sse") + 1  # and nobody is connected to the other one
            lab.publish(2)
            assert (await anext(stream)).message.seq == 2
        assert [report.state for report in reports].count("open") == 2
        assert lab.recording("http2").accepted == 2
        assert "message 2 (stream 1)" in lab.ladder().text


def test_starts_and_stops_with_http2_clients_leave_nothing(quick):
    async def use(lab: rtlab.Lab) -> None:
        streams = []
        for over in ("sse", "websocket"):
            streams.append(rtlab.subscribe(lab.url("http2"), "http2", over=over))
            await anext(streams[-1])
        for stream in streams:
            await stream.aclose()

    with rtlab.Lab("http2") as lab:
        lab.publish(1)
        asyncio.run(use(lab))
    with nothing_is_left():
        for _ in range(10):
            with ExitStack() as clients, rtlab.Lab("http2") as lab:
                lab.publish(1)
                for begun in (b"", b"PRI * HTTP/2.0", PREFACE, PREFACE + bytes(9)):
                    sock = clients.enter_context(connect(lab.url("http2")))
                    sock.sendall(begun)
                wait_until(lambda lab=lab: len(lab._servers["http2"]._connections) == 4)
                asyncio.run(use(lab))


CLIENTS = """
import asyncio, socket, sys, threading, time
from urllib.parse import urlsplit
import rtlab

lab = rtlab.start([*rtlab.TRANSPORTS, "http2"]){more}
socks = []
for name, path in [("sse", "/events"), ("long_polling", "/wait"), ("websocket", "/chat")]:
    sock = socket.create_connection(("127.0.0.1", urlsplit(lab.url(name)).port))
    sock.sendall(f"GET {{path}} HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n".encode())
    socks.append(sock)

async def follow(transport, **options):
    async for delivery in rtlab.subscribe(lab.url(transport), transport, **options):
        arrived.release()

arrived = threading.Semaphore(0)
def clients():
    async def main():
        async with asyncio.TaskGroup() as group:
            for transport in rtlab.TRANSPORTS:
                group.create_task(follow(transport))
            for over in ("sse", "websocket"):
                group.create_task(follow("http2", over=over))
    asyncio.run(main())

threading.Thread(target=clients, daemon=True).start()
lab.publish("hello")
for _ in range(6):
    assert arrived.acquire(timeout=20)
"""


@pytest.mark.parametrize(
    ("more", "end"),
    [
        ("", ""),
        ("\nother = rtlab.Lab('sse').start()", ""),
        ("", "sys.exit(0)"),
        ("", "rtlab.stop()"),
        ("", "lab.impair(latency=30)"),
        ("\nlink = rtlab.Link('127.0.0.1', lab.link('sse').port).start()", ""),
    ],
    ids=["one lab", "two labs", "sys.exit", "stopped", "a slow link", "a link of its own"],
)
def test_an_interpreter_with_a_running_lab_and_open_clients_exits_cleanly(more, end):
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-c", CLIENTS.format(more=more) + end],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    noise = [line for line in done.stderr.splitlines() if "ResourceWarning" not in line]
    assert (done.returncode, done.stdout) == (0, "")
    assert not [line for line in noise if "Traceback" in line or "Error" in line], done.stderr


def test_an_interpreter_says_nothing_when_it_exits_with_a_running_lab():
    done = subprocess.run(
        [sys.executable, "-c", CLIENTS.format(more="")],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


# ── names ──


@pytest.mark.parametrize(
    ("wrong", "nearest"),
    [
        ("websockets", "websocket"),
        ("long-polling", "long_polling"),
        ("SSE", "sse"),
        ("poling", "polling"),
        ("Long Polling", "long_polling"),
    ],
)
def test_a_wrong_name_is_answered_with_the_nearest_one(lab, wrong, nearest):
    for use in (lab.url, lab.link, lab.cut, lab.recording, rtlab.Lab):
        with pytest.raises(UsageError, match=f"Did you mean '{nearest}'"):
            use(wrong)


@pytest.mark.parametrize("wrong", [[], "", ["sse", "x"], 5, [None], [1]])
def test_transports_that_are_none_are_turned_down(wrong):
    with pytest.raises(UsageError, match="polling"):
        rtlab.Lab(wrong)


@pytest.mark.parametrize(
    "options",
    [
        *({"ports": {"sse": -1}}, {"ports": {"sse": 65_536}}, {"ports": {"sse": "80"}}),
        *({"ports": {"see": 80}}, {"capacity": 0}, {"capacity": 1.5}, {"token": ""}),
        *({"token": 5}, {"origins": ["localhost"]}),
    ],
    ids=str,
)
def test_options_that_cannot_be_used_are_turned_down_before_anything_starts(options):
    with nothing_is_left(), pytest.raises(UsageError):
        rtlab.Lab(**options).start()


def test_a_transport_that_this_lab_has_not_is_no_name_of_it():
    with rtlab.Lab(["sse", "sse", "polling"]) as lab:
        assert lab.transports == ("sse", "polling")
        with pytest.raises(UsageError, match="Known: sse, polling"):
            lab.url("websocket")


def test_an_impairment_that_cannot_be_used_changes_no_link(lab):
    lab.impair(latency=0.5)
    with pytest.raises(UsageError):
        lab.impair(latency=0.1, jitter=-1)
    assert {lab.link(name).impairment("up").latency for name in lab.transports} == {0.5}
    lab.impair("sse", "down")
    assert lab.link("sse").impairment("down").latency == 0
    assert lab.link("sse").impairment("up").latency == 0.5
    assert lab.link("polling").impairment("down").latency == 0.5


# ── what it looks like ──


def test_the_table_has_a_row_for_each_transport_and_counts(lab):
    lab.publish("x" * 100)
    with get(lab, "polling") as sock:
        wait_until(lambda: lab.recording("polling").down.received > 100)
        head, *rows = repr(lab).splitlines()
        assert head.split() == [
            "transport", "address", "clients", "requests", "messages", "bytes_up", "bytes_down",
        ]  # fmt: skip
        assert [row.split()[0] for row in rows] == list(rtlab.TRANSPORTS)
        name, address, clients, requests, messages, up, down = rows[0].split()
        recording = lab.recording("polling")
        assert (name, address, clients) == ("polling", lab.url("polling"), "1")
        assert (requests, messages) == ("1", "1")
        assert (int(up), int(down)) == (recording.up.received, recording.down.received)
        sock.close()
    wait_until(lambda: lab.rows()[0].clients == 0)


def test_the_html_table_has_the_same_rows(lab):
    html = lab._repr_html_()
    assert html.count("<tr>") == 5
    for transport in rtlab.TRANSPORTS:
        assert transport in html
        assert lab.url(transport) in html


@pytest.mark.parametrize("started", [False, True])
def test_a_lab_that_does_not_run_has_a_look_as_well(started):
    lab = rtlab.Lab("sse")
    if started:
        lab.start()
        lab.stop()
    assert ("stopped" if started else "not started") in repr(lab)
    assert ("stopped" if started else "not started") in lab._repr_html_()
    assert "<Lab" not in lab._repr_html_()


def test_a_token_is_in_no_table():
    with rtlab.Lab(token="s3cret-~") as lab:
        assert "s3cret" in lab.url("sse")
        assert "s3cret" not in repr(lab) + lab._repr_html_()


def test_what_crossed_the_wire_cannot_write_html(lab):
    evil = "<img src=x onerror=alert(1)><script>"
    lab.publish(evil)
    with connect(lab.url("polling")) as sock:
        sock.sendall(f"GET /messages?{evil} HTTP/1.1\r\nHost: {evil}\r\n\r\n".encode())
        assert sock.recv(100)
    with get(lab, "polling") as sock:
        assert sock.recv(100)
    pages = [lab._repr_html_()]
    if (ROOT / "rtlab/render/ladder.py").exists():
        pages.append(lab.ladder()._repr_html_())
    for page in pages:
        assert "<img" not in page
        assert "<script" not in page


def test_what_clients_did_is_in_the_log_and_not_in_the_cell(lab, capfd):
    with connect(lab.url("sse")) as sock:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        assert b"403" in sock.recv(100)
    assert any("evil.example" in line for line in lab.log())
    assert capfd.readouterr() == ("", "")


def test_cut_and_reset_say_how_many_connections_there_were(lab):
    with get(lab, "sse") as one, get(lab, "sse") as two, get(lab, "polling") as three:
        assert all(sock.recv(10) for sock in (one, two, three))
        assert lab.cut("sse") == 2
        assert lab.reset() == 1
        assert lab.cut() == 0


def test_a_lab_that_is_started_again_is_still_the_kernels():
    lab = rtlab.start()
    rtlab.stop()
    lab.start()
    rtlab.stop()
    assert not lab.running
    lab.start()
    other = rtlab.start()
    assert not lab.running and other.running


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda lab: lab.impair("satellite"), r"impair\(profile='satellite'\)"),
        (lambda lab: lab.impair(0.08), r"latency=0\.08"),
        (lambda lab: lab.impair(stalled="no"), "True or False"),
        (lambda lab: rtlab.Lab(ports=8000), "ports must be a dict"),
        (lambda lab: rtlab.Lab("sse", ports={"websocket": 1}), "transport of this lab"),
        (lambda lab: rtlab.Lab(ports={"sse": 80_000}), "whole number, 0 to 65535"),
        (lambda lab: rtlab.Lab(heartbeat=0), "heartbeat must be more than 0 seconds"),
        (lambda lab: rtlab.compare_sync(size=100), "argument 'size'. Did you mean 'payload_size'"),
        (lambda lab: rtlab.compare_sync(latencey=1), "Did you mean 'latency'"),
    ],
)
def test_near_misses_are_understood(lab, call, words):
    with pytest.raises(UsageError, match=words):
        call(lab)


def test_one_origin_may_be_given_as_text():
    assert rtlab.Lab(origins="https://hub.example.org")._gate.origin_passes(
        "https://hub.example.org"
    )


def test_the_sources_can_be_asked_for_in_a_fresh_kernel():
    code = "import rtlab; assert 'EventSource' in rtlab.transports.sse.__doc__; rtlab.feed.Feed"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_conditions_are_described_in_full():
    up = rtlab.Impairment(jitter=0.05, bandwidth=5000)
    assert up.describe() == "0 ± 50 ms, 5 kB/s"
    scenario = rtlab.Scenario(up=up, down=rtlab.Impairment(cut_after=300))
    assert "0 ± 50 ms, 5 kB/s up, cut after 300 B down" in scenario.describe()


def test_a_lab_with_a_name_stands_beside_the_others() -> None:
    first, second = rtlab.start("sse"), rtlab.start("sse", name="second")
    assert first.running and second.running
    third = rtlab.start("sse", name="second")
    assert first.running and third.running
    assert not second.running
    rtlab.stop()
    assert not first.running and not third.running
