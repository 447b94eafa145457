"""Opening handshakes for the tests: one in order, and everything that can be wrong with it.

A change is a header's name and what it is to be: a value, several, or ``None`` for not at all.
``"start"`` is the first line, and ``"body"`` what follows the headers.
"""

from __future__ import annotations

from collections.abc import Mapping

from rtlab.dissect.field import Dissection, Field
from rtlab.examples import ACCEPT, KEY

Change = str | list[str] | None
Changes = Mapping[str, Change]

REQUEST: dict[str, Change] = {
    "start": "GET /chat HTTP/1.1",
    "Host": "server.example.com",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Key": KEY,
    "Sec-WebSocket-Version": "13",
}
ANSWER: dict[str, Change] = {
    "start": "HTTP/1.1 101 Switching Protocols",
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Accept": ACCEPT,
}


def build(message: Mapping[str, Change], changes: Changes | None = None) -> bytes:
    """Return a message with changes as bytes."""
    parts = {**message, **(changes or {})}
    start, body = parts.pop("start"), parts.pop("body", "")
    lines = [start]
    for name, value in parts.items():
        values = [] if value is None else [value] if isinstance(value, str) else value
        lines += [f"{name}: {each}" for each in values]
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode("latin-1") + str(body).encode()


def ask(changes: Changes | None = None) -> bytes:
    return build(REQUEST, changes)


def reply(changes: Changes | None = None) -> bytes:
    return build(ANSWER, changes)


def value_of(found: Dissection, name: str) -> Field:
    """Return the field of the value of the first header of a name."""
    headers = [field for field in found.root.walk() if field.name == "header"]
    value = next(field for field in headers if field.value[0] == name).find("value")
    assert value is not None
    return value


Fault = tuple[str, str, str]
"""The field with an error, the bytes it covers, and the clause."""
OFFERS = "Sec-WebSocket-Extensions"
CHOICE = "Sec-WebSocket-Protocol"
CLIENT, SERVER = "RFC 6455 §4.1", "RFC 6455 §4.2.2"
END = ("blank line", "\r\n")


def _offer(text: str, fault: str, clause: str, name: str = "parameter") -> tuple[Changes, Fault]:
    return {OFFERS: text}, (name, fault, clause)


