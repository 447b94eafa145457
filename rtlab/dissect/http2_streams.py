"""The streams of one direction of a connection, and the messages on them (RFC 9113 §5.1, §8.1).

Only one side's frames are here. So a stream is known as far as its sender has shown it: whether a
server's stream 1 was opened by the client, ``client_streams`` must say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from rtlab.dissect.field import Buffer, Field, in_bytes
from rtlab.dissect.http2_content import Content, event_stream, web_socket
from rtlab.dissect.http2_fields import Section
from rtlab.dissect.http2_frames import END_STREAM, HEADERS, Frame
from rtlab.dissect.http2_hpack import FieldBlocks, Line


class Stream:
    """A stream, as far as this side has used it.

    Attributes:
        section: its headers have come: those of the request, or of the final response.
        ended: this side has sent END_STREAM.
        reset: this side has sent RST_STREAM.
        tunnel: it was opened with CONNECT: its DATA are bytes of another protocol.
        length: what content-length says.
        received: bytes of DATA so far, padding not counted.
        content: takes the data apart, if they have a format that is known here.
    """

    __slots__ = ("content", "ended", "length", "received", "reset", "section", "tunnel")

    def __init__(self) -> None:
        self.section = self.ended = self.reset = self.tunnel = False
        self.length: int | None = None
        self.received = 0
        self.content: Content | None = None


class Block:
    """A field block, from its first fragment on.

    Attributes:
        frame: the HEADERS or PUSH_PROMISE that began it.
        stream: whose message it belongs to, unless it may not be there at all.
        spoilt: a fragment of it could not be told from what is around it.
    """

    __slots__ = ("field", "frame", "pieces", "spoilt", "stream")

    def __init__(self, frame: Frame, stream: Stream | None) -> None:
        self.frame = frame
        self.stream = stream
        self.spoilt = False
        self.pieces: list[bytes] = []
        self.field: Field | None = None  # the fragment that came last

    def add(self, field: Field, data: bytes) -> None:
        """Take the next fragment."""
        self.field = field
        self.pieces.append(data)


class Connection:
    """What one sender's earlier frames mean for the next.

    Attributes:
        sender: ``"client"`` or ``"server"``.
        max_frame_size, push: what the receiver's SETTINGS say.
        tunnels: streams that carry a WebSocket, and the extensions that the server agreed to.
        client_streams: those that the client has opened; ``None``: not known.
        streams: by number.
        opened: the highest stream that this side has opened or promised.
        begun: the first frame has come.
        block: the field block that is not finished yet.
        blocks: decodes field blocks.
        settings: the last value of each setting that this side has sent.
        last_stream: what this side's last GOAWAY said.
    """

    def __init__(
        self,
        sender: str,
        max_frame_size: int,
        header_table_size: int,
        push: bool,
        tunnels: Mapping[int, str],
        client_streams: Collection[int] | None,
    ) -> None:
        self.sender = sender
        self.max_frame_size = max_frame_size
        self.push = push
        self.tunnels = tunnels
        self.client_streams = client_streams
        self.streams: dict[int, Stream] = {}
        self.opened = 0
        self.begun = False
        self.block: Block | None = None
        self.blocks = FieldBlocks(header_table_size)
        self.settings: dict[int, int] = {}
        self.last_stream: int | None = None

    def is_own(self, number: int) -> bool:
        """Whether a stream of this number is for this side to open."""
        return number % 2 == (self.sender == "client")

    def is_unasked(self, number: int) -> bool:
        """Whether a stream is for the other side to open, and is known not to have been opened."""
        if self.sender == "client" or self.client_streams is None or self.is_own(number):
            return False
        return number not in self.client_streams

    # ── field blocks ──

    def begin(self, frame: Frame) -> Block:
        """Begin a field block; an unfinished one is given up."""
        if self.block is not None:
            self._give_up(self.block)
        stream = self.streams.get(frame.stream)
        if stream is not None and (stream.ended or stream.reset):
            stream = None  # what it says cannot be part of any message
        elif frame.type == HEADERS and frame.stream:
            stream = stream or self.open(frame.stream)
            stream.ended = bool(frame.flags & END_STREAM)
        self.block = Block(frame, stream)
        return self.block

    def open(self, number: int) -> Stream:
        """Take note of a stream that this side opens, promises, or begins to answer on."""
        if self.is_own(number):
            self.opened = max(self.opened, number)
        stream = self.streams[number] = Stream()
        return stream

    def finish(self, frame: Frame) -> None:
        """End the field block with this frame, and read the message that it belongs to."""
        block, self.block = self.block, None
        assert block is not None
        if block.spoilt:
            self._give_up(block)
            return
        root, lines = self._dissected(block)
        self._message(frame, block, root, lines)

    def _give_up(self, block: Block) -> None:
        """Show what there is of a block that cannot be read to its end."""
        if not block.spoilt:
            self._dissected(block)
        self.blocks.lost = True
        if block.stream is not None and block.frame.type == HEADERS:
            block.stream.section = True  # whatever it said

    def _dissected(self, block: Block) -> tuple[Field, list[Line]]:
        data = b"".join(block.pieces)
        root, lines = self.blocks.dissect(data)
        if block.field is not None:
            block.field.buffer = Buffer(root.name, data, root)
        return root, lines

    # ── messages ──

    def _message(self, frame: Frame, block: Block, root: Field, lines: list[Line]) -> None:
        stream = block.stream
        if block.frame.type != HEADERS:
            self._section("promise", frame, root, lines)
        elif stream is not None:
            if stream.section:
                self._section("trailers", frame, root, lines)
            else:
                kind = "request" if self.sender == "client" else "response"
                self._headers(block.frame, stream, self._section(kind, frame, root, lines))
            if stream.ended:
                self._end(stream, block.frame)

    @staticmethod
    def _section(kind: str, frame: Frame, root: Field, lines: list[Line]) -> Section:
        section = Section(kind, root, lines)
        section.judge()
        frame.say(section.brief)
        return section

    def _headers(self, frame: Frame, stream: Stream, section: Section) -> None:
        if 100 <= section.status < 200:  # the real answer is still to come
            if frame.flags & END_STREAM:
                frame.wrong("END_STREAM", "an interim response ends nothing", "RFC 9113 §8.1")
            return
        stream.section = True
        if self._is_tunnel(frame.stream, section):
            stream.tunnel = True
            if self._is_web_socket(frame.stream, section):
                stream.content = web_socket(self.sender, self.tunnels.get(frame.stream, ""))
            return
        stream.length = section.length
        media = section.value("content-type").partition(";")[0].strip(" \t").lower()
        if media == "text/event-stream" and section.value("content-encoding") in ("", "identity"):
            stream.content = event_stream()

    def _is_tunnel(self, number: int, section: Section) -> bool:
        if self.sender == "client":
            return section.value(":method") == "CONNECT"
        return number in self.tunnels and 200 <= section.status < 300

    def _is_web_socket(self, number: int, section: Section) -> bool:
        if self.sender == "client" and number not in self.tunnels:
            return section.value(":protocol").lower() == "websocket"
        return number in self.tunnels

    def data(self, frame: Frame, field: Field, data: bytes, *, whole: bool) -> None:
        """Take the data of a frame; ``whole`` unless the bytes ended within it."""
        stream = self.streams.get(frame.stream)
        if stream is None or stream.ended or stream.reset:
            return
        stream.received += len(data)
        if stream.length is not None and stream.received > stream.length:
            field.wrong(f"content-length said {in_bytes(stream.length)}", "RFC 9113 §8.1.1")
        if stream.content is not None:
            stream.content.feed(field, data)
        if whole and frame.flags & END_STREAM:
            stream.ended = True
            self._end(stream, frame)

    def reset(self, frame: Frame) -> None:
        """Take note that a stream is reset."""
        stream = self.streams.get(frame.stream)
        if stream is None:
            if not frame.stream or self.is_own(frame.stream):
                return  # there is none
            stream = self.streams[frame.stream] = Stream()
        stream.reset = True
        self._end_content(stream)

    def _end(self, stream: Stream, frame: Frame) -> None:
        self._end_content(stream)
        said, came = stream.length, stream.received
        # The answer to a HEAD, and a 304, have no content whatever their headers say.
        if said is not None and came < said and (came or self.sender == "client"):
            error = f"content-length said {in_bytes(said)}, and {came:,} came"
            frame.wrong("END_STREAM", error, "RFC 9113 §8.1.1")

    @staticmethod
    def _end_content(stream: Stream) -> None:
        if stream.content is not None:
            stream.content.end()
            stream.content = None

    def end(self) -> None:
        """Show what there is of blocks and contents that are not complete: the bytes have ended."""
        if self.block is not None:
            self._give_up(self.block)
            self.block = None
        for stream in self.streams.values():
            self._end_content(stream)
