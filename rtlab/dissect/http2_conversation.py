"""Both directions of an HTTP/2 connection: each side's SETTINGS bind the other.

What a client asks for with an extended CONNECT (RFC 8441 §4) says which of the server's streams
carry a WebSocket, and what the server answers there says how its frames are compressed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rtlab.dissect import http2
from rtlab.dissect.field import Dissection, Field
from rtlab.dissect.http2_frames import HEADERS


def multiplexed(up: bytes, down: bytes, *, complete: bool = True) -> tuple[Dissection, Dissection]:
    """Take both directions of a connection apart, the WebSockets in it as well.

    Args:
        up: all bytes from the client, from the preface on.
        down: all bytes from the server.
        complete: whether nothing is missing after ``up``: no other stream was opened.
    """
    client = _dissected(up, sender="client")
    asked = [number for number, fields in _sections(client.root) if _is_web_socket(fields)]
    bound = _settings(client.root)
    if complete:
        bound["client_streams"] = _opened(client.root)
    server = _dissected(down, sender="server", tunnels=asked, **bound)
    agreed = {
        number: fields.get("sec-websocket-extensions", "").lower()
        for number, fields in _sections(server.root)
        if number in asked and fields.get(":status", "").startswith("2")
    }
    tunnels = {number: agreed.get(number, "") for number in asked}
    said = _settings(server.root)
    if said or any(tunnels.values()):
        client = _dissected(up, sender="client", tunnels=tunnels, **said)
    if any(tunnels.values()):
        server = _dissected(down, sender="server", tunnels=tunnels, **bound)
    return client, server


def _dissected(data: bytes, **options: Any) -> Dissection:
    dissector = http2.dissector(**options)
    dissector.feed(data)
    return Dissection("http2", data, dissector.end())


def _is_web_socket(fields: dict[str, str]) -> bool:
    return fields.get(":method") == "CONNECT" and fields.get(":protocol", "").lower() == "websocket"


def _sections(root: Field) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the fields of each field block, and its stream."""
    for frame in root.children:
        for field in frame.children:
            if field.name == "field block fragment" and field.buffer is not None:
                lines = [line.value for line in field.buffer.root.children]
                number = next(f.value for f in frame.children if f.name == "stream identifier")
                yield number, dict(reversed([line for line in lines if isinstance(line, tuple)]))


def _opened(root: Field) -> set[int]:
    """Return the streams on which HEADERS were sent."""
    opened = set()
    for frame in root.children:
        header = {field.name: field.value for field in frame.children}
        if header.get("type") == HEADERS and "stream identifier" in header:
            opened.add(header["stream identifier"])
    return opened


def _settings(root: Field) -> dict[str, Any]:
    """Return what a side's SETTINGS allow the other, where it is not what holds without them.

    Which frames the other side had seen when it sent its own is not known here, so it is judged by
    the most that it was ever allowed.
    """
    said: dict[int, list[int]] = {}
    for frame in root.children:
        for setting in frame.children:
            if setting.name == "setting" and not setting.errors:
                identifier, value = (field.value for field in setting.children)
                said.setdefault(identifier, []).append(value)
    allowed: dict[str, Any] = {}
    if max(said.get(1, [0])) > http2.DEFAULT_TABLE_SIZE:
        allowed["header_table_size"] = max(said[1])
    if max(said.get(5, [0])) > http2.LEAST_FRAME_SIZE:
        allowed["max_frame_size"] = max(said[5])
    if 2 in said and not any(said[2]):
        allowed["push"] = False
    return allowed
