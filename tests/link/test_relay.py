import asyncio
import random
import socket
import threading
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from peers import eventually, stage

from rtlab import loops
from rtlab.errors import NotRunning, PortInUse, UsageError
from rtlab.link import Link
from rtlab.link.impairment import BACKLOG, WINDOW, Impairment
from rtlab.sockets import listen
from tests.ports import free_port

MEGABYTE = 1 << 20
PIECES = st.lists(st.binary(min_size=1, max_size=1500), max_size=8)
SLOW = st.fixed_dictionaries(
    {},
    optional={
        "latency": st.floats(0, 0.004),
        "jitter": st.floats(0, 0.004),
        "bandwidth": st.floats(500_000, 1e9),
        "slicing": st.integers(100, 5000),
    },
)


def noise(size, seed=0):
    return random.Random(seed).randbytes(size)


def ends(link, direction):
    return [s.end for s in link.recording if s.direction == direction and s.end]


# ── nothing lost, nothing added, nothing swapped ──


@settings(max_examples=40, deadline=None)
@given(PIECES, PIECES, SLOW, SLOW)
def test_both_directions_carry_every_byte_in_order_at_once(up, down, slow_up, slow_down):
    async def talk():
        async with stage() as s:
            s.link.impair("up", **slow_up)
            s.link.impair("down", **slow_down)
            client, server = await s.connection()

            async def say(peer, pieces):
                await peer.send(*pieces)
                peer.end()

            at_client, at_server, _, _ = await asyncio.gather(
                client.rest(), server.rest(), say(client, up), say(server, down)
            )
            assert at_server == (b"".join(up), "eof")
            assert at_client == (b"".join(down), "eof")
            await eventually(lambda: s.link.recording.open_connections == 0)
            recording = s.link.recording
            for direction, pieces in (("up", up), ("down", down)):
                totals, size = recording.totals(direction), sum(map(len, pieces))
                assert recording.stream(1, direction) == b"".join(pieces)
                assert totals.received == totals.forwarded == size
                assert ends(s.link, direction) == ["eof"]

    asyncio.run(talk())


@pytest.mark.parametrize("impairment", [{}, {"latency": 0.001}, {"slicing": 40_000}])
async def test_a_large_answer_arrives_whole(impairment):
    data = noise(5 * MEGABYTE)
    async with stage(**impairment) as s:
        client, server = await s.connection()
        sending = asyncio.create_task(server.send(data))
        assert await client.read(len(data)) == data
        await sending


async def test_segments_are_recorded_in_order_with_true_offsets_and_times():
    async with stage(latency=0.001) as s:
        client, server = await s.connection()
        for size in range(1, 20):
            await client.send(bytes(size))
            await server.read(size)
            await server.send(bytes(2 * size))
            await client.read(2 * size)
        for direction in ("up", "down"):
            segments = [seg for seg in s.link.recording if seg.direction == direction]
            for before, after in pairwise(segments):
                assert after.offset == before.offset + len(before.data)
                assert after.received_ns >= before.received_ns
                assert after.forwarded_ns >= before.forwarded_ns
            assert all(seg.forwarded_ns > seg.received_ns for seg in segments)


async def test_many_connections_do_not_mix():
    async with stage() as s:
        pairs = [await s.connection() for _ in range(50)]
        for number, (client, server) in enumerate(pairs, 1):
            await client.send(b"up %d" % number)
            await server.send(b"down %d" % number)
        for number, (client, server) in enumerate(pairs, 1):
            client.end()
            server.end()
            assert await server.rest() == (b"up %d" % number, "eof")
            assert await client.rest() == (b"down %d" % number, "eof")
            assert s.link.recording.stream(number, "up") == b"up %d" % number
        assert s.link.recording.accepted == 50
        await eventually(lambda: s.link.recording.open_connections == 0)


async def test_a_connection_is_recorded_with_both_addresses_and_its_times():
    async with stage() as s:
        client, server = await s.connection()
        (connection,) = s.link.recording.connections
        assert connection.client == client.sock.getsockname()
        assert connection.server == s.link.server == server.sock.getsockname()
        assert connection.closed_ns is None and connection.error is None
        client.close()
        server.close()
        await eventually(lambda: connection.closed_ns is not None)
        assert connection.closed_ns > connection.opened_ns


async def test_small_segments_do_not_wait_to_fill_a_packet_on_either_side():
    async with stage() as s:
        client, server = await s.connection()
        await client.send(b"x")
        await server.read(1)
        (pair,) = s.link._pairs
        for end in (pair.client, pair.server):
            sock = end.transport.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


