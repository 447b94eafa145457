import asyncio
import itertools
import json
import shutil
import socket
import subprocess
from collections import defaultdict
from contextlib import aclosing

import dpkt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peers import eventually, recorded, stage

import rtlab
from rtlab.arguments import TRANSPORTS
from rtlab.link import Connection, Recording, Segment

tshark_needed = pytest.mark.skipif(shutil.which("tshark") is None, reason="there is no tshark")
SYN, FIN, RST = dpkt.tcp.TH_SYN, dpkt.tcp.TH_FIN, dpkt.tcp.TH_RST


def packets(recording, tmp_path):
    """Return time in seconds, IPv4 packet and TCP packet of everything in the exported file."""
    path = tmp_path / "recording.pcapng"
    recording.to_pcapng(path)
    with path.open("rb") as file:
        frames = [(at, dpkt.ethernet.Ethernet(data)) for at, data in dpkt.pcapng.Reader(file)]
    return [(at, frame.data, frame.data.data) for at, frame in frames]


def streams(found):
    """Put each sender's stream together from its sequence numbers, as a receiver would."""
    result = defaultdict(bytearray)
    for _, ip, tcp in found:
        stream = result[socket.inet_ntoa(ip.src), tcp.sport, tcp.dport]
        if tcp.data:
            assert tcp.seq - 1 == len(stream), "a gap, or something twice"
            stream += tcp.data
    return {key: bytes(stream) for key, stream in result.items()}


# ── read back with dpkt ──


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 3), st.booleans(), st.binary(min_size=1, max_size=300)),
        max_size=30,
    )
)
def test_every_byte_is_there_with_its_sequence_number(tmp_path, pieces):
    recording, sent = Recording(), defaultdict(bytes)
    for number in (1, 2, 3):
        client = ("127.0.0.1", 50_000 + number)
        recording.add_connection(Connection(number, client, ("127.0.0.2", 80), 1000))
    for time, (number, up, data) in enumerate(pieces, 2000):
        data = bytes(byte | 0x80 for byte in data)  # no text, no secret
        key = ("127.0.0.1", 50_000 + number, 80) if up else ("127.0.0.2", 80, 50_000 + number)
        direction = "up" if up else "down"
        segment = Segment(number, direction, len(sent[key]), time, None, data)
        recording.add(segment)
        recording.forwarded(segment, time)
        sent[key] += data
    found = streams(packets(recording, tmp_path))
    assert {key: data for key, data in found.items() if data} == sent


def test_a_connection_begins_with_a_handshake(tmp_path):
    found = packets(recorded([b"hello"]), tmp_path)
    first, second, third, fourth = (tcp for _, _, tcp in found)
    assert (first.flags, first.seq) == (SYN, 0)
    assert (second.flags, second.seq, second.ack) == (SYN | dpkt.tcp.TH_ACK, 0, 1)
    assert (third.flags, third.seq, third.ack) == (dpkt.tcp.TH_ACK, 1, 1)
    assert (fourth.data, fourth.seq, fourth.ack) == (b"hello", 1, 1)
    assert (first.sport, first.dport) == (50_000, 80) == (second.dport, second.sport)


def test_times_are_the_clients_own(tmp_path):
    recording = Recording(epoch_ns=1_700_000_000_000_000_000)
    recording.add_connection(Connection(1, ("127.0.0.1", 5), ("127.0.0.1", 80), 1000))
    for direction, received, forwarded in (("up", 10_000, 20_000), ("down", 30_000, 40_000)):
        segment = Segment(1, direction, 0, received, None, direction.encode())
        recording.add(segment)
        recording.forwarded(segment, forwarded)
    found = {bytes(tcp.data): at for at, _, tcp in packets(recording, tmp_path)}
    assert found[b"up"] == pytest.approx(1_700_000_000.000_010, abs=1e-6)  # when it sent it
    assert found[b"down"] == pytest.approx(1_700_000_000.000_040, abs=1e-6)  # when it had it


def test_packets_are_in_the_order_of_time(tmp_path):
    recording = recorded([b"a", b"b", b"c"])
    times = [at for at, *_ in packets(recording, tmp_path)]
    assert times == sorted(times)


def test_a_segment_that_is_too_large_for_a_packet_is_divided(tmp_path):
    data = bytes(range(128, 256)) * 2000
    found = packets(recorded([data]), tmp_path)
    assert max(ip.len for _, ip, _ in found) <= 65_535
    assert streams(found)["127.0.0.1", 50_000, 80] == data


