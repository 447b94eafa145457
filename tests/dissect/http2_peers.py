"""The peers that the tests of HTTP/2 ask: ends of h2, and frames as hyperframe reads them."""

from __future__ import annotations

from collections.abc import Iterator

import h2.config
import h2.connection
from hyperframe.frame import Frame

from rtlab.dissect.http2 import PREFACE


def connection(client_side: bool) -> h2.connection.H2Connection:
    config = h2.config.H2Configuration(client_side=client_side, header_encoding=None)
    return h2.connection.H2Connection(config)


def frames(data: bytes) -> Iterator[tuple[Frame, int]]:
    """Yield every frame, parsed, and its length."""
    at = len(PREFACE) if data.startswith(PREFACE) else 0
    while at < len(data):
        found, length = Frame.parse_frame_header(memoryview(data[at : at + 9]))
        found.parse_body(memoryview(data[at + 9 : at + 9 + length]))
        at += 9 + length
        yield found, length
