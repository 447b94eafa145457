r"""Server-Sent Events: one answer that never ends.

The server keeps the answer open and writes an event for each message. Browsers speak it natively
(``EventSource``), reconnect by themselves and say where they left off (``Last-Event-ID``).

    GET /events                  200, Content-Type: text/event-stream, and then, for ever:
    Last-Event-ID: 3             id: 4\ndata: {"seq":4,...}\n\n
    POST /events                 201: the JSON body has become a message

The format is that of the WHATWG HTML standard, §9.2 "Server-sent events".
"""

from __future__ import annotations

import codecs
import math
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import nullcontext
from functools import lru_cache, partial
from typing import NamedTuple, Protocol

import httpx
from aiohttp import web

from rtlab.access import Gate
from rtlab.arguments import number, whole
from rtlab.backoff import Backoff
from rtlab.errors import CursorOutOfRange, Refused, UsageError
from rtlab.feed import Feed, Message, parse_json, to_json
from rtlab.transports import http
from rtlab.transports.delivery import (
    Delivery,
    Listener,
    Report,
    ignore,
    last_report,
    wait_before_retry,
)

PATH = "/events"
MEDIA_TYPE = "text/event-stream"
HEARTBEAT = 15.0
"""Seconds between comments on a quiet stream; the standard suggests 15 (§9.2.7)."""
READ_TIMEOUT = 3 * HEARTBEAT
"""Seconds without a byte after which a client takes the stream for broken."""
RETRY = 1.0
"""Seconds that the server asks clients to wait before they reconnect."""
PROXIED = "X-ProxyContextPath"
"""A header field that ``jupyter-server-proxy`` adds to requests."""
PROXIED_LIMIT = 120.0
"""Seconds after which a stream that came through Jupyter's proxy ends. The proxy does not tell when
its client has left: without a limit the streams of closed pages would go on for two hours. Whoever
is still there comes back with ``Last-Event-ID`` and misses nothing."""

send = http.send


# ── format ──


class Event(NamedTuple):
    """One event of a stream, as it is dispatched to the application."""

    data: str
    type: str = "message"
    last_event_id: str = ""


_NEWLINE = re.compile(r"\r\n|\r|\n")


def encode(
    data: str, *, id: str | None = None, event: str | None = None, retry: float | None = None
) -> bytes:
    """Return one event as bytes.

    Args:
        data: may have several lines; each gets a ``data:`` of its own.
        id: what the client sends back as ``Last-Event-ID``.
        event: its type, ``message`` if not given.
        retry: seconds that the client shall wait before it reconnects.

    Raises:
        UsageError: ``id`` or ``event`` has a line end, or ``id`` a NUL: the format has no way to
            write them.
    """
    lines = []
    for name, value in (("id", id), ("event", event)):
        if value is not None:
            if _NEWLINE.search(value) or (name == "id" and "\0" in value):
                raise UsageError(f"The {name} of an event is one line without NUL, not {value!r}.")
            lines.append(f"{name}: {value}")
    if retry is not None:
        lines.append(f"retry: {round(number('retry', retry, 'seconds') * 1000)}")
    lines += [f"data: {line}" for line in _NEWLINE.split(data)]
    return ("\n".join(lines) + "\n\n").encode()


@lru_cache(maxsize=64)
def _encoded(seq: int, text: str) -> bytes:
    """Encode a message once, however many clients there are."""
    return encode(text, id=str(seq))