# ── how a stream ends ──


@pytest.mark.parametrize("impairment", [{}, {"latency": 0.005}])
async def test_a_client_that_has_said_all_still_gets_its_answer(impairment):
    async with stage(**impairment) as s:
        client, server = await s.connection()
        await client.send(b"question")
        client.end()
        assert await server.rest() == (b"question", "eof")
        await server.send(b"answer")
        server.end()
        assert await client.rest() == (b"answer", "eof")


@pytest.mark.parametrize("impairment", [{}, {"latency": 0.005}])
async def test_a_server_that_has_said_all_still_listens(impairment):
    async with stage(**impairment) as s:
        client, server = await s.connection()
        server.end()
        assert await client.rest() == (b"", "eof")
        await client.send(b"thanks")
        client.end()
        assert await server.rest() == (b"thanks", "eof")


@pytest.mark.parametrize("impairment", [{}, {"latency": 0.005}])
@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_reset_passes_as_a_reset_and_after_the_bytes_before_it(impairment, direction):
    async with stage(**impairment) as s:
        client, server = await s.connection()
        sender, receiver = (client, server) if direction == "up" else (server, client)
        await sender.send(b"last words")
        await eventually(lambda: s.link.recording.totals(direction).received == 10)
        sender.reset()
        assert await receiver.rest() == (b"last words", "reset")
        assert ends(s.link, direction) == ["reset"]


@pytest.mark.parametrize("impairment", [{}, {"latency": 0.005}])
@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_reset_passes_even_after_an_orderly_end(impairment, direction):
    async with stage(**impairment) as s:
        client, server = await s.connection()
        sender, receiver = (client, server) if direction == "up" else (server, client)
        sender.end()
        assert await receiver.rest() == (b"", "eof")
        sender.close()  # whatever comes now is answered with a reset

        async def talk_on():
            while True:
                await receiver.send(b"are you still there?")
                await asyncio.sleep(0)

        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            await talk_on()
        await eventually(lambda: s.link.recording.open_connections == 0)


@pytest.mark.parametrize(("order", "ending"), [("cut", "eof"), ("reset", "reset")])
@pytest.mark.parametrize("impairment", [{}, {"latency": 0.001}])
async def test_every_connection_is_broken_at_once_on_demand(order, ending, impairment):
    async with stage(**impairment) as s:
        pairs = [await s.connection() for _ in range(3)]
        for client, server in pairs:
            await client.send(b"x")
            await server.read(1)
        assert getattr(s.link, order)() == 3
        for client, server in pairs:
            assert await client.rest() == (b"", ending)
            assert await server.rest() == (b"", ending)
        assert ends(s.link, "up") == ends(s.link, "down") == [order] * 3
        await eventually(lambda: s.link.recording.open_connections == 0)
        assert getattr(s.link, order)() == 0


async def test_what_is_on_the_way_when_a_connection_is_cut_is_lost_and_the_count_says_so():
    async with stage(latency=60) as s:
        client, server = await s.connection()
        await client.send(b"never arrives")
        await eventually(lambda: s.link.recording.up.received == 13)
        s.link.cut()
        assert await server.rest() == (b"", "eof")
        assert s.link.recording.up.forwarded == 0
        (lost,) = (seg for seg in s.link.recording if seg.data)
        assert lost.forwarded_ns is None


async def test_a_cut_is_an_orderly_end_even_for_who_was_about_to_say_more():
    async with stage(stalled=True) as s:
        client, server = await s.connection()
        sending = asyncio.create_task(client.send(noise(24 * MEGABYTE)))
        await eventually(lambda: s.link.recording.up.received > WINDOW)
        sending.cancel()
        s.link.cut()
        assert await client.rest() == (b"", "eof")
        assert await server.rest() == (b"", "eof")


async def test_a_cut_connection_can_be_opened_again():
    async with stage() as s:
        await s.connection()
        s.link.cut()
        client, server = await s.connection()
        await client.send(b"again")
        assert await server.read(5) == b"again"


