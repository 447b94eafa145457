"""Captures become recordings: made to order, by tshark and tcpdump, and our own that come back."""

import asyncio
import itertools
import random
import re
import shutil
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import asdict

import pytest
import websockets
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packets import (
    ACK,
    CLIENT,
    PSH,
    RST,
    SERVER,
    START_NS,
    Talk,
    enhanced,
    load,
    mixed,
    pcap,
    section,
    tcp,
)
from peers import HANG, eventually, recorded, stage

import rtlab
from rtlab.errors import RecordingError, UsageError
from rtlab.link import Connection, Recording, Segment
from rtlab.sockets import listen

REQUEST = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


def streams(recording):
    return {
        (connection.number, way): recording.stream(connection.number, way)
        for connection in recording.connections
        for way in ("up", "down")
    }


def names(root):
    return [field.name for field in root.children]


# ── what a recording has of a capture ──


def test_a_connection_with_its_addresses_times_and_ends():
    talk = Talk().say(True, REQUEST).say(False, ANSWER).close()
    recording = load(pcap(talk.packets))
    [connection] = recording.connections
    assert connection == Connection(1, CLIENT, SERVER, 0, 8_000_000)
    assert recording.epoch_ns == START_NS // 1000 * 1000
    shown = [(s.direction, s.offset, s.received_ns, s.data, s.end) for s in recording]
    assert shown == [
        ("up", 0, 3_000_000, REQUEST, None),
        ("down", 0, 5_000_000, ANSWER, None),
        ("up", len(REQUEST), 7_000_000, b"", "eof"),
        ("down", len(ANSWER), 8_000_000, b"", "eof"),
    ]
    assert all(s.forwarded_ns == s.received_ns for s in recording)
    assert (recording.up.segments, recording.up.received) == (1, len(REQUEST))
    assert recording.down.forwarded == len(ANSWER)
    assert (recording.accepted, recording.dropped, recording.notes) == (1, 0, [])


def test_a_late_packet_is_forwarded_late():
    talk = Talk().put(True, b"abc").put(True, b"def")
    talk.packets[-2:] = talk.packets[:-3:-1]
    first, second = load(pcap(talk.packets))
    assert (first.data, first.received_ns, first.forwarded_ns) == (b"abc", 4_000_000, 4_000_000)
    assert (second.data, second.received_ns, second.forwarded_ns) == (b"def", 3_000_000, 4_000_000)


def test_segments_of_all_connections_are_in_the_order_of_time():
    talks = [Talk(("10.0.0.1", port)) for port in range(50_000, 50_005)]
    for talk in talks:
        talk.say(True, *(bytes([number]) * 3 for number in range(1, 9)))
    recording = load(pcap(mixed(talk.packets for talk in talks)))
    times = [segment.received_ns for segment in recording]
    assert times == sorted(times) and len(times) == 40
    assert recording.accepted == 5


def test_an_open_connection_and_a_reset_one():
    still = Talk(("10.0.0.1", 50_001)).say(True, b"x")
    reset = Talk(("10.0.0.1", 50_002)).say(True, b"y").put(False, flags=RST | ACK)
    recording = load(pcap([*still.packets, *reset.packets]))
    first, second = recording.connections
    assert first.closed_ns is None and second.closed_ns is not None
    assert recording.open_connections == 1
    assert recording.segments[-1].end == "reset" and recording.segments[-1].direction == "down"


def test_a_port_that_is_used_again_is_a_new_connection():
    first = Talk(numbers=(10, 20)).say(True, b"one").close()
    again = Talk(numbers=(10, 20)).say(True, b"two").put(True, flags=RST)
    third = Talk(numbers=(90, 95)).say(True, b"three")
    fourth = Talk(numbers=(10, 20)).say(True, b"four")  # the third was never seen to end
    packets = [packet for talk in (first, again, third, fourth) for packet in talk.packets]
    recording = load(pcap(packets))
    ups = [recording.stream(number, "up") for number in (1, 2, 3, 4)]
    assert ups == [b"one", b"two", b"three", b"four"]


