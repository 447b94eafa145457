"""The opening handshake of WebSocket, judged: one HTTP request and its answer (RFC 6455 §4).

    GET /chat HTTP/1.1                            HTTP/1.1 101 Switching Protocols
    Host: server.example.com
    Upgrade: websocket                            Upgrade: websocket
    Connection: Upgrade                           Connection: Upgrade
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==   Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=
    Sec-WebSocket-Version: 13

``judge`` says what is wrong with a message alone, ``compare`` what only both together show.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rtlab.dissect import extensions
from rtlab.dissect.accept_key import accept, decode, derive
from rtlab.dissect.extensions import Extension
from rtlab.dissect.http1_body import Message
from rtlab.dissect.http1_lines import Header, is_token

VERSION = "13"
REQUIRED = ("Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
REQUIRED_OF_ANSWER = ("Upgrade", "Connection", "Sec-WebSocket-Accept")


class Handshake(NamedTuple):
    """What one side says beside the key.

    Attributes:
        protocols: the subprotocols that are offered, or chosen.
        extensions: those that are offered, or agreed.
    """

    protocols: set[str]
    extensions: list[Extension]


# ── a message alone ──


def judge(message: Message) -> Handshake | None:
    """Say what is wrong with a message of the opening handshake, where it lies.

    Returns:
        What it says; ``None`` for other messages, and for other upgrades, such as h2c.
    """
    if message.request:
        signs = ("sec-websocket-key", "sec-websocket-version")
        return _judge_request(message) if _meant(message, signs) else None
    if message.status != 101:
        return None
    if _meant(message, ("sec-websocket-accept",)):
        return _judge_answer(message)
    _missing(message, ["Upgrade"], "RFC 9110 §15.2.2")
    return None


def switches_to_websocket(answer: Message) -> bool:
    """Whether frames follow a 101: unless it names another protocol."""
    return answer.status == 101 and ("upgrade" not in answer.headers or _names_websocket(answer))


def _meant(message: Message, signs: Iterable[str]) -> bool:
    return _names_websocket(message) or any(name in message.headers for name in signs)


def _names_websocket(message: Message) -> bool:
    asked = "upgrade" in message.headers  # hardly ever, and every message is looked at
    return asked and "websocket" in map(str.lower, message.words("upgrade"))


def _judge_request(message: Message) -> Handshake:
    headers = message.headers
    if message.method != "GET":
        message.part("method").wrong("a WebSocket is opened with GET", "RFC 6455 §4.1")
    if message.version is not None and message.version < (1, 1):
        message.part("version").wrong("a WebSocket takes HTTP/1.1 at least", "RFC 6455 §4.1")
    _missing(message, REQUIRED, "RFC 6455 §4.1")
    for host in headers.get("host", []):
        if not host.value.partition(":")[0]:
            host.place.wrong("no host is named", "RFC 6455 §4.1")
    if "upgrade" in headers and not _names_websocket(message):
        headers["upgrade"][0].place.wrong("not websocket", "RFC 6455 §4.1")
    _judge_connection(message, "RFC 6455 §4.1")
    for key in _once(message, "Sec-WebSocket-Key", "RFC 6455 §11.3.1"):
        decode(key, 16, "nonce", "RFC 6455 §4.1")
    for version in _once(message, "Sec-WebSocket-Version", "RFC 6455 §11.3.5"):
        if version.value != VERSION:
            version.place.wrong(f"the version must be {VERSION}", "RFC 6455 §4.1")
    if message.method == "GET":
        _judge_body(headers.get("content-length", []), headers.get("transfer-encoding", []))
    offered = extensions.read(headers.get("sec-websocket-extensions", []))
    extensions.judge(offered, offered=True)
    return Handshake(_protocols(headers.get("sec-websocket-protocol", [])), offered)


def _judge_answer(message: Message) -> Handshake:
    headers = message.headers
    _missing(message, REQUIRED_OF_ANSWER, "RFC 6455 §4.2.2")
    for upgrade in headers.get("upgrade", [])[:1]:
        if [word.lower() for word in message.words("upgrade")] != ["websocket"]:
            upgrade.place.wrong("websocket, and nothing else", "RFC 6455 §4.1")
    _judge_connection(message, "RFC 6455 §4.2.2")
    for header in _once(message, "Sec-WebSocket-Accept", "RFC 6455 §11.3.3"):
        decode(header, 20, "SHA-1", "RFC 6455 §4.2.2")
    chosen = {header.value for header in headers.get("sec-websocket-protocol", [])}
    for header in _once(message, "Sec-WebSocket-Protocol", "RFC 6455 §11.3.4"):
        if not is_token(header.value):
            header.place.wrong("one subprotocol, and no list: a token", "RFC 6455 §4.2.2")
    # RFC 6455 §11.3.2 allows one Sec-WebSocket-Extensions here; its erratum 3433, any number.
    agreed = extensions.read(headers.get("sec-websocket-extensions", []))
    extensions.judge(agreed, offered=False)
    return Handshake(chosen, agreed)


def _missing(message: Message, names: Sequence[str], clause: str) -> None:
    """Say on the blank line which headers are not there, or on the message if that is taken."""
    missing = [name for name in names if name.lower() not in message.headers]
    if missing and message.blank is not None:
        place = message.group if message.blank.error else message.blank
        place.wrong(f"the headers end without {', '.join(missing)}", clause)


def _once(message: Message, name: str, clause: str) -> list[Header]:
    """Return the first header of a name, if there is one, and object to more."""
    found = message.headers.get(name.lower(), [])
    for header in found[1:]:
        header.group.wrong(f"a second {name}: which one counts?", clause)
    return found[:1]


def _judge_connection(message: Message, clause: str) -> None:
    found = message.headers.get("connection")
    if found and "upgrade" not in map(str.lower, message.words("connection")):
        # Connection names what is meant for the next hop alone (RFC 9110 §7.8): a proxy that does
        # not know WebSocket so takes Upgrade off, instead of passing it on.
        found[0].place.wrong("the token Upgrade is missing", clause)


def _judge_body(lengths: Sequence[Header], codings: Sequence[Header]) -> None:
    error = "no body here: frames follow the headers of a handshake"
    for header in lengths:
        if header.value.isdecimal() and header.value.strip("0"):
            header.place.wrong(error, "RFC 9110 §9.3.1")
    for header in codings:
        header.place.wrong(error, "RFC 9110 §9.3.1")


def _protocols(headers: Sequence[Header]) -> set[str]:
    """Judge the subprotocols that a client offers, and return them."""
    found: set[str] = set()
    for header in headers:
        for name in (word.strip(" \t") for word in header.value.split(",")):
            if not is_token(name):
                error = f"{name[:40]!r} is no token" if name else "an empty element in the list"
                header.place.wrong(error, "RFC 6455 §4.1")
            elif name in found:
                header.place.wrong(f"{name[:40]!r} is offered twice", "RFC 6455 §4.1")
            found.add(name)
    return found


# ── both together ──


def compare(request: Message, answer: Message) -> None:
    """Say what is wrong with an answer to this very request."""
    if request.blank is None or answer.blank is None:  # the headers are not complete
        return
    if answer.status == 101:
        _compare_upgrade(request, answer)
        if request.handshake and not answer.handshake and "upgrade" not in answer.headers:
            answer.handshake = _judge_answer(answer)
    elif answer.status in (400, 426) and request.handshake:
        _compare_version(request, answer)
    if request.handshake and answer.handshake:
        _compare_key(request, answer)
        _compare_protocol(request.handshake.protocols, answer)
        extensions.compare(request.handshake.extensions, answer.handshake.extensions)


def _compare_upgrade(request: Message, answer: Message) -> None:
    asked = {word.lower() for word in request.words("upgrade")}
    if not asked:
        answer.part("status").wrong("the request did not ask to switch", "RFC 9110 §7.8")
        return
    for header in answer.headers.get("upgrade", []):
        named = {word.strip(" \t").lower() for word in header.value.split(",")} - {""}
        if not named <= asked:
            header.place.wrong("the request did not ask for this", "RFC 9110 §7.8")


def _compare_version(request: Message, answer: Message) -> None:
    versions = [header.value for header in request.headers.get("sec-websocket-version", [])]
    if versions and versions != [VERSION]:
        _missing(answer, ["Sec-WebSocket-Version"], "RFC 6455 §4.2.2, §4.4")


def _compare_key(request: Message, answer: Message) -> None:
    keys = request.headers.get("sec-websocket-key", [])
    for header in answer.headers.get("sec-websocket-accept", [])[:1]:
        if keys:
            key = keys[0].value
            derive(header.place, key)
            if header.value != accept(key):
                header.place.error = ""  # what it must be says more than that it looks wrong
                error = f"not what the key makes: {accept(key)} it must be"
                header.place.wrong(error, "RFC 6455 §4.2.2")


def _compare_protocol(offered: set[str], answer: Message) -> None:
    for header in answer.headers.get("sec-websocket-protocol", []):
        if header.value not in offered:
            header.place.wrong("the client did not offer this subprotocol", "RFC 6455 §4.1")