# ── cut_after, reset_after ──


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([("cut_after", "eof"), ("reset_after", "reset")]),
    st.sampled_from(["up", "down"]),
    st.integers(1, 3000),
    st.lists(st.integers(1, 1500), min_size=1, max_size=6),
    st.sampled_from([{}, {"latency": 0.002}, {"slicing": 200}, {"bandwidth": 1e6}]),
)
def test_a_connection_ends_exactly_after_so_many_bytes(kind, direction, limit, sizes, slow):
    (setting, ending), sent = kind, noise(sum(sizes))

    async def talk():
        async with stage() as s:
            s.link.impair(direction, **{setting: limit}, **slow)
            client, server = await s.connection()
            sender, receiver = (client, server) if direction == "up" else (server, client)
            start = 0
            try:
                for size in sizes:
                    await sender.send(sent[start : start + size])
                    start += size
                sender.end()
            except OSError:
                pass  # cut off in the middle of a word
            data, how = await receiver.rest()
            assert data == sent[:limit]
            assert how == (ending if limit <= len(sent) else "eof")
            assert s.link.recording.totals(direction).forwarded == len(data)

    asyncio.run(talk())


async def test_a_limit_is_exact_for_a_reader_that_is_slow_to_begin():
    # Somewhere among these limits the last bytes lie in no kernel buffer, but in the link itself.
    data = noise(MEGABYTE)
    async with stage(bandwidth=1e9) as s:  # a limited line has small buffers
        for limit in range(64 * 1024, 640 * 1024, 24 * 1024):
            s.link.impair("down", cut_after=limit, bandwidth=1e9)
            client, server = await s.connection()
            sending = asyncio.create_task(server.send(data))
            totals = s.link.recording.down
            before = totals.forwarded
            for _ in range(50):  # the link gets as far as it can without a reader
                await asyncio.sleep(0)
            received, how = await client.rest()
            assert (len(received), how) == (limit, "eof")
            assert received == data[:limit]
            assert totals.forwarded - before == limit
            await asyncio.gather(sending, return_exceptions=True)  # it was cut off, or just not


async def test_a_limit_in_one_direction_ends_both():
    async with stage() as s:
        s.link.impair("up", cut_after=3)
        client, server = await s.connection()
        await client.send(b"abc")
        assert await server.rest() == (b"abc", "eof")
        assert await client.rest() == (b"", "eof")


async def test_a_limit_of_nothing_lets_nothing_through():
    async with stage(cut_after=0) as s:
        client, server = await s.connection()
        await client.send(b"a")
        assert await server.rest() == (b"", "eof")


async def test_what_comes_after_the_limit_is_recorded_as_never_forwarded():
    async with stage(cut_after=3) as s:
        client, server = await s.connection()
        await client.send(b"abcdef")
        assert await server.rest() == (b"abc", "eof")
        assert s.link.recording.stream(1, "up") == b"abcdef"
        assert s.link.recording.up.forwarded == 3


# ── stalls and changes ──


async def test_a_stall_holds_everything_and_then_gives_it_all():
    async with stage() as s:
        client, server = await s.connection()
        await client.send(b"before ")
        assert await server.read(7) == b"before "
        s.link.impair(stalled=True)
        await client.send(b"during ")
        client.end()
        await eventually(lambda: s.link.recording.up.received == 14)
        waiting = asyncio.create_task(server.rest())
        await asyncio.sleep(0.02)
        assert not waiting.done() and s.link.recording.up.forwarded == 7
        s.link.impair()
        assert await waiting == (b"during ", "eof")


async def test_a_stall_of_one_direction_leaves_the_other_alone():
    async with stage() as s:
        s.link.impair("up", stalled=True)
        client, server = await s.connection()
        await client.send(b"held")
        await server.send(b"passes")
        assert await client.read(6) == b"passes"
        assert s.link.recording.up.forwarded == 0
        s.link.impair("up")
        assert await server.read(4) == b"held"


async def test_a_stalled_link_makes_the_sender_wait_and_loses_nothing():
    data = noise(24 * MEGABYTE)
    async with stage(stalled=True) as s:
        client, server = await s.connection()
        sending = asyncio.create_task(client.send(data))
        await eventually(lambda: s.link.recording.up.received > WINDOW)
        done, _ = await asyncio.wait({sending}, timeout=0.3)
        assert not done
        assert s.link.recording.up.received <= WINDOW + MEGABYTE
        s.link.impair()
        assert await server.read(len(data)) == data
        await sending