@pytest.mark.parametrize(("end", "flag"), [("eof", FIN), ("reset", RST), ("cut", RST)])
def test_an_end_is_a_fin_or_a_reset(tmp_path, end, flag):
    recording = recorded([b"bye"])
    segment = Segment(1, "up", 3, 5000, None, b"", end)
    recording.add(segment)
    recording.forwarded(segment, 5000)
    *_, (_, _, last) = packets(recording, tmp_path)
    assert last.flags & (FIN | RST) == flag and last.seq == 4


def test_a_fin_is_acknowledged_as_one_byte_more(tmp_path):
    recording = recorded([b"bye"])
    for direction, data, end in (("up", b"", "eof"), ("down", b"bye too", None)):
        segment = Segment(1, direction, 3 if end else 0, 5000, None, data, end)
        recording.add(segment)
        recording.forwarded(segment, 5001)
    *_, (_, _, last) = packets(recording, tmp_path)
    assert (last.data, last.ack) == (b"bye too", 1 + 3 + 1)  # SYN, three bytes, FIN


def test_what_never_reached_the_client_is_not_in_its_capture(tmp_path):
    recording = recorded([b"arrived"], direction="down")
    recording.add(Segment(1, "down", 7, 9000, None, b"lost"))
    assert streams(packets(recording, tmp_path))["127.0.0.1", 80, 50_000] == b"arrived"


def test_a_recording_that_lost_its_beginning_keeps_true_sequence_numbers(tmp_path):
    *_, (_, _, last) = packets(recorded([b"\x80late"], offset=10_000), tmp_path)
    assert (last.seq, last.data) == (10_001, b"\x80late")


def test_an_offset_beyond_four_gigabytes_wraps_as_tcp_does(tmp_path):
    *_, (_, _, last) = packets(recorded([b"\x80"], offset=(1 << 32) + 5), tmp_path)
    assert last.seq == 6


def test_an_empty_recording_is_an_empty_capture(tmp_path):
    assert packets(Recording(), tmp_path) == []


def test_a_server_that_has_a_name_becomes_this_machine(tmp_path):
    recording = Recording()
    recording.add_connection(Connection(1, ("127.0.0.1", 5), ("localhost", 80), 1000))
    _, ip, _ = packets(recording, tmp_path)[0]
    assert socket.inet_ntoa(ip.dst) == "127.0.0.1"


def test_secrets_are_blotted_out(tmp_path):
    recorded([b"GET / HTTP/1.1\r\nCookie: SEC", b"RET\r\n\r\n"]).to_pcapng(tmp_path / "x.pcapng")
    data = (tmp_path / "x.pcapng").read_bytes()
    assert b"SEC" not in data and b"RET" not in data and b"Cookie: ***" in data


# ── read by tshark ──


def tshark(path, port, protocol, *fields, endless=False):
    """Return these fields of every packet, and fail if tshark finds anything wrong."""
    command = ["tshark", "-r", path, "-d", f"tcp.port=={port},{protocol}", "-T", "json"]
    command += ["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]
    if endless:  # tshark shall not wait for the end of an answer that has none
        command += ["-o", "http.desegment_body:FALSE"]
    watched = ("_ws.malformed", "_ws.expert.message", "_ws.expert.severity")
    for field in (*watched, *fields):
        command += ["-e", field]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60)
    rows = [packet["_source"]["layers"] for packet in json.loads(done.stdout)]
    warning = 0x600000  # and above it errors; lost and repeated segments are among them
    for row in rows:
        assert "_ws.malformed" not in row, row
        if row.get("_ws.expert.message") != ["Connection reset (RST)"]:
            assert all(int(level) < warning for level in row.get("_ws.expert.severity", [])), row
    return [{name: row.get(name, []) for name in fields} for row in rows]


@pytest.fixture(scope="module")
def recordings():
    """Of each transport, what crossed while five messages went out and a sixth came in."""

    async def talk(lab, transport):
        options = {"period": 0.01} if transport == "polling" else {}
        async with aclosing(rtlab.subscribe(lab.url(transport), transport, **options)) as stream:
            for number in range(1, 6):
                lab.publish({"number": number, "text": "x" * 300 * number})
                assert (await anext(stream)).message.seq == number
            await rtlab.send(lab.url(transport), transport, "from a client")
            assert (await anext(stream)).message.data == "from a client"
        await eventually(lambda: not lab.recording(transport).open_connections)

    result = {}
    for transport in TRANSPORTS:
        with rtlab.Lab(transport) as lab:
            lab.impair(latency=0.001, slicing=700)
            asyncio.run(asyncio.wait_for(talk(lab, transport), 60))
            result[transport] = lab.recording(transport)
    return result


