"""Peers that do not play by the rules: they get an error or a close, and nobody else notices."""

import asyncio
import http.client
import json
import random
import threading
from collections.abc import Iterator
from contextlib import suppress

import pytest

import rtlab
from rtlab.log import ring
from rtlab.transports import endpoint
from rtlab.transports import http as rtlab_http

from .helpers import (
    HTTP,
    PATHS,
    ask,
    dial,
    port_of,
    read_answer,
    read_head,
    request,
    reset,
    wait_until,
)

TRANSPORTS = rtlab.TRANSPORTS


@pytest.fixture(scope="module")
def shared() -> Iterator[rtlab.Lab]:
    with rtlab.Lab() as lab:
        yield lab


@pytest.fixture
def victim(request, shared, capfd) -> Iterator[rtlab.Lab]:
    """A lab that must live on, without a word on stdout or stderr and without a traceback."""
    ring.lines.clear()
    yield shared
    assert lives(shared, request.node.callspec.params.get("transport", "websocket"))
    assert capfd.readouterr() == ("", "")
    assert not [line for line in ring.lines if "Traceback" in line or "Unhandled" in line]
    assert not [line for line in ring.lines if "failed" in line]


def direct(lab: rtlab.Lab, transport: str) -> int:
    return port_of(lab.url(transport, direct=True))


def lives(lab: rtlab.Lab, transport: str) -> bool:
    """Whether a well-behaved client gets the newest message."""
    sent = lab.publish("are you there?")

    async def newest() -> rtlab.Message:
        client = rtlab.subscribe(lab.url(transport), transport, sent.seq - 1)
        try:
            return (await anext(client)).message
        finally:
            await client.aclose()

    return asyncio.run(newest()) == sent


def post(transport: str, *headers: str, body: bytes = b"") -> bytes:
    return request(transport, method="POST", headers=headers, body=body)


# ── malformed requests ──

GARBAGE = {
    "noise": b"\x00\xff\x16\x03 nonsense\r\n\r\n",
    "a TLS hello": bytes.fromhex("1603010200010001fc0303") + bytes(500) + b"\r\n\r\n",
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "empty lines": b"\r\n" * 1000 + b"x\r\n\r\n",
    "another protocol": b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
    "no colon": b"GET / HTTP/1.1\r\nHost 127.0.0.1\r\n\r\n",
    "a folded header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n folded\r\n\r\n",
    "a space before the colon": b"GET / HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
    "a NUL in a header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: a\0b\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nHost: 127.0.0.1\r\n\r\n",
    "a huge header": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 100_000 + b"\r\n\r\n",
    "a huge target": b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
    "many headers": b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: x\r\n" * 5000 + b"\r\n",
}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_garbage_gets_an_error_or_a_close(victim, transport, garbage):
    status, _, _ = ask(direct(victim, transport), garbage)
    assert status is None or 400 <= status < 500


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_random_damage_to_a_good_request_does_no_harm(victim, transport):
    chance = random.Random(transport)
    for _ in range(60):
        data = bytearray(request(transport, headers=["Accept: */*"], query="?timeout=0"))
        for _ in range(chance.randrange(1, 4)):
            data[chance.randrange(len(data))] = chance.randrange(256)
        with dial(direct(victim, transport)) as sock:
            sock.sendall(data + b"\r\n\r\n")
            sock.settimeout(0.02)  # some damage leaves a good request, or one that goes on
            with suppress(TimeoutError):
                read_head(sock)


BODIES = {
    "a negative length": (["Content-Length: -1"], b"42"),
    "a length that is no number": (["Content-Length: ten"], b"42"),
    "two lengths": (["Content-Length: 2", "Content-Length: 3"], b"42"),
    "a length with a sign": (["Content-Length: +2"], b"42"),
    "an astronomic length": (["Content-Length: " + "9" * 30], b"42"),
    "a length and chunks": (["Content-Length: 2", "Transfer-Encoding: chunked"], b"0\r\n\r\n"),
    "nonsense for a chunk size": (["Transfer-Encoding: chunked"], b"zz\r\n42\r\n0\r\n\r\n"),
    "a negative chunk size": (["Transfer-Encoding: chunked"], b"-2\r\n42\r\n0\r\n\r\n"),
    "a chunk longer than it says": (["Transfer-Encoding: chunked"], b"2\r\n4222\r\n0\r\n\r\n"),
    "an unknown coding": (["Transfer-Encoding: rot13"], b"42"),
    "a false gzip": (["Content-Encoding: gzip", "Content-Length: 2"], b"42"),
}