@settings(max_examples=10, deadline=None)
@given(st.lists(SLOW | st.just({"stalled": True}), min_size=1, max_size=8), st.integers())
def test_nothing_is_lost_or_swapped_while_the_impairment_changes(changes, seed):
    data = noise(60_000, seed)

    async def talk():
        async with stage() as s:
            client, server = await s.connection()

            async def say():
                for start in range(0, len(data), 500):
                    await client.send(data[start : start + 500])
                    await asyncio.sleep(0)
                client.end()

            async def change():
                for impairment in changes:
                    s.link.impair(**impairment)
                    await asyncio.sleep(0.002)
                s.link.impair()

            heard, _, _ = await asyncio.gather(server.rest(), say(), change())
            assert heard == (data, "eof")
            assert s.link.recording.stream(1, "up") == data

    asyncio.run(talk())


async def test_what_is_sent_after_a_change_overtakes_nothing_that_was_sent_before():
    async with stage(latency=0.1) as s:
        client, server = await s.connection()
        await client.send(b"slow ")
        await eventually(lambda: s.link.recording.up.received == 5)
        s.link.impair()
        await client.send(b"fast")
        client.end()
        assert await server.rest() == (b"slow fast", "eof")


async def test_an_impairment_can_be_read_back_and_what_is_not_named_is_off():
    async with stage(latency=0.1) as s:
        s.link.impair("up", slicing=9)
        assert s.link.impairment("up") == Impairment(slicing=9)
        assert s.link.impairment("down") == Impairment(latency=0.1)
        s.link.impair()
        assert s.link.impairment("up") == s.link.impairment("down") == Impairment()


async def test_a_mistake_changes_nothing():
    async with stage(latency=0.1) as s:
        for name, value in (("latancy", 1), ("latency", -1), ("profile", "l"), ("direction", "x")):
            with pytest.raises(UsageError):
                s.link.impair(**{name: value})
        assert s.link.impairment("up") == Impairment(latency=0.1)


# ── times ──


@pytest.mark.parametrize("latency", [0.0013, 0.02])
async def test_no_byte_is_early(latency):
    async with stage(latency=latency) as s:
        client, server = await s.connection()
        for _ in range(10):
            await client.send(b"ping")
            await server.read(4)
            await server.send(b"pong")
            await client.read(4)
        for segment in s.link.recording:
            assert segment.forwarded_ns - segment.received_ns >= round(latency * 1e9)


async def test_jitter_never_makes_a_byte_earlier_than_it_may_be():
    async with stage(latency=0.004, jitter=0.002) as s:
        client, server = await s.connection()
        for _ in range(20):
            await client.send(b"x")
            await server.read(1)
        waits = [seg.forwarded_ns - seg.received_ns for seg in s.link.recording]
        assert min(waits) >= 2_000_000


async def test_the_first_byte_waits_for_the_handshake_that_a_real_line_would_need():
    async with stage(latency=0.01) as s:
        client, server = await s.connection()
        await client.send(b"x")
        await server.read(1)
        (connection,), (segment, *_) = s.link.recording.connections, s.link.recording.segments
        assert segment.forwarded_ns - connection.opened_ns >= 30_000_000  # SYN, SYN-ACK, byte


async def test_a_limited_line_is_never_faster_than_its_rate():
    data, bandwidth = noise(100_000), 500_000
    async with stage(bandwidth=bandwidth) as s:
        client, server = await s.connection()
        sending = asyncio.create_task(client.send(data))
        assert await server.read(len(data)) == data
        await sending
        segments = s.link.recording.segments
        begin, size = segments[0].received_ns, 0
        for segment in segments:
            size += len(segment.data)
            assert segment.forwarded_ns - begin >= size / bandwidth * 1e9 * 0.999


async def test_half_the_bandwidth_takes_about_twice_the_time():
    async def span(bandwidth):
        async with stage(bandwidth=bandwidth) as s:
            client, server = await s.connection()
            sending = asyncio.create_task(client.send(bytes(100_000)))
            await server.read(100_000)
            await sending
            segments = s.link.recording.segments
            return segments[-1].forwarded_ns - segments[0].received_ns

    assert 1.5 < await span(500_000) / await span(1_000_000) < 2.5


async def test_slices_do_not_arrive_larger_than_they_were_cut():
    async with stage(slicing=10) as s:
        client, server = await s.connection()
        await client.send(bytes(95))
        await server.read(95)
        assert [len(segment.data) for segment in s.link.recording] == [10] * 9 + [5]


# ── backpressure ──


