"""What websockets, wsproto and h11 say of the same handshakes, and the clause where we differ."""

from __future__ import annotations

from base64 import b64encode

import h11
import pytest
import wsproto
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHandshake
from websockets.extensions.permessage_deflate import (
    ClientPerMessageDeflateFactory,
    ServerPerMessageDeflateFactory,
)
from websockets.server import ServerProtocol
from websockets.uri import parse_uri
from wsproto.events import AcceptConnection, Request
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import RemoteProtocolError

import rtlab
from rtlab.dissect.accept_key import accept
from rtlab.dissect.conversation import converse
from tests.dissect.handshakes import (
    ANSWER_DEFECTS,
    CHOICE,
    OFFERS,
    REQUEST,
    REQUEST_DEFECTS,
    ask,
    build,
    reply,
)

# ── servers: does it let the client in, with compression if that is offered? ──


def websockets_server(data):
    server = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])
    server.receive_data(data)
    events = server.events_received()
    if not events:
        assert server.handshake_exc is not None
        return False
    answer = server.accept(events[0])
    offered = b"permessage-deflate" in data
    return answer.status_code == 101 and ("Sec-WebSocket-Extensions" in answer.headers) == offered


def wsproto_server(data):
    server = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    try:
        server.receive_data(data)
        assert any(isinstance(event, Request) for event in server.events())
        answer = server.send(AcceptConnection(extensions=[PerMessageDeflate()]))
    except (RemoteProtocolError, ValueError):
        return False
    return (b"permessage-deflate" in answer) == (b"permessage-deflate" in data)


def h11_server(data):
    server = h11.Connection(h11.SERVER)
    server.receive_data(data)
    try:
        return isinstance(server.next_event(), h11.Request)
    except h11.RemoteProtocolError:
        return False


SERVERS = {"websockets": websockets_server, "wsproto": wsproto_server, "h11": h11_server}

NOT_DECODED = "RFC 6455 §4.2.1: the key must be 16 bytes in Base64; §4.2.2 lets a server not look"
NOT_PARSED = "RFC 6455 §9.1: what is not in this grammar fails the connection"
TOKENS = "RFC 6455 §4.1: every subprotocol is a token of its own"
DECLINE = "RFC 7692 §7: an offer with an error must be declined"
EMPTY = "RFC 9110 §5.6.1: a reader skips empty elements, but nobody may send them"
HOST = "RFC 9112 §3.2: an invalid Host is answered with 400"
NAMED = "RFC 6455 §4.1: Host holds the host of the URI, and a ws URI always has one (§3)"
NO_BODY = "RFC 9110 §9.3.1: a client should not send one; here it would be taken for frames"

PASSED_BY_WEBSOCKETS = {
    "no Host": f"{HOST}; it leaves this to whatever stands before it",
    "two Hosts": f"{HOST}; as above",
    "no such Host": f"{HOST}; as above",
    "empty Host": NAMED,
    "a port alone": NAMED,
    "sloppy key": "RFC 4648 §3.5: who encodes sets the pad bits to 0; who decodes may not care",
    "subprotocol twice": TOKENS,
    "subprotocol in two headers": TOKENS,
    "empty subprotocol": EMPTY,
    "empty extension": EMPTY,
    "comma first": EMPTY,
}
PASSED_BY_WSPROTO = {
    "HTTP/1.0": "RFC 6455 §4.2.1: HTTP/1.1 or higher",
    "no such Host": HOST,
    "empty Host": NAMED,
    "a port alone": NAMED,
    "two keys": "RFC 6455 §11.3.1: not more than once; it takes the last",
    "two versions": "RFC 6455 §11.3.5: as above",
    **{name: NOT_DECODED for name in REQUEST_DEFECTS if " key" in name or "key " in name},
    **{name: TOKENS for name in REQUEST_DEFECTS if "subprotocol" in name},
    **{
        name: NOT_PARSED
        for name in (
            *("no extension", "empty extension", "extension that is no token", "empty value"),
            *("empty parameter", "parameter that is no token", "value that is no token"),
            *("quotes that stay open", "comma first", "semicolon first"),
        )
    },
    **{
        f"deflate: {what}": DECLINE
        for what in (
            *("unknown parameter", "parameter twice"),
            *("server_no_context_takeover with a value", "client_no_context_takeover with a value"),
            *("server_max_window_bits without a value",),
            *("server_max_window_bits=010", "client_max_window_bits=010"),
        )
    },
    "body": NO_BODY,
    "body in chunks": NO_BODY,
}
del PASSED_BY_WSPROTO["no key"]
REFUSED_BY_H11 = {"no Host", "two Hosts"}
"""h11 reads HTTP, and knows nothing of WebSocket."""
PASSED = {
    "websockets": set(PASSED_BY_WEBSOCKETS),
    "wsproto": set(PASSED_BY_WSPROTO),
    "h11": set(REQUEST_DEFECTS) - REFUSED_BY_H11,
}