def test_a_repeated_handshake_is_no_new_connection():
    talk = Talk().say(True, b"abc")
    again = [*talk.packets[:3], *talk.packets]
    recording = load(pcap([*again, *talk.packets[:2]]))
    assert recording.accepted == 1 and recording.stream(1, "up") == b"abc"


def test_ipv6():
    talk = Talk(("::1", 50_000), ("::1", 80)).say(True, b"abc").say(False, b"def").close()
    recording = load(pcap(talk.packets))
    assert recording.connections[0].client == ("::1", 50_000)
    assert streams(recording) == {(1, "up"): b"abc", (1, "down"): b"def"}


# ── who is the client ──


@pytest.mark.parametrize("lost", [0, 1])
def test_the_client_is_who_sent_the_syn_whatever_the_ports(lost):
    talk = Talk(("10.0.0.1", 70), ("10.0.0.2", 50_000)).say(False, b"hi")
    del talk.packets[lost]
    [connection] = load(pcap(talk.packets)).connections
    assert connection.client == ("10.0.0.1", 70)


@pytest.mark.parametrize("first", [True, False])
def test_without_a_syn_the_lower_port_is_the_servers(first):
    talk = Talk(handshake=False).say(first, b"x")
    [connection] = load(pcap(talk.packets)).connections
    assert (connection.client, connection.server) == (CLIENT, SERVER)


def test_without_a_syn_a_port_that_was_asked_for_is_the_servers():
    talk = Talk(("10.0.0.1", 3000), ("10.0.0.2", 8000), handshake=False).say(True, b"x")
    [connection] = load(pcap(talk.packets), 8000).connections
    assert connection.server == ("10.0.0.2", 8000)
    [connection] = load(pcap(talk.packets), 3000).connections
    assert connection.server == ("10.0.0.1", 3000)


def test_a_port_picks_the_connections_of_a_server():
    talks = [Talk(("10.0.0.1", 50_000 + n), ("10.0.0.2", 80 + n)).say(True, b"x") for n in range(3)]
    data = pcap(mixed(talk.packets for talk in talks))
    assert [c.server[1] for c in load(data, 81).connections] == [81]
    assert load(data, 50_001).connections == []  # that is a client's
    assert load(data, 81).stream(1, "up") == b"x"


@pytest.mark.parametrize("port", [0, 70_000, "80", 1.5])
def test_a_port_that_is_none_is_refused(tmp_path, port):
    (tmp_path / "x.pcap").write_bytes(pcap([]))
    with pytest.raises(UsageError, match="port"):
        Recording.load(tmp_path / "x.pcap", port)


def test_a_recording_of_a_link_has_no_ports_to_pick(tmp_path):
    recorded([b"x"]).save(tmp_path / "x.jsonl")
    with pytest.raises(UsageError, match="recording of one link"):
        Recording.load(tmp_path / "x.jsonl", 80)


# ── what is missing is said ──


def test_what_is_left_out_is_counted():
    silent = Talk(("10.0.0.1", 50_001)).close()
    stray = tcp(CLIENT, SERVER, 1 << 31, data=b"?")
    talk = Talk().say(True, b"x").close()
    other = tcp(CLIENT, SERVER, 1)
    udp = other[:9] + b"\x11" + other[10:]
    packets = [udp, *silent.packets, *talk.packets, stray, udp, other[:6] + b"\x20\0" + other[8:]]
    recording = load(pcap(packets))
    assert recording.accepted == 1
    assert recording.notes == [
        "3 packets without TCP left out: 2 UDP, 1 fragment.",
        "1 packet left out: their numbers fit to no stream.",
        "1 connection without data left out.",
    ]
    assert repr(recording).endswith("3 notes>")


def test_a_connection_whose_beginning_was_not_captured():
    talk = Talk().say(True, REQUEST, REQUEST).say(False, ANSWER, ANSWER)
    recording = load(pcap(talk.packets[5:]))
    assert recording.gaps(1, "up") == recording.gaps(1, "down") == [range(0, 1)]
    assert recording.stream(1, "up") == REQUEST
    assert recording.dissect() == []
    [note] = recording.notes
    assert note.startswith("The beginning is missing of connection 1: begin to capture before")