@pytest.mark.parametrize("impairment", [{}, {"latency": 0.001}])
@pytest.mark.parametrize("direction", ["up", "down"])
async def test_a_reader_that_stops_reading_stops_the_writer(impairment, direction):
    data = noise(48 * MEGABYTE)
    async with stage(**impairment) as s:
        client, server = await s.connection()
        sender, receiver = (client, server) if direction == "up" else (server, client)
        totals = s.link.recording.totals(direction)
        sending = asyncio.create_task(sender.send(data))
        done, _ = await asyncio.wait({sending}, timeout=0.5)
        assert not done
        # What is in the link itself: its queue, and what asyncio buffers before it says stop.
        assert totals.received - totals.forwarded <= WINDOW + MEGABYTE
        assert totals.received < 24 * MEGABYTE  # the kernel's buffers took that
        assert await receiver.read(len(data)) == data
        await sending
        assert totals.received == totals.forwarded == len(data)


async def test_a_limited_line_is_not_hidden_by_large_buffers_of_the_system():
    async with stage() as s:
        client, server = await s.connection()
        await client.send(b"x")
        await server.read(1)
        s.link.impair(bandwidth=1e6)
        (pair,) = s.link._pairs
        for end in (pair.client, pair.server):
            sock = end.transport.get_extra_info("socket")
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                # Linux doubles what it is asked for, to have room for its own bookkeeping.
                assert sock.getsockopt(socket.SOL_SOCKET, option) <= 2 * BACKLOG


async def test_a_sender_feels_a_limited_line_at_once():
    async with stage(bandwidth=20_000) as s:
        client, _ = await s.connection()
        client.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
        sending = asyncio.create_task(client.send(bytes(2 * MEGABYTE)))
        done, _ = await asyncio.wait({sending}, timeout=0.3)
        assert not done
        assert s.link.recording.up.received < 256 * 1024
        sending.cancel()


# ── connections that do not come about ──


async def test_a_client_of_a_dead_server_is_reset_and_the_recording_says_why():
    port = free_port()
    async with Link("127.0.0.1", port) as link:
        reader, writer = await asyncio.open_connection("127.0.0.1", link.port)
        with pytest.raises(ConnectionResetError):
            await reader.read()
        writer.close()
        await eventually(lambda: link.recording.open_connections == 0)
        (connection,) = link.recording.connections
        assert f"No server answers at 127.0.0.1:{port}" in connection.error
        assert ends(link, "up") == ends(link, "down") == ["reset"]


async def test_connections_are_turned_away_for_as_long_as_was_said_and_then_let_in():
    async with stage() as s:
        s.link.cut(seconds=3600)
        for _ in range(3):
            client = await s.client()
            assert await client.rest() == (b"", "reset")
        assert s.link.recording.accepted == 0
        s.link.cut(seconds=0.05)
        turned_away = 0
        while not s.link.recording.accepted:
            client = await s.client()
            await client.send(b"x")
            answering = asyncio.create_task(client.rest())
            await eventually(lambda a=answering: a.done() or s.link.recording.accepted)
            if answering.done():
                turned_away += 1
            else:
                answering.cancel()
        assert turned_away
        server = await s.server()
        assert await server.read(1) == b"x"


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf"), "1", None])
async def test_a_pause_that_is_none_is_refused_and_cuts_nothing(seconds):
    async with stage() as s:
        client, server = await s.connection()
        with pytest.raises(UsageError, match="seconds"):
            s.link.cut(seconds)
        await client.send(b"still there")
        assert await server.read(11) == b"still there"


# ── starting and stopping ──


def exchange(link, listener):
    with socket.create_connection(("127.0.0.1", link.port), 30) as client:
        server, _ = listener.accept()
        with server:
            client.sendall(b"question")
            assert server.recv(100) == b"question"
            server.sendall(b"answer")
            assert client.recv(100) == b"answer"


@pytest.fixture
def listener():
    with listen() as sock:
        sock.settimeout(30)
        yield sock


@pytest.fixture
def link(listener):
    link = Link("127.0.0.1", listener.getsockname()[1])
    yield link
    link.stop()


def test_a_link_runs_in_a_with_block_of_a_script(link, listener):
    with link as entered:
        assert entered is link and link.running
        exchange(link, listener)
    assert not link.running
    assert loops._shared is None  # no thread is left behind


def test_a_link_runs_between_start_and_stop_and_both_may_come_twice(link, listener):
    assert link.start() is link
    port = link.port
    assert link.start().port == port
    exchange(link, listener)
    link.stop()
    link.stop()
    assert loops._shared is None


