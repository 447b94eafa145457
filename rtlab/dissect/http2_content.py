"""What the DATA frames of one stream carry, if it has a format of its own: events, or a WebSocket.

An event may be cut in two between frames, and a frame may hold several. So the bytes of a stream
are joined, and each DATA frame gets those events (or WebSocket frames) that it completes.
"""

from __future__ import annotations

from collections.abc import Sequence

from rtlab.dissect.cursor import Dissector
from rtlab.dissect.field import Buffer, Field
from rtlab.dissect.http2_remarks import REMARKS


class Content:
    """The DATA of one stream, taken apart as it comes.

    Args:
        name: of the buffers that hang on the frames.
        dissector: takes the joined bytes; each child of its root is one event or frame.
    """

    def __init__(self, name: str, dissector: Dissector) -> None:
        self._name = name
        self._dissector = dissector
        self._waiting = bytearray()  # of what is not complete yet
        self._at = 0  # bits of the stream before these
        self._field: Field | None = None  # the data that came last
        self._begin = 0  # bits of the stream before the buffer that hangs on it

    def feed(self, field: Field, data: bytes) -> None:
        """Take the data of the next frame, and hang what it completes on its field."""
        self._field = field
        self._waiting += data
        self._dissector.feed(data)
        if parts := self._dissector.completed():
            self._hang(parts)

    def end(self) -> None:
        """Hang what is not complete on the last frame: nothing more comes."""
        root = self._dissector.end()
        if self._waiting:
            self._hang(root.children)

    def _hang(self, parts: Sequence[Field]) -> None:
        assert self._field is not None
        count = (parts[-1].stop - self._at) >> 3
        data = bytes(self._waiting[:count])
        del self._waiting[:count]
        if self._field.buffer is None:
            self._begin = self._at
            root = Field(self._name, 0, 0, None, *REMARKS[self._name])
        else:  # the end of the stream adds to what the last frame has already
            data = self._field.buffer.data + data
            root = self._field.buffer.root
        for part in parts:
            part.shift(-self._begin)
        root.add(*parts)
        root.stop = len(data) * 8
        self._field.buffer = Buffer(self._name, data, root)
        self._at += count * 8


def event_stream() -> Content:
    """Return the content of a stream that carries events."""
    from rtlab.dissect import sse

    return Content("event stream", sse.dissector())


def web_socket(sender: str, extensions: str) -> Content:
    """Return the content of a stream that carries a WebSocket, after the extended CONNECT."""
    from rtlab.dissect import websocket
    from rtlab.dissect.extensions import negotiated, parse

    return Content("WebSocket", websocket.dissector(**negotiated(sender, parse(extensions))))
