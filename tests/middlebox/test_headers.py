import h11
import pytest

from rtlab.middlebox.headers import forwarded, forwarded_request, request_name, wants_websocket

SERVER = ("127.0.0.1", 80)


def request(*headers, method="GET", target="/", version="1.1"):
    host = [("Host", "a")] if version == "1.1" else []
    return h11.Request(
        method=method, target=target, headers=[*host, *headers], http_version=version
    )


def names(head):
    return [name.decode() for name, _ in head.headers.raw_items()]


def value(head, name):
    return [v.decode() for n, v in head.headers if n == name.encode()]


# ── what ends here (RFC 9110 §7.6.1) ──


@pytest.mark.parametrize(
    "name", ["Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade"]
)
def test_a_header_for_one_hop_ends_here_whether_named_or_not(name):
    head = request((name, "x"), ("X-Kept", "1"))
    assert names(forwarded(head)) == ["Host", "X-Kept", "Via"]


def test_what_connection_names_ends_here_however_it_is_written():
    head = request(("Connection", "close, X-One"), ("x-ONE", "1"), ("X-Two", "2"))
    assert names(forwarded(head)) == ["Host", "X-Two", "Via"]


def test_names_keep_their_letters_and_their_order_and_what_comes_twice():
    head = h11.Response(
        status_code=200,
        reason=b"Fine",
        headers=[("X-b", "1"), ("x-A", "2"), ("X-b", "3"), ("Set-Cookie", "c")],
    )
    passed = forwarded(head)
    assert names(passed) == ["X-b", "x-A", "X-b", "Set-Cookie", "Via"]
    assert (passed.status_code, passed.reason) == (200, b"Fine")


def test_a_length_beside_a_transfer_encoding_is_not_believed():
    head = h11.Response(
        status_code=200, headers=[("Content-Length", "3"), ("Transfer-Encoding", "chunked")]
    )
    assert names(forwarded(head)) == ["Via"]


# ── what is put in anew ──


def test_upgrade_is_put_in_anew_or_stays_out():
    head = request(("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket"))
    assert value(forwarded_request(head, SERVER, True), "upgrade") == ["websocket"]
    assert value(forwarded_request(head, SERVER, True), "connection") == ["Upgrade"]
    assert names(forwarded_request(head, SERVER, False)) == ["Host", "Via"]


def test_a_body_in_chunks_goes_on_in_chunks():
    head = request(("Transfer-Encoding", "chunked"), method="POST")
    assert value(forwarded_request(head, SERVER, False), "transfer-encoding") == ["chunked"]


def test_http_1_0_gets_a_host():
    head = request(version="1.0")
    assert value(forwarded_request(head, SERVER, False), "host") == ["127.0.0.1:80"]


@pytest.mark.parametrize(
    ("headers", "wants"),
    [
        ({"Connection": "Upgrade", "Upgrade": "websocket"}, True),
        ({"Connection": "keep-alive, UPGRADE", "Upgrade": "WebSocket"}, True),
        ({"Connection": "Upgrade", "Upgrade": "h2c"}, False),
        ({"Connection": "keep-alive", "Upgrade": "websocket"}, False),
        ({"Connection": "Upgrade"}, False),
        ({}, False),
    ],
)
def test_who_wants_to_go_on_as_websocket(headers, wants):
    assert wants_websocket(request(*headers.items())) is wants


# ── names for people ──


def test_a_request_is_called_by_method_and_path_and_its_query_is_kept_secret():
    assert request_name(request(target="/events?token=s3cret")) == "GET /events"


def test_a_name_is_never_long():
    assert len(request_name(request(target="/" + "x" * 5000, method="X" * 5000))) < 130
