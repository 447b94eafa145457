"""What the header of each HTTP/2 frame must keep to, by its type and by what came before."""

from __future__ import annotations

from rtlab.dissect.http2_frames import (
    ACK,
    CONTINUATION,
    DATA,
    END_STREAM,
    HEADERS,
    PUSH_PROMISE,
    RST_STREAM,
    SETTINGS,
    WINDOW_UPDATE,
    Frame,
)
from rtlab.dissect.http2_streams import Connection, Stream


def judge(frame: Frame, connection: Connection) -> None:
    """Put what is wrong with a frame's header where it is."""
    if not connection.begun:
        connection.begun = True
        _judge_first(frame)
    if connection.block is not None or frame.type == CONTINUATION:
        _judge_block(frame, connection)
    if frame.length > connection.max_frame_size:
        error = f"more than the {connection.max_frame_size:,} bytes that the receiver takes"
        frame.wrong("length", error, "RFC 9113 §4.2")
    if frame.unused or frame.header[-2].value:
        _judge_unused(frame)
    must = frame.kind.stream
    if must and not frame.stream:
        frame.wrong("stream identifier", f"{frame.kind.name} belongs to a stream, not to 0")
    elif must is False and frame.stream:
        frame.wrong("stream identifier", f"{frame.kind.name} belongs to the connection: 0")
    elif frame.stream and frame.type in _BY_TYPE:
        if connection.is_unasked(frame.stream):
            _wrong(frame, "the client has not opened this stream", "RFC 9113 §5.1.1")
        _BY_TYPE[frame.type](frame, connection, connection.streams.get(frame.stream))


def _judge_first(frame: Frame) -> None:
    if frame.type != SETTINGS:
        frame.wrong("type", "the first frame must be SETTINGS", "RFC 9113 §3.4")
    elif frame.flags & ACK:
        frame.wrong("ACK", "the first SETTINGS must be one's own", "RFC 9113 §3.4")


def _judge_block(frame: Frame, connection: Connection) -> None:
    block = connection.block
    if block is None:
        frame.wrong("type", "there is no field block to continue", "RFC 9113 §6.10")
    elif frame.type != CONTINUATION:
        error = f"the field block of stream {block.frame.stream} is not finished"
        frame.wrong("type", error, "RFC 9113 §4.3")
    elif frame.stream != block.frame.stream:
        error = f"it is the field block of stream {block.frame.stream} that is not finished"
        frame.wrong("stream identifier", error, "RFC 9113 §6.10")


def _judge_unused(frame: Frame) -> None:
    for field in frame.header:
        if field.value and field.name in ("unused flags", "reserved"):
            field.wrong("must be sent as 0", "RFC 9113 §4.1")


# ── whether the stream is in a state for it (RFC 9113 §5.1) ──


def _headers(frame: Frame, connection: Connection, stream: Stream | None) -> None:
    number, opened = frame.stream, connection.opened
    if connection.sender == "client" and not connection.is_own(number):
        _wrong(frame, "a client opens odd streams; even ones are the server's", "RFC 9113 §5.1.1")
    elif stream is None and connection.is_own(number):
        if connection.sender == "server":
            _wrong(frame, "a server opens only streams that it has promised", "RFC 9113 §5.1")
        elif number < opened:
            _wrong(frame, f"numbers only go up, and {opened} was there before", "RFC 9113 §5.1.1")
    if stream is None or _judge_closed(frame, stream):
        return
    if stream.tunnel:
        _wrong(frame, "a tunnel carries DATA and nothing else", "RFC 9113 §8.5")
    elif stream.section and not frame.flags & END_STREAM:
        frame.wrong("END_STREAM", "fields after the body end the stream", "RFC 9113 §8.1")


def _data(frame: Frame, connection: Connection, stream: Stream | None) -> None:
    if stream is not None:
        if not _judge_closed(frame, stream) and not stream.section:
            _wrong(frame, "DATA before the HEADERS of the response", "RFC 9113 §8.1")
    elif connection.is_own(frame.stream):
        _judge_idle(frame, connection, "RFC 9113 §5.1")
    elif connection.sender == "client":
        _wrong(frame, "a client sends nothing on a pushed stream", "RFC 9113 §5.1")
    else:
        _wrong(frame, "DATA before the HEADERS of the response", "RFC 9113 §8.1")


def _reset(frame: Frame, connection: Connection, stream: Stream | None) -> None:
    if stream is None:
        if connection.is_own(frame.stream):
            _judge_idle(frame, connection, "RFC 9113 §6.4")
    elif stream.reset:
        _wrong(frame, "this side has reset the stream already", "RFC 9113 §5.1")


def _window(frame: Frame, connection: Connection, stream: Stream | None) -> None:
    if stream is None:
        if connection.is_own(frame.stream):
            _judge_idle(frame, connection, "RFC 9113 §5.1")
    elif stream.reset:  # after END_STREAM it is in order: the other side may still send
        _wrong(frame, "this side has reset the stream", "RFC 9113 §5.1")
    elif connection.is_own(frame.stream) and not stream.section:
        _wrong(frame, "promised, but not begun: only HEADERS can come first", "RFC 9113 §5.1")


def _promise(frame: Frame, connection: Connection, stream: Stream | None) -> None:
    if connection.sender == "client":
        frame.wrong("type", "a client cannot push", "RFC 9113 §8.4")
    elif not connection.push:
        frame.wrong("type", "the client has switched push off", "RFC 9113 §6.6")
    elif connection.is_own(frame.stream):
        _wrong(frame, "a promise is made on a stream of the client's", "RFC 9113 §6.6")
    elif stream is not None:
        _judge_closed(frame, stream)


_BY_TYPE = {
    HEADERS: _headers,
    DATA: _data,
    RST_STREAM: _reset,
    WINDOW_UPDATE: _window,
    PUSH_PROMISE: _promise,
}


def _judge_closed(frame: Frame, stream: Stream) -> bool:
    """Judge a frame on a stream on which this side may send no more; return whether it is one."""
    if stream.reset:
        _wrong(frame, "this side has reset the stream", "RFC 9113 §5.1")
    elif stream.ended:
        _wrong(frame, "this side has ended the stream with END_STREAM", "RFC 9113 §5.1")
    return stream.reset or stream.ended


def _judge_idle(frame: Frame, connection: Connection, clause: str) -> None:
    """Judge a frame on a stream that is this side's to open, and was not opened."""
    if frame.stream > connection.opened:
        _wrong(frame, "this stream was not opened yet", clause)
    else:  # RFC 9113 §5.1.1: who opens a stream closes all that were skipped
        _wrong(frame, "this stream was skipped, and is closed", "RFC 9113 §5.1")


def _wrong(frame: Frame, error: str, clause: str) -> None:
    frame.header[-1].wrong(error, clause)