def test_many_connections_of_a_kind_are_named_in_one_note():
    talks = [Talk(("10.0.0.1", 50_000 + n), handshake=False).say(True, b"x") for n in range(30)]
    [note] = load(pcap(mixed(talk.packets for talk in talks))).notes
    assert "of connections 1, 2, 3, 4, 5, 6, 7, 8 and 22 more:" in note


def test_a_lost_packet_is_never_papered_over(tmp_path):
    talk = Talk().say(True, REQUEST).say(False, ANSWER, b"<lost>", ANSWER).close()
    del talk.packets[7]
    recording = load(pcap(talk.packets))
    gap = range(len(ANSWER), len(ANSWER) + 6)
    assert recording.gaps(1, "down") == [gap] and recording.gaps(1, "up") == []
    assert recording.notes == [
        "Bytes are missing in connection 1: they were sent, but not captured."
    ]
    [conversation] = recording.dissect()
    assert names(conversation.up.root) == ["request"]
    assert names(conversation.down.root) == ["response", "missing"]
    assert conversation.down.data == ANSWER
    [missing] = conversation.errors
    assert missing.start == missing.stop == gap.start * 8
    assert (
        missing.error.startswith("6 bytes are missing here") and f"{len(ANSWER)} " in missing.error
    )
    # It stays so in a file of our own, and in a capture of it.
    recording.save(tmp_path / "x.jsonl")
    again = Recording.load(tmp_path / "x.jsonl")
    assert (again.gaps(1, "down"), again.notes) == ([gap], recording.notes)
    recording.to_pcapng(tmp_path / "x.pcapng")
    assert Recording.load(tmp_path / "x.pcapng").gaps(1, "down") == [gap]


def test_a_gap_within_a_message_cuts_it_off_there():
    talk = Talk().say(True, REQUEST).say(False, ANSWER[:20], ANSWER[20:30], ANSWER[30:])
    del talk.packets[7]
    [conversation] = load(pcap(talk.packets)).dissect()
    assert conversation.down.data == ANSWER[:20]
    assert names(conversation.down.root) == ["response", "missing"]


def test_a_gap_before_the_first_bytes_leaves_the_connection_out():
    talk = Talk().say(True, b"lost", REQUEST).say(False, ANSWER)
    del talk.packets[3]
    recording = load(pcap(talk.packets))
    assert recording.gaps(1, "up") == [range(0, 4)]
    assert recording.dissect() == []


def test_packets_that_were_captured_in_part():
    talk = Talk().say(True, REQUEST).say(False, ANSWER * 3).close()
    recording = load(pcap(talk.packets, snaplen=100))
    size = 100 - 40
    assert recording.stream(1, "down") == (ANSWER * 3)[:size]
    assert recording.gaps(1, "down") == [range(size, len(ANSWER * 3))]
    assert recording.notes[-1].startswith("1 packet captured in part")
    [conversation] = recording.dissect()
    assert names(conversation.down.root)[-1] == "missing"


def test_a_tail_that_was_only_acknowledged():
    talk = Talk().say(True, REQUEST).say(False, ANSWER, b"lost")
    del talk.packets[-2]
    recording = load(pcap(talk.packets))
    assert recording.gaps(1, "down") == [range(len(ANSWER), len(ANSWER) + 4)]
    [conversation] = recording.dissect()
    assert names(conversation.down.root) == ["response", "missing"]
    assert "after them" not in conversation.down.errors[0].error


def test_a_file_that_is_cut_off_says_so(tmp_path):
    talk = Talk().say(True, REQUEST).say(False, ANSWER)
    data = pcap(talk.packets)
    (tmp_path / "x.pcap").write_bytes(data[:-1])
    recording = Recording.load(tmp_path / "x.pcap")
    assert recording.stream(1, "down") == ANSWER
    assert recording.notes[0].startswith("The file is cut off: what begins at byte ")


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x1f\x8b\x08\0 and so on", "unpack it with gunzip"),
        (b"snoop\0\0\0\0\0", "save it as pcapng"),
        (b"GIF89a", "is not a recording of rtlab's, and no pcapng or pcap capture"),
        (b"", "is not a recording"),
        (pcap([])[:10], "is cut off within its first 10 bytes"),
        (section() + enhanced(b"x", 1), "is damaged at byte 28"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, data, words):
    (tmp_path / "other.pcap").write_bytes(data)
    with pytest.raises(RecordingError, match=r"other\.pcap") as caught:
        Recording.load(tmp_path / "other.pcap")
    assert words in str(caught.value)