def test_a_link_can_be_started_again_and_its_recording_goes_on(link, listener):
    for round_ in (1, 2, 3):
        link.start()
        exchange(link, listener)
        link.stop()
        assert link.recording.accepted == round_
        assert link.recording.up.received == round_ * len("question")


def test_a_link_listens_on_the_port_that_it_was_given(listener):
    port = free_port()
    with Link("127.0.0.1", listener.getsockname()[1], listen=port) as link:
        assert link.port == port
        exchange(link, listener)


def test_a_port_in_use_is_said_and_nothing_is_left_running(listener):
    port = listener.getsockname()[1]
    link = Link("127.0.0.1", port, listen=port)
    with pytest.raises(PortInUse):
        link.start()
    assert not link.running and loops._shared is None
    link.stop()


def test_stopping_ends_open_connections(link, listener):
    link.start()
    with socket.create_connection(("127.0.0.1", link.port), 30) as client:
        server, _ = listener.accept()
        with server:
            link.stop()
            assert client.recv(1) == server.recv(1) == b""
    assert link.recording.open_connections == 0


def test_stopping_does_not_wait_for_what_is_on_the_way(link, listener):
    link.impair(latency=3600)
    link.start()
    with socket.create_connection(("127.0.0.1", link.port), 30) as client:
        client.sendall(b"slow")
        server, _ = listener.accept()
        with server:
            link.stop()
            assert client.recv(1) == b""


def test_a_link_that_is_stopped_says_so(link):
    link.start()
    link.stop()
    for use in (lambda: link.port, link.cut, link.reset, lambda: link.impair(latency=1)):
        with pytest.raises(NotRunning, match="start"):
            use()


def test_who_asked_to_be_told_is_told_once_and_before_the_port_closes(link, listener):
    told = []
    with link:
        link.when_stopped(lambda: told.append(link.running))
        assert link.thread is loops.acquire()
        loops.release()
        assert told == []
    assert told == [True]
    with link:
        pass
    assert told == [True]


async def test_a_link_that_was_not_started_has_no_thread(link, listener):
    for again in range(2):
        with pytest.raises(NotRunning, match=r"start\(\)"):
            link.when_stopped(print)
        if not again:
            await link.open()
    await link.close()


def test_a_link_that_was_never_started_has_no_port_but_can_be_impaired(link, listener):
    with pytest.raises(NotRunning):
        _ = link.port
    link.impair(latency=0.001)
    assert link.cut() == 0
    with link:
        exchange(link, listener)
    data = [segment for segment in link.recording if segment.data]
    assert all(segment.forwarded_ns - segment.received_ns >= 1_000_000 for segment in data)


async def test_a_link_in_a_loop_of_ones_own_may_be_opened_and_closed_twice():
    link = Link("127.0.0.1", free_port())
    async with link:
        port = link.port
        assert (await link.open()).port == port
    assert not link.running
    await link.close()


def test_a_link_may_be_used_from_any_thread(link, listener):
    link.start()
    failures = []

    def use():
        try:
            for n in range(30):
                link.impair(latency=n / 1e6)
                link.cut()
                assert link.recording.open_connections >= 0
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    exchange(link, listener)


@pytest.mark.parametrize(
    ("arguments", "options", "named"),
    [
        (("", 80), {}, "host"),
        ((None, 80), {}, "host"),
        (("127.0.0.1", 0), {}, "port"),
        (("127.0.0.1", "80"), {}, "port"),
        (("127.0.0.1", 65_536), {}, "port"),
        (("127.0.0.1", 80), {"listen": -1}, "listen"),
        (("127.0.0.1", 80), {"memory": 0}, "limit"),
        (("127.0.0.1", 80), {"latency": -1}, "latency"),
        (("127.0.0.1", 80), {"latancy": 1}, "latency"),
        (("127.0.0.1", 80), {"profile": "5g"}, "4g"),
        (("127.0.0.1", 80), {"profile": "lan", "latency": 1}, "profile"),
    ],
)
def test_an_argument_that_cannot_be_used_is_named(arguments, options, named):
    with pytest.raises(UsageError, match=named):
        Link(*arguments, **options)


@pytest.mark.parametrize("profile", ["lan", "satellite"])
async def test_a_profile_can_be_run(profile):
    async with stage(profile=profile) as s:
        client, server = await s.connection()
        await client.send(b"x")
        assert await server.read(1) == b"x"
        (segment,) = s.link.recording.segments
        assert segment.forwarded_ns > segment.received_ns