@pytest.mark.parametrize("transport", HTTP)
@pytest.mark.parametrize(("headers", "body"), BODIES.values(), ids=BODIES)
def test_a_body_that_is_not_framed_as_it_must_be_is_400(victim, transport, headers, body):
    before = victim.feed.last
    status, _, _ = ask(direct(victim, transport), post(transport, *headers, body=body))
    assert status is not None and 400 <= status < 500
    assert victim.feed.last == before


@pytest.mark.parametrize("transport", HTTP)
def test_chunks_that_turn_into_nonsense_are_not_published(transport, monkeypatch, capfd):
    monkeypatch.setattr(rtlab_http, "BODY_LIMIT", 0.1)
    with rtlab.Lab(transport) as lab, dial(direct(lab, transport)) as sock:
        sock.sendall(post(transport, "Transfer-Encoding: chunked", body=b"2\r\n42\r\n"))
        wait_until(lambda: lab._servers[transport].requests == 1)
        sock.sendall(b"zz\r\n")
        status, _, _ = read_answer(sock)
        assert status in (400, 408, None)
        assert lab.feed.last == 0
        assert lives(lab, transport)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("transport", HTTP)
def test_a_body_that_ends_too_early_is_not_published(victim, transport):
    before = victim.feed.last
    with dial(direct(victim, transport)) as sock:
        sock.sendall(post(transport, "Content-Length: 10", body=b'"half'))
        sock.shutdown(1)
        status, _, _ = read_answer(sock)
    assert status is None or 400 <= status < 500
    assert victim.feed.last == before


@pytest.mark.parametrize("transport", HTTP)
@pytest.mark.parametrize(
    "origin", ["http://[", "http://a\xff@evil", "null", "", "//", "\x80", "http://]:99999999"]
)
def test_an_origin_that_is_none_is_403(victim, transport, origin):
    data = request(transport, headers=[f"Origin: {origin}"], query="?timeout=0")
    assert ask(direct(victim, transport), data)[0] == 403


# ── malformed frames ──

FRAMES = {
    "not masked": b"\x81\x02hi",
    "a reserved opcode": b"\x83\x80\0\0\0\0",
    "a reserved bit": b"\xc1\x80\0\0\0\0",
    "a fragmented ping": b"\x09\x80\0\0\0\0",
    "a long ping": b"\x89\xfe\x00\x7e\0\0\0\0" + bytes(126),
    "a continuation of nothing": b"\x80\x80\0\0\0\0",
    "a message inside a message": b"\x01\x81\0\0\0\0a\x81\x81\0\0\0\0b",
    "a length of 2**63": b"\x81\xff\x80" + bytes(7) + b"\0\0\0\0",
    "a length of 2**62": b"\x81\xff\x40" + bytes(7) + b"\0\0\0\0",
    "a close of one byte": b"\x88\x81\0\0\0\0\x03",
    "a close code that is none": b"\x88\x82\0\0\0\0\x03\xed",
    "a close reason that is no UTF-8": b"\x88\x84\0\0\0\0\x03\xe8\xff\xff",
    "compressed without agreement": b"\xc1\x83\0\0\0\0abc",
    "noise": bytes(range(256)),
}


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_a_frame_against_the_rules_closes_with_a_code(victim, frame):
    with dial(direct(victim, "websocket")) as sock:
        sock.sendall(request("websocket"))
        assert read_head(sock).startswith(b"HTTP/1.1 101 ")
        sock.sendall(frame)
        got = b""
        while data := sock.recv(4096):
            got += data
    assert got[0] == 0x88
    assert int.from_bytes(got[2:4], "big") in (1002, 1007, 1009)


@pytest.mark.parametrize("transport", ["websocket"])
def test_fragments_without_end_are_too_large_some_time(victim, transport):
    before = victim.feed.last
    with dial(direct(victim, "websocket")) as sock:
        sock.sendall(request("websocket"))
        read_head(sock)
        fragment = b"\x00\xfe\x40\x00\0\0\0\0" + b"x" * 0x4000
        closing = b""
        sock.sendall(b"\x01\x80\0\0\0\0")
        try:
            for _ in range(80):
                sock.sendall(fragment)
            closing = sock.recv(4096)
        except ConnectionError:
            closing = closing or b"\x88\x02\x03\xf1"
    assert closing[0] == 0x88
    assert int.from_bytes(closing[2:4], "big") == 1009
    assert victim.feed.last == before


