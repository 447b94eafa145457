"""HTTP/2 on a socket: both ends of a connection (RFC 9113).

The rules of the protocol are those of the library h2, which touches no socket: it takes bytes and
gives events, it is asked to send something and gives bytes. What it leaves to its user is here: the
socket, waiting, and patience.

    bytes from the socket  → h2 →  events  → the stream that they belong to
    bytes for the socket   ← h2 ←  frames  ← streams, whenever they have something to say

Limits, beside those of ``rtlab.transports.http``: ``MAX_STREAMS`` streams at once, a header section
of ``MAX_HEADERS`` bytes in at most 64 frames, ``PATIENCE`` frames that bring nothing. Who goes
beyond gets GOAWAY with the error code that the RFC has for it, and is hung up on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from h2 import events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import H2Error, NoAvailableStreamIDError, TooManyStreamsError
from h2.settings import SettingCodes, Settings
from hpack.exceptions import HPACKError

from rtlab.log import logger
from rtlab.transports import http
from rtlab.transports.http2_stream import Fields, Stream

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
"""What every client sends first (RFC 9113 §3.4)."""
MAX_STREAMS = 100
"""Streams that a client may have open at once; the RFC would have no fewer (§6.5.2)."""
MAX_HEADERS = 32 * 1024
"""Bytes of a header section, as HPACK counts them: 32 more for each field (RFC 7541 §4.1)."""
PATIENCE, PATIENCE_REGAINED = 1000, 33.0
"""How many frames that bring nothing a client may send at once, and how many more each second:
resets, of which a flood costs it little and us much, SETTINGS, PING and empty DATA (§10.5). nghttp2
has the same numbers for resets."""
SILENCE = 20.0
"""Seconds after which a PING asks whether the other side is there; after as many more it is not."""
LINGER = 1.0
"""Seconds that the other side has to hang up after a GOAWAY."""
TAKEN_AT_ONCE = 16 * 1024
"""Bytes that are read in one turn of the loop. Of small frames that is enough to compute for 10 ms,
and the other connections want their turn."""

NOT_HTTP2 = (
    "This server speaks HTTP/2, and from the first byte on (prior knowledge, RFC 9113 §3.3): use "
    "curl --http2-prior-knowledge, or httpx.AsyncClient(http1=False, http2=True). Browsers speak "
    "HTTP/2 only over TLS, which this server has not.\n"
)
_IN_HTTP1 = (
    "HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Type: text/plain; charset=utf-8\r\n"
    f"Content-Length: {len(NOT_HTTP2.encode())}\r\nConnection: close\r\n\r\n{NOT_HTTP2}"
).encode()

Handler = Callable[[Stream], Awaitable[None]]

_log = logger("http2")


class Connection(asyncio.BufferedProtocol):
    """One end of a connection. It is an asyncio protocol: the loop calls it when bytes come.

    Attributes:
        h2: the state of the protocol.
        streams: those that are open, by number.
        paused: the socket takes no more just now.
        unwritten: bytes of data that are in frames, and that the socket has not got yet.
        over: nothing more will be said.
        settled: the other side's first SETTINGS have come.
        closed: the socket is closed.

    Args:
        handler: on a server: answers a stream that the client has opened. A client has none.
        among: the connections that are open: it adds itself, and takes itself out at the end.
    """

    def __init__(
        self, handler: Handler | None = None, among: set[Connection] | None = None
    ) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=handler is None, header_encoding=None))
        self.streams: dict[int, Stream] = {}
        self.paused = self.over = False
        self.unwritten = 0
        self.settled = asyncio.Event()
        self.closed = asyncio.Event()
        self._handler = handler
        self._among = set() if among is None else among
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = memoryview(bytearray(TAKEN_AT_ONCE))
        self._begun = self._flushing = False
        self._heard = self._busy = self._counted = self._loop.time()
        self._patience = float(PATIENCE)
        self._watch: asyncio.TimerHandle | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._settle()

    def _settle(self) -> None:
        """Say what this side allows, in its first SETTINGS frame."""
        if self._handler is None:
            said = {SettingCodes.ENABLE_PUSH: 0}
        else:
            said = {
                SettingCodes.MAX_CONCURRENT_STREAMS: MAX_STREAMS,
                SettingCodes.ENABLE_CONNECT_PROTOCOL: 1,  # RFC 8441 §3
            }
        said[SettingCodes.MAX_HEADER_LIST_SIZE] = MAX_HEADERS
        self.h2.local_settings = Settings(client=self._handler is None, initial_values=said)
        self.h2.decoder.max_header_list_size = MAX_HEADERS
        self.h2.initiate_connection()
        # The window of the whole connection has room for those of all streams: nobody who leaves
        # bytes of one unread can keep the others from theirs.
        window = self.h2.local_settings.initial_window_size
        self.h2.increment_flow_control_window((MAX_STREAMS - 1) * window)

    # ── asyncio calls ──

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the socket. A client begins; a server first looks who is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._among.add(self)
        self._look_around()
        if self._handler is None:
            self.flush()

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where the next bytes are to be put."""
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """Take bytes."""
        self._heard = self._loop.time()
        if self.over:
            return
        data = bytes(self._buffer[:nbytes])
        if not self._begun:
            if self._handler and not data.startswith(PREFACE[:nbytes]):
                self._write(_IN_HTTP1)
                self._hang_up("it does not speak HTTP/2")
                return
            self._begun = True
            self._flush()  # the SETTINGS
        try:
            for event in self.h2.receive_data(data):
                self._take(event)
                if self.over:
                    return
        except H2Error as error:
            self._give_up(error)
        self.flush()

    def _give_up(self, error: H2Error) -> None:
        """Say which rule was broken, with the code that the RFC has for it (§5.4.1)."""
        code = getattr(error, "error_code", ErrorCodes.PROTOCOL_ERROR)
        if code is ErrorCodes.PROTOCOL_ERROR and isinstance(error.__cause__, HPACKError):
            code = ErrorCodes.COMPRESSION_ERROR  # §4.3, which h2 does not keep to
        self._say("broke the rules", error)
        self.h2.clear_outbound_data_buffer()  # h2's own GOAWAY, which does not say why
        self.end(code, str(error))

    def pause_writing(self) -> None:
        """The socket takes no more for now: streams wait, and what asks for answers, too."""
        self.paused = True
        assert self._transport is not None
        self._transport.pause_reading()  # or answers to PING and the like would pile up
        if not self.over:
            why = f"it read nothing for {http.WRITE_LIMIT:g} s"
            self._deadline = self._loop.call_later(http.WRITE_LIMIT, self.abort, why)

    def resume_writing(self) -> None:
        """The socket takes something again."""
        self.paused = False
        assert self._transport is not None
        self._transport.resume_reading()
        if self._deadline is not None and not self.over:
            self._deadline.cancel()
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is closed: whoever waits for something is told."""
        self._end(str(exc) if exc else "the connection was closed")
        for timer in (self._watch, self._deadline):
            if timer is not None:
                timer.cancel()
        self._among.discard(self)
        self.closed.set()

    # ── what comes ──

    def _take(self, event: events.Event) -> None:
        if self._brings_nothing(event):
            self._bear(event)
        match event:
            case events.RequestReceived():
                self._open(event)
            case events.ResponseReceived():
                if stream := self.streams.get(event.stream_id):
                    stream.take_headers(_text(event.headers))
            case events.DataReceived():
                if stream := self.streams.get(event.stream_id):
                    stream.take(event.data, event.flow_controlled_length)
            case events.StreamEnded():
                if stream := self.streams.get(event.stream_id):
                    stream.take_end()
            case events.StreamReset():
                if stream := self.streams.get(event.stream_id):
                    stream.fail(f"the stream was reset: {_name(event.error_code)}")
                    stream.finish()  # a task that was not begun yet will never do it
            case events.RemoteSettingsChanged():
                self.settled.set()
                self._wake()
            case events.WindowUpdated():
                self._wake()
            case events.ConnectionTerminated():
                said = (event.additional_data or b"").decode(errors="replace")
                self._hang_up(f"the other side said goodbye: {said or _name(event.error_code)}")

    def _open(self, event: events.RequestReceived) -> None:
        assert self._handler is not None
        stream = Stream(self, event.stream_id, _text(event.headers))
        self.streams[stream.number] = stream
        stream.task = asyncio.ensure_future(self._serve(stream, self._handler))

    async def _serve(self, stream: Stream, handler: Handler) -> None:
        try:
            await handler(stream)
        finally:
            stream.finish()
            self._busy = self._loop.time()

    @staticmethod
    def _brings_nothing(event: events.Event) -> bool:
        if isinstance(event, events.DataReceived):
            return not event.data and event.stream_ended is None
        kinds = (events.StreamReset, events.RemoteSettingsChanged, events.PingReceived)
        return isinstance(event, kinds)

    def _bear(self, event: events.Event) -> None:
        """Count what brings nothing, and lose patience with a client in the end."""
        now = self._loop.time()
        regained = (now - self._counted) * PATIENCE_REGAINED
        self._patience = min(PATIENCE, self._patience + regained) - 1
        self._counted = now
        if self._patience < 0 and self._handler is not None:
            why = f"too much of what brings nothing, such as {type(event).__name__}"
            self._say("was dropped", why)
            self.end(ErrorCodes.ENHANCE_YOUR_CALM, why)

    def _wake(self) -> None:
        for stream in self.streams.values():
            stream.wake()

    # ── what goes ──

    def open(self, fields: Fields, *, end: bool = False) -> Stream:
        """Open a stream, on a client, with the header fields of a request.

        Raises:
            ConnectionError: the connection is over, or has no stream free.
        """
        if self.over:
            raise ConnectionResetError("the connection is over")
        try:
            number = self.h2.get_next_available_stream_id()
            stream = Stream(self, number)
            stream.send_headers(fields, end=end)
        except (TooManyStreamsError, NoAvailableStreamIDError) as error:
            raise ConnectionRefusedError(f"no stream is free: {error}") from error
        self.streams[number] = stream
        return stream

    def flush(self, count: int = 0) -> None:
        """Write what there is to send, once the streams that are awake have had their say.

        Args:
            count: bytes of data that were added to it.
        """
        self.unwritten += count
        if not self._flushing:
            self._flushing = True
            self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._flushing = False
        self.unwritten = 0
        self._write(self.h2.data_to_send())

    def _write(self, data: bytes) -> None:
        if data and self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    # ── the end ──

    def end(self, code: ErrorCodes = ErrorCodes.NO_ERROR, why: str = "") -> None:
        """Say GOAWAY, and that nothing more will be said. What is open is lost.

        h2 knows no connection that goes on with its streams after GOAWAY (§6.8 has one). So a
        server that stops lets them end first.
        """
        if not self.over:
            self.h2.close_connection(code, why.encode())
            self._hang_up(why)

    def _hang_up(self, why: str) -> None:
        """Send what there is, and the end; wait a little for the other side to do the same.

        To close with bytes unread would be a TCP reset, and take the GOAWAY with it.
        """
        if self._end(why) and self._transport is not None:
            self._flush()
            self._transport.write_eof()
            self._transport.resume_reading()
            self._deadline = self._loop.call_later(LINGER, http.hang_up, self._transport)

    def abort(self, why: str = "") -> None:
        """Close the socket now; say why, if somebody is at fault."""
        if why and not self.over:
            self._say("was dropped", why)
        self._end(why)
        http.hang_up(self._transport)

    def _end(self, why: str) -> bool:
        """Tell every stream that there is nothing more; true the first time."""
        if self.over:
            return False
        self.over = True
        if self._deadline is not None:
            self._deadline.cancel()
        for stream in list(self.streams.values()):
            stream.fail(why or "the connection is over")
        self.settled.set()
        return True

    def _say(self, what: str, why: object) -> None:
        peer = self._transport and self._transport.get_extra_info("peername")
        _log.warning("%s %s: %s", peer, what, why)

    def _look_around(self) -> None:
        """Ask who has been silent for long, and let go of who does not answer or wants nothing."""
        now = self._loop.time()
        self._busy = now if self.streams else self._busy
        if self._handler is not None and now - self._busy >= http.IDLE_LIMIT:
            self.end(why=f"no request for {http.IDLE_LIMIT:g} s")
        elif not self.paused and now - self._heard >= 2 * SILENCE:
            self.abort(f"not a byte for {2 * SILENCE:g} s, and no answer to PING")
        elif not self.paused and now - self._heard >= SILENCE and self.streams:
            self.h2.ping(b"are you?")
            self.flush()
        if not self.over:
            wait = min(http.IDLE_LIMIT, SILENCE) / 4
            self._watch = self._loop.call_later(wait, self._look_around)


def _text(fields: list[tuple[bytes, bytes]]) -> Fields:
    """Return header fields as text: bytes beyond ASCII are of no known encoding (RFC 9110 §5.5)."""
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields]


def _name(code: ErrorCodes | int | None) -> str:
    return code.name if isinstance(code, ErrorCodes) else f"error {code}"