STRICT = {
    "a choice of upgrades": (
        {"Upgrade": "h2c, websocket"},
        {"websockets", "wsproto"},
        "RFC 6455 §4.1: the value includes the keyword websocket",
    ),
    "Connection in two headers": (
        {"Connection": ["Upgrade", "keep-alive"]},
        {"wsproto"},
        "RFC 9110 §5.3: two headers of a list are one list",
    ),
    "HTTP/1.2": (
        {"start": "GET /chat HTTP/1.2"},
        {"websockets"},
        "RFC 6455 §4.1: HTTP/1.1 at least",
    ),
    "a window of 8 bits": (
        {OFFERS: "permessage-deflate; server_max_window_bits=8"},
        {"websockets", "wsproto"},
        "RFC 7692 §7.1.2.1: 8 to 15; zlib cannot compress with 8, so they decline",
    ),
}
"""What they refuse and we do not: the changes, who refuses, and the clause that decides."""


@pytest.mark.parametrize("peer", SERVERS)
@pytest.mark.parametrize("name", REQUEST_DEFECTS)
def test_servers_refuse_what_is_wrong(name, peer):
    changes, _ = REQUEST_DEFECTS[name]
    assert SERVERS[peer](ask(changes)) == (name in PASSED[peer])


@pytest.mark.parametrize("peer", SERVERS)
@pytest.mark.parametrize("name", STRICT)
def test_servers_that_refuse_more(name, peer):
    changes, refusing, _ = STRICT[name]
    assert rtlab.dissect(ask(changes), "http1").errors == []
    assert SERVERS[peer](ask(changes)) == (peer not in refusing)


@st.composite
def in_order(draw):
    """Changes that leave a request in order, and all that stands in it in any order."""
    some = st.lists(st.sampled_from(["chat", "v2", "a.b", "x!#$%&'*+-.^_`|~"]), unique=True)
    changes = {
        "Sec-WebSocket-Key": b64encode(draw(st.binary(min_size=16, max_size=16))).decode(),
        "Host": draw(st.sampled_from(["a", "a.example:80", "127.0.0.1:8000", "[::1]:81"])),
        "Upgrade": draw(st.sampled_from(["websocket", "WebSocket", "WEBSOCKET"])),
        "Connection": draw(st.sampled_from(["Upgrade", "upgrade", "keep-alive,\tUpgrade"])),
        "Origin": draw(st.sampled_from([None, "https://a.example", "null"])),
        "Content-Length": draw(st.sampled_from([None, "0"])),
    }
    if chosen := draw(some):
        changes[CHOICE] = draw(st.sampled_from([", ", ",", " ,"])).join(chosen)
    if draw(st.booleans()):
        bits = draw(st.integers(9, 15))
        offers = ["client_max_window_bits", f"client_max_window_bits={bits}"]
        several = ["server_no_context_takeover", "client_no_context_takeover"]
        several += [draw(st.sampled_from(offers)), f"server_max_window_bits={bits}"]
        chosen = draw(st.lists(st.sampled_from(several), unique=True))
        changes[OFFERS] = draw(st.sampled_from(["; ", ";"])).join(["permessage-deflate", *chosen])
    return changes


@settings(max_examples=300, deadline=None)
@given(in_order(), st.lists(st.sampled_from(list(REQUEST_DEFECTS)), max_size=2), st.data())
def test_the_same_verdict_on_generated_requests(good, names, data):
    changes, wrong = dict(good), set()
    for name in names:
        broken, _ = REQUEST_DEFECTS[name]
        # Two defects in one place are neither.
        if not any(set(broken) & set(REQUEST_DEFECTS[other][0]) for other in wrong):
            changes.update(broken)
            wrong.add(name)
    request = build(dict(data.draw(st.permutations(list({**REQUEST, **changes}.items())))))
    names_alike = request.replace(b"Sec-WebSocket-", b"sec-websocket-")
    found = rtlab.dissect(request, "http1").errors
    assert bool(found) == bool(wrong)
    for peer, lets_in in SERVERS.items():
        # "no Host" is no defect of HTTP/1.0, which is a defect of its own.
        if peer == "h11" and {"no Host", "HTTP/1.0"} <= wrong:
            continue
        assert lets_in(request) == (wrong <= PASSED[peer]), peer
        assert lets_in(names_alike) == (wrong <= PASSED[peer]), peer