@pytest.fixture
def capture(recordings, tmp_path):
    def read(transport, *fields):
        path = tmp_path / f"{transport}.pcapng"
        recordings[transport].to_pcapng(path)
        port = recordings[transport].connections[0].server[1]
        # A WebSocket begins as HTTP, and tshark follows the upgrade.
        rows = tshark(path, port, "http", *fields, endless=transport == "sse")
        return recordings[transport], port, rows

    return read


@tshark_needed
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_tshark_finds_nothing_wrong_and_counts_the_same_bytes(capture, transport):
    recording, port, rows = capture(
        transport, "tcp.stream", "tcp.srcport", "tcp.len", "tcp.payload", "tcp.analysis.flags"
    )
    data = defaultdict(str)
    for row in rows:
        assert not row["tcp.analysis.flags"], row
        direction = "down" if row["tcp.srcport"] == [str(port)] else "up"
        data[int(row["tcp.stream"][0]) + 1, direction] += "".join(row["tcp.payload"])
        assert int(row["tcp.len"][0]) == len("".join(row["tcp.payload"])) // 2
    for connection in recording.connections:
        for direction in ("up", "down"):
            stream = recording.stream(connection.number, direction)
            assert bytes.fromhex(data[connection.number, direction]) == stream
    for direction in ("up", "down"):
        size = sum(len(text) // 2 for key, text in data.items() if key[1] == direction)
        assert size == recording.totals(direction).forwarded


@tshark_needed
@pytest.mark.parametrize("transport", ["polling", "long_polling", "sse"])
def test_tshark_reads_the_http_requests_and_answers(capture, transport):
    recording, _, rows = capture(
        transport, "http.request.method", "http.response.code", "http.file_data"
    )
    methods = list(itertools.chain(*(row["http.request.method"] for row in rows)))
    codes = list(itertools.chain(*(row["http.response.code"] for row in rows)))
    up = b"".join(segment.data for segment in recording if segment.direction == "up")
    down = b"".join(segment.data for segment in recording if segment.direction == "down")
    assert methods.count("GET") == up.count(b"GET /") > 0
    assert methods.count("POST") == up.count(b"POST /") == 1
    assert codes.count("200") == down.count(b"HTTP/1.1 200")
    assert codes.count("201") == down.count(b"HTTP/1.1 201") == 1
    bodies = "".join(itertools.chain(*(row["http.file_data"] for row in rows)))
    if transport != "sse":  # its one answer has no end when its client leaves
        for number in range(1, 6):
            assert f'"number":{number}' in bodies


@tshark_needed
def test_tshark_reads_the_websocket_messages(capture):
    _, _, rows = capture("websocket", "websocket.opcode", "websocket.payload.text")
    texts = list(itertools.chain(*(row["websocket.payload.text"] for row in rows)))
    published = [json.loads(text) for text in texts if text.startswith('{"seq"')]
    numbers = [m["data"]["number"] for m in published if isinstance(m["data"], dict)]
    assert numbers == [1, 2, 3, 4, 5]
    assert json.dumps("from a client") in texts
    assert "8" in itertools.chain(*(row["websocket.opcode"] for row in rows))  # Close


@tshark_needed
@pytest.mark.parametrize("order", ["cut", "reset"])
async def test_tshark_finds_nothing_wrong_with_a_broken_connection(tmp_path, order):
    async with stage() as s:
        client, server = await s.connection()
        await client.send(b"\x80" * 5000)
        await server.read(5000)
        getattr(s.link, order)()
        await eventually(lambda: not s.link.recording.open_connections)
        again, server = await s.connection()
        again.end()
        assert await server.rest() == (b"", "eof")
        server.reset()
        await again.rest()
        again, server = await s.connection()
        again.end()
        assert await server.rest() == (b"", "eof")
        again.close()  # what was ended is reset as well
        with pytest.raises(OSError):
            while True:
                await server.send(b"\x80")
                await asyncio.sleep(0)
        await eventually(lambda: not s.link.recording.open_connections)
        path = tmp_path / "broken.pcapng"
        s.link.recording.to_pcapng(path)
        rows = tshark(path, s.link.server[1], "data", "tcp.analysis.flags", "tcp.flags.reset")
    assert not any(row["tcp.analysis.flags"] for row in rows)
    assert any(row["tcp.flags.reset"] == ["1"] for row in rows)