# ── silence ──


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("drip", [False, True], ids=["silence", "a byte now and then"])
def test_a_header_section_without_end_is_given_up(transport, drip, monkeypatch, capfd):
    monkeypatch.setattr(rtlab_http, "IDLE_LIMIT", 0.2)
    monkeypatch.setattr(endpoint, "OPEN_LIMIT", 0.2)
    with rtlab.Lab(transport) as lab:
        with dial(direct(lab, transport)) as sock:
            sock.sendall(request(transport)[:-2])
            sock.settimeout(0.01 if drip else 20)
            for place in range(2000):
                try:
                    if not sock.recv(4096):
                        break
                except TimeoutError:
                    assert drip, "the server waits for ever"
                except ConnectionError:
                    break
                try:
                    sock.sendall(b"X: x\r\n"[place % 6 : place % 6 + 1])
                except ConnectionError:
                    break
            else:
                pytest.fail("the server waits for ever")
        assert lives(lab, transport)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_many_connections_that_say_nothing_keep_nobody_out(victim, transport):
    socks = [dial(direct(victim, transport)) for _ in range(100)]
    try:
        assert lives(victim, transport)
    finally:
        for sock in socks:
            sock.close()


@pytest.mark.parametrize("transport", ["sse", "websocket"])
def test_a_client_that_never_reads_is_dropped_and_others_get_everything(
    transport, monkeypatch, capfd
):
    monkeypatch.setattr(rtlab_http, "WRITE_LIMIT", 0.2)
    monkeypatch.setattr(endpoint, "CLOSE_LIMIT", 0.2)
    ring.lines.clear()
    with rtlab.Lab(transport) as lab, dial(direct(lab, transport), window=4096) as sock:
        sock.sendall(request(transport))
        if transport == "websocket":
            hello = b'{"since": 0}'
            sock.sendall(b"\x81" + bytes([0x80 | len(hello)]) + bytes(4) + hello)
        wait_until(lambda: lab._servers[transport].requests == 1)
        numbers: list[int] = []

        async def read() -> None:
            client = rtlab.subscribe(lab.url(transport), transport, 0, backoff=rtlab.Backoff(0.02))
            async for delivery in client:
                numbers.append(delivery.message.seq)
                if delivery.message.seq == 200:
                    await client.aclose()
                    return

        reader = threading.Thread(target=lambda: asyncio.run(read()))
        reader.start()
        for number in range(1, 201):
            lab.publish("x" * 100_000)
            wait_until(lambda number=number: len(numbers) >= number)
        reader.join()
        assert numbers == list(range(1, 201))
        wait_until(lambda: any("dropped" in line for line in ring.lines))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("transport", ["polling", "long_polling"])
def test_a_client_that_never_reads_its_answer_holds_up_nobody(transport, capfd):
    with rtlab.Lab(transport) as lab:
        for _ in range(100):
            lab.publish("x" * 100_000)
        with dial(direct(lab, transport), window=4096) as sock:
            sock.sendall(request(transport))
            wait_until(lambda: lab._servers[transport].sent >= 100)
            assert lives(lab, transport)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("transport", ["polling", "long_polling"])
def test_a_client_that_never_reads_its_answer_is_dropped(transport, monkeypatch, capfd):
    monkeypatch.setattr(rtlab_http, "WRITE_LIMIT", 0.2)
    with rtlab.Lab(transport) as lab:
        for _ in range(100):
            lab.publish("x" * 100_000)
        with dial(direct(lab, transport), window=4096) as sock:
            sock.sendall(request(transport))
            wait_until(lambda: any("it read nothing" in line for line in ring.lines))
            assert lives(lab, transport)
    assert capfd.readouterr() == ("", "")


