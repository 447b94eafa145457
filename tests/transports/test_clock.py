"""Every server tells its clock, to those who may come in, whatever it speaks otherwise."""

import json
import time

import pytest

import rtlab
from rtlab.transports import clock

from .helpers import PATHS, ask, port_of

TRANSPORTS = sorted(PATHS)


def question(*headers: str, query: str = "") -> bytes:
    lines = [f"GET {clock.PATH}{query} HTTP/1.1", "Host: 127.0.0.1", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_the_answer_is_the_clock_that_messages_are_stamped_with(lab, transport):
    before = lab.publish("before").published_ns
    status, headers, body = ask(port_of(lab.url(transport)), question())
    after = lab.publish("after").published_ns
    assert status == 200
    assert headers["content-type"].startswith("application/json")
    assert headers["cache-control"] == "no-store"
    assert before < json.loads(body)["perf_counter_ns"] < after


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_it_goes_on(lab, transport):
    port = port_of(lab.url(transport, direct=True))
    first, second = (json.loads(ask(port, question())[2])["perf_counter_ns"] for _ in "ab")
    assert first < second < time.perf_counter_ns()


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_pages_that_may_come_in_may_read_it(lab, transport):
    origin = "http://localhost:8888"
    status, headers, _ = ask(port_of(lab.url(transport)), question(f"Origin: {origin}"))
    assert status == 200
    assert headers["access-control-allow-origin"] == origin
    assert headers["vary"] == "Origin"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_programs_are_told_without_a_word_about_pages(lab, transport):
    _, headers, _ = ask(port_of(lab.url(transport)), question())
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_other_pages_are_refused_until_they_are_allowed(lab, transport):
    origin = "https://hub.example.org"
    port = port_of(lab.url(transport))
    status, headers, body = ask(port, question(f"Origin: {origin}"))
    assert status == 403
    assert b"lab.allow" in body
    assert "access-control-allow-origin" not in headers
    lab.allow(origin)
    status, headers, _ = ask(port, question(f"Origin: {origin}"))
    assert (status, headers["access-control-allow-origin"]) == (200, origin)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_token_is_asked_for_here_as_everywhere(transport):
    with rtlab.Lab(transport, token="letmein") as lab:
        port = port_of(lab.url(transport))
        assert ask(port, question())[0] == 403
        assert ask(port, question(query="?token=letmein"))[0] == 200


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_wrong_path_is_answered_with_the_one_of_the_transport(lab, transport):
    lost = question().replace(clock.PATH.encode(), b"/nowhere")
    status, _, body = ask(port_of(lab.url(transport)), lost)
    assert status == 404
    assert PATHS[transport].encode() in body


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_who_asks_the_clock_is_not_counted_among_the_clients(lab, transport):
    port = port_of(lab.url(transport))
    ask(port, question())
    ask(port, question(query="?x=1"))
    assert lab._servers[transport].requests == 0