# ── our own captures come back ──

PIECES = st.lists(
    st.tuples(st.integers(1, 3), st.booleans(), st.binary(min_size=1, max_size=300)), max_size=30
)
CLIENTS = st.sampled_from([("127.0.0.1", "127.0.0.1"), ("::1", "::1")])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(PIECES, CLIENTS, st.lists(st.sampled_from([None, "eof", "reset"]), min_size=6, max_size=6))
def test_what_was_exported_comes_back(tmp_path, pieces, hosts, endings):
    recording, offsets = Recording(), {}
    for number in (1, 2, 3):
        client = (hosts[0], 50_000 + number)
        recording.add_connection(Connection(number, client, (hosts[1], 80), 1000 + number))
    for number in (1, 2, 3):  # without data they would be left out
        pieces = [(number, True, b"\x80"), *pieces]
    ends = [
        (n, up, b"", end)
        for (n, up), end in zip(itertools.product((1, 2, 3), (True, False)), endings, strict=True)
        if end
    ]
    for time_ns, (number, up, data, *end) in enumerate([*pieces, *ends], 2000):
        data = bytes(byte | 0x80 for byte in data)  # no text, no secret
        direction = "up" if up else "down"
        offset = offsets.get((number, direction), 0)
        segment = Segment(number, direction, offset, time_ns, None, data, *end)
        recording.add(segment)
        recording.forwarded(segment, time_ns)
        offsets[number, direction] = offset + len(data)
    recording.to_pcapng(tmp_path / "x.pcapng")
    loaded = Recording.load(tmp_path / "x.pcapng")

    def shown(recording):
        return [(s.connection, s.direction, s.offset, s.data, s.end) for s in recording]

    assert shown(loaded) == shown(recording)
    assert [(c.client, c.server) for c in loaded.connections] == [
        (c.client, c.server) for c in recording.connections
    ]
    assert asdict(loaded.up) == asdict(recording.up)
    assert asdict(loaded.down) == asdict(recording.down)
    first, *_, last = recording.segments
    assert loaded.segments[-1].received_ns - loaded.segments[0].received_ns == (
        last.received_ns - first.received_ns
    )
    assert loaded.notes == []


async def test_what_crossed_a_real_link_comes_back(tmp_path):
    async with stage(slicing=700) as s:
        client, server = await s.connection()
        await client.send(bytes(range(128, 256)) * 500)
        assert len(await server.read(64_000)) == 64_000
        await server.send(b"\xff" * 1000)
        assert len(await client.read(1000)) == 1000
        server.end()
        assert await client.rest() == (b"", "eof")
        client.reset()
        await eventually(lambda: not s.link.recording.open_connections)
        recording = s.link.recording
    recording.to_pcapng(tmp_path / "x.pcapng")
    loaded = Recording.load(tmp_path / "x.pcapng")
    assert streams(loaded) == streams(recording)
    assert {(s.direction, s.end) for s in loaded if s.end} >= {("down", "eof"), ("up", "reset")}


# ── the same as tshark's "Follow TCP Stream" ──


def needs(*programs):
    missing = [name for name in programs if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"there is no {' and no '.join(missing)}")