REQUEST_DEFECTS: dict[str, tuple[Changes, Fault]] = {
    "method": ({"start": "POST /chat HTTP/1.1"}, ("method", "POST", CLIENT)),
    "method in small letters": ({"start": "get /chat HTTP/1.1"}, ("method", "get", CLIENT)),
    "HTTP/1.0": ({"start": "GET /chat HTTP/1.0"}, ("version", "HTTP/1.0", CLIENT)),
    "no Host": ({"Host": None}, (*END, CLIENT)),
    "two Hosts": ({"Host": ["a", "b"]}, ("header", "Host: b\r\n", "RFC 9112 §3.2")),
    "no such Host": ({"Host": "a/b"}, ("value", "a/b", "RFC 9112 §3.2")),
    "empty Host": ({"Host": ""}, ("header", "Host: \r\n", CLIENT)),
    "a port alone": ({"Host": ":80"}, ("value", ":80", CLIENT)),
    "no Upgrade": ({"Upgrade": None}, (*END, CLIENT)),
    "another Upgrade": ({"Upgrade": "h2c"}, ("value", "h2c", CLIENT)),
    "Upgrade with a version": ({"Upgrade": "websocket/13"}, ("value", "websocket/13", CLIENT)),
    "no Connection": ({"Connection": None}, (*END, CLIENT)),
    "another Connection": ({"Connection": "keep-alive"}, ("value", "keep-alive", CLIENT)),
    "no key": ({"Sec-WebSocket-Key": None}, (*END, CLIENT)),
    "two keys": (
        {"Sec-WebSocket-Key": [KEY, KEY]},
        ("header", f"Sec-WebSocket-Key: {KEY}\r\n", "RFC 6455 §11.3.1"),
    ),
    "empty key": ({"Sec-WebSocket-Key": ""}, ("header", "Sec-WebSocket-Key: \r\n", CLIENT)),
    "key of other letters": (
        {"Sec-WebSocket-Key": KEY.replace("l", "*")},
        ("value", KEY.replace("l", "*"), CLIENT),
    ),
    "key in the alphabet of URLs": (
        {"Sec-WebSocket-Key": "_" * 21 + "w=="},
        ("value", "_" * 21 + "w==", CLIENT),
    ),
    "key without padding": ({"Sec-WebSocket-Key": KEY[:-2]}, ("value", KEY[:-2], CLIENT)),
    "key with too much padding": ({"Sec-WebSocket-Key": KEY + "=="}, ("value", KEY + "==", CLIENT)),
    "key of 15 bytes": ({"Sec-WebSocket-Key": "A" * 20}, ("value", "A" * 20, CLIENT)),
    "key of 18 bytes": ({"Sec-WebSocket-Key": "A" * 24}, ("value", "A" * 24, CLIENT)),
    # The very example of RFC 6455 §4.1; its erratum 3150 puts it right.
    "sloppy key": (
        {"Sec-WebSocket-Key": "AQIDBAUGBwgJCgsMDQ4PEC=="},
        ("value", "AQIDBAUGBwgJCgsMDQ4PEC==", "RFC 4648 §3.5"),
    ),
    "no version": ({"Sec-WebSocket-Version": None}, (*END, CLIENT)),
    "version 8": ({"Sec-WebSocket-Version": "8"}, ("value", "8", CLIENT)),
    "version 013": ({"Sec-WebSocket-Version": "013"}, ("value", "013", CLIENT)),
    "list of versions": ({"Sec-WebSocket-Version": "13, 8"}, ("value", "13, 8", CLIENT)),
    "two versions": (
        {"Sec-WebSocket-Version": ["13", "13"]},
        ("header", "Sec-WebSocket-Version: 13\r\n", "RFC 6455 §11.3.5"),
    ),
    "subprotocol twice": ({CHOICE: "chat, v2, chat"}, ("value", "chat, v2, chat", CLIENT)),
    "subprotocol in two headers": ({CHOICE: ["chat", "v2,chat"]}, ("value", "v2,chat", CLIENT)),
    "subprotocol that is no token": ({CHOICE: "chat, v/2"}, ("value", "chat, v/2", CLIENT)),
    "subprotocol in quotes": ({CHOICE: '"chat"'}, ("value", '"chat"', CLIENT)),
    "empty subprotocol": ({CHOICE: "chat,,v2"}, ("value", "chat,,v2", CLIENT)),
    "no subprotocol": ({CHOICE: ""}, ("header", f"{CHOICE}: \r\n", CLIENT)),
    "no extension": ({OFFERS: ""}, ("header", f"{OFFERS}: \r\n", "RFC 6455 §9.1")),
    "empty extension": _offer("foo,,bar", "", "RFC 6455 §9.1", "extension name"),
    "comma first": _offer(",foo", "", "RFC 6455 §9.1", "extension name"),
    "semicolon first": _offer(";a=1", "", "RFC 6455 §9.1", "extension name"),
    "extension that is no token": _offer("f o", "f o", "RFC 6455 §9.1", "extension name"),
    "empty parameter": _offer("foo; ; a", "", "RFC 6455 §9.1"),
    "parameter that is no token": _offer("foo; a b", "a b", "RFC 6455 §9.1"),
    "empty value": _offer("foo; a=", "a=", "RFC 6455 §9.1"),
    "value that is no token": _offer('foo; a="b c"', 'a="b c"', "RFC 6455 §9.1"),
    "quotes that stay open": _offer('foo; a="b, bar', 'a="b, bar', "RFC 6455 §9.1"),
    "deflate: unknown parameter": _offer("permessage-deflate; level=9", "level=9", "RFC 7692 §7"),
    "deflate: parameter twice": _offer(
        "permessage-deflate; client_max_window_bits=9; client_max_window_bits",
        "client_max_window_bits",
        "RFC 7692 §7",
    ),
    "deflate: server_no_context_takeover with a value": _offer(
        "permessage-deflate; server_no_context_takeover=1",
        "server_no_context_takeover=1",
        "RFC 7692 §7.1.1.1",
    ),
    "deflate: client_no_context_takeover with a value": _offer(
        "permessage-deflate; client_no_context_takeover=1",
        "client_no_context_takeover=1",
        "RFC 7692 §7.1.1.2",
    ),
    "deflate: server_max_window_bits without a value": _offer(
        "permessage-deflate; server_max_window_bits",
        "server_max_window_bits",
        "RFC 7692 §7.1.2.1",
    ),
    **{
        f"deflate: {who}_max_window_bits={bits}": _offer(
            f"permessage-deflate; {who}_max_window_bits={bits}",
            f"{who}_max_window_bits={bits}",
            f"RFC 7692 §7.1.2.{1 + (who == 'client')}",
        )
        for who in ("server", "client")
        for bits in ("7", "16", "010", "ten")
    },
    "body": ({"Content-Length": "3", "body": "abc"}, ("value", "3", "RFC 9110 §9.3.1")),
    "body in chunks": (
        {"Transfer-Encoding": "chunked", "body": "0\r\n\r\n"},
        ("value", "chunked", "RFC 9110 §9.3.1"),
    ),
}
"""What a client can do wrong, and where it must be found."""