class Decoder:
    """Turns the bytes of an event stream into events, however they are cut.

    This is §9.2.6 of the standard, "Interpreting an event stream", line by line.

    Attributes:
        last_event_id: what to send as ``Last-Event-ID`` when reconnecting.
        retry: the reconnection time in seconds that the server asked for, if it did.
        comments: how many comment lines came: the sign of life on a quiet stream.

    Args:
        last_event_id: of the stream that this one goes on from.
        max_event: bytes that an unfinished line or event may take.
    """

    def __init__(self, last_event_id: str = "", max_event: int = 4 << 20) -> None:
        self.last_event_id = last_event_id
        self.retry: float | None = None
        self.comments = 0
        self._max_event = whole("max_event", max_event, "bytes", least=1)
        self._utf8 = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._at_start = True
        self._after_cr = False
        self._line: list[str] = []
        self._line_size = 0
        self._id = last_event_id
        self._type = ""
        self._data: list[str] = []
        self._data_size = 0

    def feed(self, data: bytes) -> list[Event]:
        """Take the next bytes and return the events that they complete.

        Raises:
            UsageError: an event grows beyond ``max_event`` bytes.
        """
        text = self._utf8.decode(data)
        if self._at_start and text:
            text = text.removeprefix("\ufeff")  # one byte order mark is allowed, and ignored
            self._at_start = False
        if self._after_cr and text:
            text = text.removeprefix("\n")  # the second half of a CRLF that was cut in two
            self._after_cr = False
        if not text:
            return []
        self._after_cr = text.endswith("\r")
        *whole_lines, rest = _NEWLINE.split(text)
        events = []
        for line in whole_lines:
            event = self._take_line("".join([*self._line, line]))
            self._line, self._line_size = [], 0
            if event is not None:
                events.append(event)
        if rest:
            self._line.append(rest)
            self._line_size += len(rest)
        if self._line_size + self._data_size > self._max_event:
            raise UsageError(f"An event has more than {self._max_event:,} bytes and no end.")
        return events

    def _take_line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match name:
            case "":
                self.comments += 1
            case "event":
                self._type = value
            case "data":
                self._data.append(value)
                self._data_size += len(value) + 1
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit():
                self.retry = int(value.lstrip("0")[:10] or "0") / 1000  # ten digits are 31 years
        return None

    def _dispatch(self) -> Event | None:
        self.last_event_id = self._id
        data, type_ = self._data, self._type
        self._data, self._data_size, self._type = [], 0, ""
        if not data:
            return None  # an event without data is none, whatever its id
        return Event("\n".join(data), type_ or "message", self.last_event_id)


# ── server ──


async def serve(
    feed: Feed, gate: Gate, *, heartbeat: float = HEARTBEAT, retry: float = RETRY
) -> http.HttpServer:
    """Serve a feed as event streams.

    Args:
        feed: what to serve.
        gate: who may come in.
        heartbeat: seconds between comments on a quiet stream.
        retry: seconds that clients are asked to wait before they reconnect.
    """
    server = http.HttpServer(feed, gate)

    async def stream(request: web.Request) -> web.StreamResponse:
        last_id = request.headers.get("Last-Event-ID") or request.query.get("since")
        cursor = http.read_cursor(last_id, feed.last)
        response = web.StreamResponse()
        response.content_type = MEDIA_TYPE
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Accel-Buffering"] = "no"  # asks nginx in between not to hold it back
        await response.prepare(request)
        write = partial(http.write, request, response)
        limit = PROXIED_LIMIT if PROXIED in request.headers else math.inf
        await write_events(server, cursor, write, heartbeat, retry, limit)
        return response

    return await server.open(PATH, stream)


class Serving(Protocol):
    """What is needed of a server to write a stream for it."""

    feed: Feed
    sent: int


async def write_events(
    server: Serving,
    cursor: int | None,
    write: Callable[[bytes], Awaitable[None]],
    heartbeat: float = HEARTBEAT,
    retry: float = RETRY,
    limit: float = math.inf,
) -> None:
    """Write a stream until the feed ends.

    Args:
        server: has the feed, and counts what was sent.
        cursor: the last message that the client has seen.
        write: takes the next bytes, and waits while the client does not read.
        heartbeat: as in ``serve``.
        retry: as in ``serve``.
        limit: seconds after which the stream ends, whoever reads it.
    """
    feed = server.feed
    # Something at once: behind some proxies a stream counts as open with its first byte.
    await write(f": welcome\nretry: {round(retry * 1000)}\n\n".encode())
    end = time.monotonic() + limit
    while not feed.closed:
        left = end - time.monotonic()
        if left <= 0:
            # An id without data is no event, but what a client that has seen none comes back with.
            resume = "" if cursor is None else f"id: {cursor}\n"
            await write(f": this stream has lasted long enough, come back\n{resume}\n".encode())
            return
        try:
            messages = await feed.wait(cursor, min(heartbeat, left))
        except CursorOutOfRange as gap:
            cursor = gap.resume
            await write(encode(to_json(gap.as_json()), id=str(cursor), event="lost"))
            continue
        if not messages and not feed.closed and left > heartbeat:
            await write(b": heartbeat\n\n")
        for message in messages:
            await write(_encoded(message.seq, message.json))
            server.sent += 1
            cursor = message.seq