def followed(path, count):
    """What tshark puts together: addresses of client and server to the bytes of either."""
    command = ["tshark", "-r", path, "-q"]
    for number in range(count):
        command += ["-z", f"follow,tcp,raw,{number}"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    result = {}
    for part in done.stdout.split("=" * 67):
        nodes = re.search(r"Node 0: (\S+)\nNode 1: (\S+)\n", part)
        if nodes is not None:
            data = {"up": b"", "down": b""}
            for line in part[nodes.end() :].strip("\n").split("\n"):
                data["down" if line.startswith("\t") else "up"] += bytes.fromhex(line.strip())
            result[nodes[1], nodes[2]] = data
    return result


def as_tshark_shows_it(recording, number, way):
    """A stream with tshark's words where bytes are missing; what is lost at its end it omits."""
    shown, reached = b"", 0
    for segment in recording:
        if (segment.connection, segment.direction) == (number, way) and segment.data:
            if segment.offset > reached:
                gap = segment.offset - reached
                shown += b"[%d bytes missing in capture file]\0" % gap
            shown += segment.data
            reached = segment.offset + len(segment.data)
    return shown


def conversation_of(rng, port):
    """Bursts in both directions, acknowledged at their end; each burst is a list of packets."""
    talk = Talk(("10.0.0.1", port), numbers=(rng.choice([7, (1 << 32) - 99]), (1 << 32) - 4000))
    handshake, bursts = talk.packets[:], []
    for _ in range(10):
        up, before = rng.random() < 0.4, len(talk.packets)
        for _ in range(rng.randrange(1, 6)):
            size = rng.randrange(2, 900)
            talk.put(up, bytes(rng.randrange(128, 256) for _ in range(size)), PSH | ACK)
        bursts.append((talk.packets[before:], talk.put(not up).packets[-1]))
    before = len(talk.packets)
    return talk, handshake, bursts, talk.close().packets[before:]


@needs("tshark")
@pytest.mark.parametrize("what", ["reordered", "repeated", "lost", "all three"])
def test_tshark_follows_the_same_streams(tmp_path, what):
    rng = random.Random(what)
    talks, lists = [], []
    for port in range(50_000, 50_010):
        talk, packets, bursts, end = conversation_of(rng, port)
        for burst, acknowledgement in bursts:
            if what in ("repeated", "all three"):
                burst = [packet for packet in burst for _ in range(rng.choice([1, 1, 2, 3]))]
            if what in ("reordered", "all three"):
                rng.shuffle(burst)
            if what in ("lost", "all three") and rng.random() < 0.3:
                del burst[0]
            packets = [*packets, *burst, acknowledgement]
        talks.append(talk)
        lists.append([*packets, *end])
    path = tmp_path / "mixed.pcap"
    path.write_bytes(pcap(mixed(lists)))
    recording = Recording.load(path)
    theirs = followed(path, len(talks))
    assert recording.accepted == len(theirs) == len(talks)
    for connection in recording.connections:
        key = tuple(f"{host}:{port}" for host, port in (connection.client, connection.server))
        for way in ("up", "down"):
            ours = as_tshark_shows_it(recording, connection.number, way)
            assert ours == theirs[key][way]
        if "lost" not in what and what != "all three":
            talk = talks[connection.client[1] - 50_000]
            assert recording.stream(connection.number, "up") == talk.sent[True]
            assert recording.stream(connection.number, "down") == talk.sent[False]
    assert bool(recording.notes) == (what in ("lost", "all three"))


@pytest.mark.parametrize("what", ["backwards", "shuffled"])
def test_the_order_of_packets_in_the_file_does_not_matter(tmp_path, what):
    talks, packets = [], []
    rng = random.Random(3)
    for _ in range(2):  # one after another on one port: the second must not lose its beginning
        talk, handshake, bursts, end = conversation_of(rng, 50_000)
        talks.append(talk)
        packets += [*handshake, *(p for burst, last in bursts for p in (*burst, last)), *end]
    timed = list(enumerate(packets))
    timed.reverse() if what == "backwards" else rng.shuffle(timed)
    path = tmp_path / "shuffled.pcap"
    path.write_bytes(pcap([packet for _, packet in timed], places=[place for place, _ in timed]))
    recording = Recording.load(path)
    assert (recording.accepted, recording.notes) == (2, [])
    for number, talk in enumerate(talks, 1):
        assert recording.stream(number, "up") == talk.sent[True]
        assert recording.stream(number, "down") == talk.sent[False]


# ── captured for real ──


@contextmanager
def capturing(command):
    """Run a program that captures until it is stopped; skip where it may not."""
    program = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    try:
        said = ""
        while "listening on" not in said and "File: " not in said:
            line = program.stderr.readline()
            said += line
            if not line or "permission" in line.lower():
                pytest.skip(f"{command[0]} may not capture here: {said.strip()[-200:]}")
        yield
    finally:
        program.terminate()
        program.stderr.close()
        program.wait(30)


async def closed(path):
    """Wait for a whole connection in a file that is being written: packets come in batches."""
    while True:
        with suppress(RecordingError):  # not even a head yet
            recording = Recording.load(path)
            if recording.connections and not recording.open_connections:
                return recording
        await asyncio.sleep(0.05)


def writer(name, path, port):
    program, *options = {
        "tshark": ["tshark", "-i", "lo", "-f", f"tcp port {port}", "-w", path],
        "dumpcap": ["dumpcap", "-i", "lo", "-f", f"tcp port {port}", "-w", path],
        "dumpcap pcap": ["dumpcap", "-P", "-i", "lo", "-f", f"tcp port {port}", "-w", path],
        "tcpdump": ["tcpdump", "-i", "lo", "-s", "0", "-U", "-w", path, f"tcp port {port}"],
        "tcpdump any": ["tcpdump", "-i", "any", "-U", "-w", path, f"tcp port {port}"],
        "tcpdump any cooked": [
            *("tcpdump", "-i", "any", "-y", "LINUX_SLL", "--time-stamp-precision=nano"),
            *("-U", "-w", path, f"tcp port {port}"),
        ],
    }[name]
    # So many MiB that no packet is dropped while a busy machine lets the program wait.
    room = "32768" if program == "tcpdump" else "32"
    return [program, "-B", room, *options]


WRITERS = [
    pytest.param(name, marks=needs(name.split()[0]))
    for name in (
        "tshark",
        "dumpcap",
        "dumpcap pcap",
        "tcpdump",
        "tcpdump any",
        "tcpdump any cooked",
    )
]


@pytest.mark.parametrize("name", WRITERS)
async def test_what_real_programs_capture_of_a_real_websocket(tmp_path, name):
    """Client and server are the websockets library; the path is the kernel's loopback."""

    async def answer(connection):
        async for message in connection:
            await connection.send(message[::-1])

    path = tmp_path / "captured"
    texts = ["hello", "x" * 200, "y" * 70_000, "grüße"]
    async with asyncio.timeout(HANG), websockets.serve(answer, sock=listen()) as server:
        port = server.sockets[0].getsockname()[1]
        with capturing(writer(name, str(path), port)):
            async with websockets.connect(
                f"ws://127.0.0.1:{port}/", compression=None, proxy=None
            ) as client:
                for text in texts:
                    await client.send(text)
                    assert await client.recv() == text[::-1]
            recording = await closed(path)
    [connection] = recording.connections
    assert connection.server == ("127.0.0.1", port) and connection.closed_ns is not None
    assert recording.gaps(1, "up") == recording.gaps(1, "down") == [] and recording.notes == []
    [conversation] = recording.dissect()
    assert conversation.errors == []
    assert names(conversation.up.root) == ["request", *["frame"] * 5]
    assert names(conversation.down.root) == ["response", *["frame"] * 5]
    frames = [frame for frame in conversation.up.root.children if frame.name == "frame"]
    buffers = [f.buffer.data for frame in frames for f in frame.walk() if f.buffer is not None]
    assert [data.decode() for data in buffers[:4]] == texts
    assert {segment.end for segment in recording if segment.end} == {"eof"}


@needs("tshark")
async def test_a_capture_beside_a_link_has_the_same_bytes(tmp_path):
    """What tshark sees at the client's side of a link that records: two witnesses, one truth."""
    path = tmp_path / "captured"
    with rtlab.Lab("sse") as lab:
        port = lab.link("sse").port
        with capturing(writer("tshark", str(path), port)):
            for number in range(20):
                lab.publish({"number": number, "text": "ü" * 50 * number})
            await rtlab.receive(lab.url("sse"), "sse", 20, timeout=HANG)
            async with asyncio.timeout(HANG):
                while lab.recording("sse").open_connections:
                    await asyncio.sleep(0.01)
            loaded = await closed(path)
        recording = lab.recording("sse")
    assert [c.client for c in loaded.connections] == [c.client for c in recording.connections]
    for way in ("up", "down"):
        assert loaded.stream(1, way) == recording.stream(1, way)
        assert loaded.totals(way).received == recording.totals(way).forwarded