# ── clients: does it take the answer? ──


def websockets_client(answer_to):
    """Return whether the client opens with the answer to its request, and what we say of both."""
    client = ClientProtocol(
        parse_uri("ws://a/chat"),
        subprotocols=["chat", "v2"],
        extensions=[ClientPerMessageDeflateFactory()],
    )
    client.send_request(client.connect())
    [request] = client.data_to_send()
    answer = answer_to(client.key)
    client.receive_data(answer)
    if client.handshake_exc is not None:
        assert isinstance(client.handshake_exc, InvalidHandshake)
    return client.handshake_exc is None, converse(request, answer)


def wsproto_client(answer_to):
    client = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    offer = Request(
        host="a", target="/chat", subprotocols=["chat", "v2"], extensions=[PerMessageDeflate()]
    )
    request = client.send(offer)
    [line] = [line for line in request.split(b"\r\n") if line.startswith(b"Sec-WebSocket-Key: ")]
    answer = answer_to(line.split(b": ")[1].decode())
    both = converse(request, answer)
    try:
        client.receive_data(answer)
        return any(isinstance(event, AcceptConnection) for event in client.events()), both
    except (RemoteProtocolError, ValueError, IndexError):
        return False, both


CLIENTS = {"websockets": websockets_client, "wsproto": wsproto_client}

PASSED_BY_CLIENTS = {
    "websockets": {
        "length": "RFC 9110 §8.6: nobody may send it; who reads ignores it (RFC 9112 §6.3)",
        "chunks": "RFC 9112 §6.1: as above",
    },
    "wsproto": {
        "length": "RFC 9110 §8.6: as above",
        "chunks": "RFC 9112 §6.1: as above",
        "two accepts": "RFC 6455 §11.3.3: not more than once; it takes the last",
        "two headers of subprotocols": "RFC 6455 §11.3.4: as above",
        "deflate: unknown parameter": "RFC 7692 §7: fails the connection",
        "deflate: twice": "RFC 7692 §5: a conflict over RSV1 fails the connection",
    },
}


def defective(name):
    """Return what makes an answer with a defect to a key."""
    changes, _ = ANSWER_DEFECTS[name]

    def answer_to(key):
        right = accept(key)
        return reply(
            {"Sec-WebSocket-Accept": right, **changes}
            | ({"Sec-WebSocket-Accept": [right, right]} if name == "two accepts" else {})
            | ({"Sec-WebSocket-Accept": right.swapcase()} if "small letters" in name else {})
        )

    return answer_to


@pytest.mark.parametrize("peer", CLIENTS)
@pytest.mark.parametrize("name", ANSWER_DEFECTS)
def test_clients_refuse_what_is_wrong(name, peer):
    taken, both = CLIENTS[peer](defective(name))
    assert both.up.errors == []
    assert both.down.errors != []
    assert taken == (name in PASSED_BY_CLIENTS[peer])


@pytest.mark.parametrize("peer", CLIENTS)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"Upgrade": "WebSocket", "Connection": "keep-alive, upgrade"},
        {CHOICE: "v2"},
        {OFFERS: "permessage-deflate"},
        {OFFERS: "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
        {OFFERS: "permessage-deflate; client_max_window_bits=10; server_max_window_bits=15"},
    ],
    ids=str,
)
def test_clients_take_what_is_in_order(changes, peer):
    def answer_to(key):
        return reply({"Sec-WebSocket-Accept": accept(key), **changes})

    taken, both = CLIENTS[peer](answer_to)
    assert taken
    if peer == "wsproto" and changes.get(OFFERS) and "server_max" not in changes[OFFERS]:
        # It offers limits of 15 bits, and does not mind if they are not repeated.
        assert [field.reference for field in both.errors] == ["RFC 7692 §7.1.2.1"]
    else:
        assert both.errors == []


# ── each against the other, with us between ──


@settings(max_examples=100, deadline=None)
@given(in_order())
def test_what_the_libraries_answer_is_in_order(good):
    """Their answers to generated requests have nothing wrong with them by our judgement."""
    request = ask(good)
    server = ServerProtocol(
        extensions=[ServerPerMessageDeflateFactory()],
        select_subprotocol=lambda _, offered: offered[0] if offered else None,
    )
    server.receive_data(request)
    [event] = server.events_received()
    server.send_response(server.accept(event))
    assert converse(request, b"".join(server.data_to_send())).errors == []
    other = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    other.receive_data(request)
    [event] = other.events()
    chosen = event.subprotocols[0] if event.subprotocols else None
    answer = other.send(AcceptConnection(subprotocol=chosen, extensions=[PerMessageDeflate()]))
    assert converse(request, answer).errors == []