# ── client ──


async def subscribe(
    url: str,
    cursor: int | None = None,
    *,
    listener: Listener = ignore,
    backoff: Backoff | None = None,
    client: httpx.AsyncClient | None = None,
) -> AsyncGenerator[Delivery, None]:
    """Yield messages after ``cursor`` from an event stream, and reconnect as the standard says.

    A stream that ends or breaks is opened again after the time that the server asked for (longer
    when attempts fail one after another), with ``Last-Event-ID``. Any answer but a 200 of type
    ``text/event-stream`` ends the subscription (§9.2.3), but for 5xx, which may pass.

    Args:
        url: of an SSE server.
        cursor: the last message already seen; ``None`` begins with the oldest one held.
        listener: called with a ``Report`` of everything the client does.
        backoff: how long to wait after a failure.
        client: asks for the stream; if there is none, one with a connection of its own.

    Raises:
        Refused: the server will not answer this client.
    """
    retry = backoff or Backoff()
    last_event_id = "" if cursor is None else str(cursor)
    asking = nullcontext(client) if client else http.connection(READ_TIMEOUT)
    async with last_report(listener), asking as client:
        while True:
            listener(Report("connecting", url))
            headers = {"Accept": MEDIA_TYPE, "Cache-Control": "no-store"}
            if last_event_id:
                headers["Last-Event-ID"] = last_event_id
            decoder = Decoder(last_event_id)
            try:
                # The standard has the id in UTF-8 (§9.2.3), httpx would take ASCII only.
                encoded = httpx.Headers(headers, encoding="utf-8")
                async with client.stream("GET", url, headers=encoded) as answer:
                    await _check(answer)
                    listener(Report("open", f"{answer.status_code} {answer.reason_phrase}"))
                    async for data in answer.aiter_bytes():  # a proxy may have compressed it
                        received_ns = time.perf_counter_ns()
                        retry.reset()
                        for event in decoder.feed(data):
                            if event.type == "lost":
                                listener(Report("lost", _gap(event)))
                            else:
                                message = Message.from_wire(parse_json(event.data))
                                yield Delivery(message, received_ns)
                why = "the stream ended"
            except httpx.TooManyRedirects as error:
                raise Refused(f"{url} redirects in circles.", 301) from error
            except UsageError as error:
                why = f"An event is no message of a feed: {error}"
                raise Refused(why, answer.status_code) from error
            except (httpx.TransportError, httpx.DecodingError, http.Unavailable) as error:
                why = str(error) or type(error).__name__
            last_event_id = decoder.last_event_id
            if decoder.retry is not None:
                retry.least = decoder.retry
            await wait_before_retry(retry, listener, why)


async def _check(answer: httpx.Response) -> None:
    if not answer.is_success:
        await answer.aread()
    http.check(answer)
    media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if answer.status_code != 200 or media_type != MEDIA_TYPE:
        raise Refused(
            f"{answer.status_code} of type {media_type or 'none'} is no event stream: it takes "
            f"200 and {MEDIA_TYPE}.",
            answer.status_code,
        )


def _gap(event: Event) -> str:
    """Return what a ``lost`` event says."""
    try:
        return str(parse_json(event.data)["error"])
    except (KeyError, TypeError) as error:
        raise UsageError(f"a lost event without a reason: {event.data[:80]!r}") from error