# ── abrupt ends ──


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("part", ["nothing", "half a line", "half the headers", "everything"])
def test_a_reset_at_any_moment_does_no_harm(victim, transport, part):
    data = request(transport)
    sent = {
        "nothing": b"",
        "half a line": data[:7],
        "half the headers": data[: len(data) // 2],
        "everything": data,
    }[part]
    for port in (direct(victim, transport), victim.link(transport).port):
        for _ in range(5):
            sock = dial(port)
            sock.sendall(sent)
            reset(sock)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_reset_in_the_middle_of_an_answer_does_no_harm(victim, transport):
    for port in (direct(victim, transport), victim.link(transport).port):
        sock = dial(port)
        sock.sendall(request(transport))
        assert sock.recv(20)
        reset(sock)
    victim.publish("to nobody")


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_clients_that_leave_are_not_kept(transport):
    with rtlab.Lab(transport) as lab:
        for _ in range(20):
            sock = dial(lab.link(transport).port)
            sock.sendall(request(transport))
            reset(sock)
        quiet = 1 if transport == "websocket" else 0  # its broadcaster
        wait_until(lambda: sum(len(w) for w in lab.feed._waiters.values()) == quiet)
        wait_until(lambda: lab.recording(transport).open_connections == 0)


# ── who may come in ──


def reason(transport: str, body: bytes) -> str:
    return body.decode() if transport == "websocket" else json.loads(body)["error"]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "localhost.", "[::2]", "[", "", "a@b"]
)
def test_a_host_that_is_not_this_machine_is_403_and_told_why(victim, transport, host):
    status, _, body = ask(direct(victim, transport), request(transport, host=host))
    assert status == 403
    assert "DNS rebinding" in reason(transport, body)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    "origin",
    [
        *("https://evil.example", "http://localhost.evil.example", "http://127.0.0.1@evil"),
        *("null", "file://", "http://[", "chrome-extension://localhost"),
    ],
)
def test_an_origin_that_is_not_known_is_403_and_told_why(victim, transport, origin):
    data = request(transport, headers=[f"Origin: {origin}"])
    status, headers, body = ask(direct(victim, transport), data)
    assert status == 403
    assert "lab.allow" in reason(transport, body)
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_two_origins_are_none(victim, transport):
    data = request(transport, headers=["Origin: http://localhost", "Origin: http://evil"])
    assert ask(direct(victim, transport), data)[0] == 400


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("origin", ["http://localhost:8888", "https://127.0.0.1", "http://[::1]:1"])
@pytest.mark.parametrize("host", ["localhost:99", "127.0.0.1", "[::1]:80", "LOCALHOST"])
def test_a_page_of_this_machine_may_come_in(victim, transport, origin, host):
    data = request(transport, host=host, headers=[f"Origin: {origin}"], query="?timeout=0")
    status, headers, _ = ask(direct(victim, transport), data)
    assert status in (101, 200, 204)
    if transport != "websocket":
        assert headers["access-control-allow-origin"] == origin
        assert headers["vary"] == "Origin"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_an_origin_that_was_allowed_may_come_in_and_its_host_as_well(transport):
    hub = ["Origin: https://hub.example.org"]
    data = request(transport, host="hub.example.org", headers=hub, query="?timeout=0")
    with rtlab.Lab(transport) as lab:
        assert ask(direct(lab, transport), data)[0] == 403
        lab.allow("https://hub.example.org/")
        assert ask(direct(lab, transport), data)[0] in (101, 200, 204)


@pytest.mark.parametrize("transport", HTTP)
def test_a_preflight_is_answered_for_a_page_that_may_come_in(victim, transport):
    connection = http.client.HTTPConnection("127.0.0.1", victim.link(transport).port)
    headers = {"Origin": "http://localhost:8888", "Access-Control-Request-Method": "POST"}
    connection.request("OPTIONS", PATHS[transport], headers=headers)
    answer = connection.getresponse()
    connection.close()
    assert answer.status == 204
    assert answer.headers["Access-Control-Allow-Origin"] == "http://localhost:8888"
    assert answer.headers["Access-Control-Allow-Methods"] == "GET, POST"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert "Last-Event-ID" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Allow-Private-Network"] == "true"


@pytest.mark.parametrize("transport", HTTP)
def test_a_preflight_of_another_page_is_403_without_cors(victim, transport):
    data = request(transport, method="OPTIONS", headers=["Origin: https://evil.example"])
    status, headers, _ = ask(direct(victim, transport), data)
    assert status == 403
    assert not [name for name in headers if name.startswith("access-control")]


@pytest.mark.parametrize("transport", HTTP)
def test_a_page_can_read_errors_as_well(victim, transport):
    origin = ["Origin: http://localhost:8888"]
    data = request(transport, headers=origin, query="?since=x")
    status, headers, _ = ask(direct(victim, transport), data)
    assert (status, headers["access-control-allow-origin"]) == (400, "http://localhost:8888")


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize(
    "query", ["", "?token=", "?token=wrong", "?token=S3cret", "?token=%ff", "?Token=s3cret"]
)
def test_where_a_token_is_set_nobody_comes_in_without_it(transport, query):
    with rtlab.Lab(transport, token="s3cret") as lab:
        status, _, body = ask(direct(lab, transport), request(transport, query=query))
    assert status == 403
    assert "token" in reason(transport, body)
    assert "s3cret" not in reason(transport, body)


@pytest.mark.parametrize("transport", TRANSPORTS)
async def test_the_urls_of_a_lab_carry_its_token(transport):
    with rtlab.Lab(transport, token=True) as lab:
        assert lab.token in lab.url(transport)
        assert await rtlab.send(lab.url(transport), transport, "through") == 1
        client = rtlab.subscribe(lab.url(transport), transport)
        assert (await anext(client)).message.data == "through"
        await client.aclose()
        with pytest.raises(rtlab.Refused, match="token"):
            await anext(rtlab.subscribe(lab.url(transport).partition("?")[0], transport))