ANSWER_DEFECTS: dict[str, tuple[Changes, Fault]] = {
    "no Upgrade": ({"Upgrade": None}, (*END, SERVER)),
    "another Upgrade": ({"Upgrade": "h2c"}, ("value", "h2c", CLIENT)),
    "two Upgrades": ({"Upgrade": "websocket, h2c"}, ("value", "websocket, h2c", CLIENT)),
    "no Connection": ({"Connection": None}, (*END, SERVER)),
    "another Connection": ({"Connection": "keep-alive"}, ("value", "keep-alive", SERVER)),
    "no accept": ({"Sec-WebSocket-Accept": None}, (*END, SERVER)),
    "two accepts": (
        {"Sec-WebSocket-Accept": [ACCEPT, ACCEPT]},
        ("header", f"Sec-WebSocket-Accept: {ACCEPT}\r\n", "RFC 6455 §11.3.3"),
    ),
    "accept of another key": (
        {"Sec-WebSocket-Accept": "0" * 27 + "="},
        ("value", "0" * 27 + "=", SERVER),
    ),
    "accept in small letters": (
        {"Sec-WebSocket-Accept": ACCEPT.lower()},
        ("value", ACCEPT.lower(), SERVER),
    ),
    "accept that is the key": ({"Sec-WebSocket-Accept": KEY}, ("value", KEY, SERVER)),
    "accept that is no Base64": ({"Sec-WebSocket-Accept": "?"}, ("value", "?", SERVER)),
    "empty accept": (
        {"Sec-WebSocket-Accept": ""},
        ("header", "Sec-WebSocket-Accept: \r\n", SERVER),
    ),
    "subprotocol not offered": ({CHOICE: "v3"}, ("value", "v3", CLIENT)),
    "subprotocol in other letters": ({CHOICE: "Chat"}, ("value", "Chat", CLIENT)),
    "several subprotocols": ({CHOICE: "chat, v2"}, ("value", "chat, v2", SERVER)),
    "two headers of subprotocols": (
        {CHOICE: ["chat", "v2"]},
        ("header", f"{CHOICE}: v2\r\n", "RFC 6455 §11.3.4"),
    ),
    "empty subprotocol": ({CHOICE: ""}, ("header", f"{CHOICE}: \r\n", SERVER)),
    "extension not offered": _offer("foo", "foo", "RFC 6455 §9.1", "extension"),
    "deflate: unknown parameter": _offer("permessage-deflate; level=9", "level=9", "RFC 7692 §7"),
    "deflate: twice": _offer(
        "permessage-deflate, permessage-deflate",
        " permessage-deflate",
        "RFC 7692 §5",
        "extension",
    ),
    "deflate: client_max_window_bits without a value": _offer(
        "permessage-deflate; client_max_window_bits",
        "client_max_window_bits",
        "RFC 7692 §7.1.2.2",
    ),
    "deflate: window of 16 bits": _offer(
        "permessage-deflate; server_max_window_bits=16",
        "server_max_window_bits=16",
        "RFC 7692 §7.1.2.1",
    ),
    "length": (
        {"Content-Length": "3"},
        ("header", "Content-Length: 3\r\n", "RFC 9110 §8.6"),
    ),
    "chunks": (
        {"Transfer-Encoding": "chunked"},
        ("header", "Transfer-Encoding: chunked\r\n", "RFC 9112 §6.1"),
    ),
}
"""What a server can do wrong in answer to a client that offers two subprotocols and deflate."""
OFFERING = {CHOICE: "chat, v2", OFFERS: "permessage-deflate; client_max_window_bits"}
