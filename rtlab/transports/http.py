"""What the three HTTP transports have in common: a server on aiohttp, a client on httpx.

Limits, the same for all three: a request line or a header field of 8,190 bytes, 128 header fields,
a body of ``MAX_BODY`` bytes; ``IDLE_LIMIT`` seconds for a header section to be complete (and for a
connection to be idle), ``BODY_LIMIT`` seconds for a body, ``WRITE_LIMIT`` seconds in which a client
must read something. aiohttp answers 400 to what is malformed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, nullcontext
from functools import cache
from ssl import SSLContext
from typing import Any

import httpx
from aiohttp import web

from rtlab.access import Gate
from rtlab.arguments import whole
from rtlab.errors import CursorOutOfRange, NotRunning, Refused, RtlabError, UsageError
from rtlab.feed import MAX_MESSAGE, Feed, Message, parse_json, to_json
from rtlab.log import logger
from rtlab.sockets import LOOPBACK, listen, stop_accepting
from rtlab.transports import clock

MAX_BODY = MAX_MESSAGE
IDLE_LIMIT = 20.0
BODY_LIMIT = 10.0
WRITE_LIMIT = 30.0
SMALL = 32 * 1024
"""Bytes that a connection takes at once: half of where asyncio makes a writer wait."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

_log = logger("http")


# ── server ──


class HttpServer:
    """A running HTTP server of one transport.

    Attributes:
        port: where it listens on 127.0.0.1.
        requests: how many requests it has received, those for the clock apart.
        sent: how many messages it has sent in answers, over all clients.
    """

    def __init__(self, feed: Feed, gate: Gate) -> None:
        self.feed = feed
        self.port = 0
        self.requests = 0
        self.sent = 0
        self._path = ""
        self._gate = gate
        self._runner: web.AppRunner | None = None

    async def open(self, path: str, handler: Handler) -> HttpServer:
        """Serve ``handler`` for GET and publishing for POST on one path, and the clock."""
        self._path = path
        app = web.Application(middlewares=[self._guard], client_max_size=MAX_BODY)
        app.router.add_get(path, handler, allow_head=False)
        app.router.add_post(path, self._publish)
        app.router.add_get(clock.PATH, _tell_time, allow_head=False)
        app.on_response_prepare.append(self._allow_origin)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=_log,
            handler_cancellation=True,  # a handler ends when its client leaves
            auto_decompress=False,  # a small body could be a large one
            keepalive_timeout=IDLE_LIMIT,
            shutdown_timeout=0.05,  # for answers under way; 0 would be no limit at all
        )
        await self._runner.setup()
        self._sock = listen()
        self.port = self._sock.getsockname()[1]
        await web.SockSite(self._runner, self._sock, backlog=1024).start()
        return self

    async def close(self) -> None:
        """Stop serving. Close the feed first: it lets the held requests and streams end."""
        if self._runner is None or self._runner.server is None:
            return
        await stop_accepting(self._sock)
        transports = [connection.transport for connection in self._runner.server.connections]
        await self._runner.cleanup()
        for transport in transports:
            hang_up(transport)  # on those who do not read

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Let in who may, and see to it that the answer is read."""
        self.requests += request.path != clock.PATH
        origins = request.headers.getall("Origin", [])
        refusal = self._gate.refusal(
            request.headers.getall("Host", []), origins, request.query.get("token")
        )
        if refusal is not None:
            _log.warning("refused %s: %s", request.remote, refusal.reason)
            return _error(refusal.status, refusal.reason)
        try:
            answer = await self._answer(request, handler)
            async with asyncio.timeout(WRITE_LIMIT):
                await answer.prepare(request)
                await answer.write_eof()
        except TimeoutError:
            _log.warning("dropped %s: it read nothing for %g s", request.remote, WRITE_LIMIT)
            hang_up(request.transport)
            return web.Response()  # to nobody
        except ConnectionResetError:  # the client left just now; aiohttp would log a traceback
            return web.Response()
        return answer

    async def _answer(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Call a handler, or answer a CORS preflight; turn our errors into answers."""
        if request.method == "OPTIONS" and "Origin" in request.headers:
            return web.Response(status=204)
        try:
            return await handler(request)
        except CursorOutOfRange as error:
            return web.json_response(error.as_json(), status=410)
        except UsageError as error:
            return _error(400, str(error))
        except NotRunning as error:
            return _error(503, str(error))
        except web.RequestPayloadError as error:
            return _error(400, f"The body cannot be read: {error}")
        except web.HTTPRequestEntityTooLarge:
            return _error(413, f"A body may have {MAX_BODY:,} bytes.")
        except (web.HTTPNotFound, web.HTTPMethodNotAllowed) as error:
            answer = _error(
                error.status, f"{error.reason}. This server has GET and POST {self._path}."
            )
            if "Allow" in error.headers:
                answer.headers["Allow"] = error.headers["Allow"]
            return answer

    async def _allow_origin(self, request: web.BaseRequest, answer: web.StreamResponse) -> None:
        """Tell the browser that the page may read the answer (Fetch standard, CORS protocol)."""
        origin = request.headers.get("Origin")
        if origin is None or not self._gate.origin_passes(origin):
            return
        answer.headers["Access-Control-Allow-Origin"] = origin
        answer.headers["Vary"] = "Origin"
        answer.headers["Access-Control-Expose-Headers"] = "ETag"
        if request.method == "OPTIONS":
            answer.headers["Access-Control-Allow-Methods"] = "GET, POST"
            answer.headers["Access-Control-Allow-Headers"] = "Content-Type, Last-Event-ID"
            answer.headers["Access-Control-Allow-Private-Network"] = "true"
            answer.headers["Access-Control-Max-Age"] = "600"

    async def _publish(self, request: web.Request) -> web.Response:
        """POST: one JSON value becomes one message, and the answer says which."""
        if request.headers.get("Content-Encoding", "identity") != "identity":
            return _error(415, "Send the body as it is, not compressed.")
        try:
            async with asyncio.timeout(BODY_LIMIT):
                body = await request.read()
        except TimeoutError:
            return _error(408, f"The body did not arrive within {BODY_LIMIT:g} s.")
        message = self.feed.publish(parse_json(body))
        return web.json_response({"seq": message.seq}, status=201)


async def _tell_time(request: web.Request) -> web.Response:
    return web.Response(
        text=clock.reading(), content_type="application/json", headers=clock.HEADERS
    )


async def write(request: web.Request, response: web.StreamResponse, data: bytes) -> None:
    """Write a piece of a stream.

    Raises:
        TimeoutError: the client has read nothing for ``WRITE_LIMIT`` seconds.
    """
    transport = request.transport
    waiting = 0 if transport is None else transport.get_write_buffer_size()
    if waiting + len(data) < SMALL:
        await response.write(data)  # cannot block, and a timer would cost as much again
    else:
        async with asyncio.timeout(WRITE_LIMIT):
            await response.write(data)


def hang_up(transport: asyncio.Transport | None) -> None:
    """Close a connection now, whatever it still has to send."""
    # asyncio raises AttributeError when what is closed already is aborted.
    if transport is not None and transport.get_extra_info("socket").fileno() != -1:
        transport.abort()


def _error(status: int, reason: str | None) -> web.Response:
    return web.json_response({"error": reason}, status=status)


def read_cursor(text: str | None, newest: int | None = None) -> int | None:
    """Return the cursor that a request names, ``None`` if it names none.

    Args:
        text: what the request says.
        newest: the cursor of a client that says ``now``, and so gets what comes after its request
            and nothing of what came before; if there is none, nobody may say that.

    Raises:
        UsageError: it is no whole number of 0 or more.
    """
    if text is None or text == "":
        return None
    if text == "now" and newest is not None:
        return newest
    if not (text.isascii() and text.isdigit() and len(text) <= 18):
        raise UsageError(f"A cursor is a whole number of 0 or more, not {text[:40]!r}.")
    return int(text)


def message_list(messages: list[Message]) -> str:
    """Return messages as a JSON list."""
    return "[" + ",".join(message.json for message in messages) + "]"


# ── client ──


class Unavailable(RtlabError):
    """A server failed in a way that may pass: asking again is worth it."""


@asynccontextmanager
async def connection(read_timeout: float) -> AsyncIterator[httpx.AsyncClient]:
    """Open an HTTP/1.1 client that keeps one connection alive.

    Args:
        read_timeout: seconds without a byte after which a request has failed.
    """
    timeout = httpx.Timeout(10.0, read=read_timeout)
    limits = httpx.Limits(max_connections=1, keepalive_expiry=IDLE_LIMIT * 0.9)
    # trust_env=False: a proxy that the environment names must not see loopback traffic.
    async with httpx.AsyncClient(
        verify=_tls(), timeout=timeout, limits=limits, trust_env=False, follow_redirects=True
    ) as client:
        yield client


def warm_up() -> None:
    """Load what httpx loads with its first client: that client may be one that measures."""
    httpx.AsyncHTTPTransport(verify=_tls())


@cache
def _tls() -> SSLContext:
    """Load the certificates of the authorities, which takes 30 ms, once and not for each client."""
    return httpx.create_ssl_context(trust_env=False)


async def ask(
    client: httpx.AsyncClient, url: str, query: Mapping[str, str | int], headers: Mapping[str, str]
) -> httpx.Response:
    """Ask for a list of messages and return the whole answer.

    Raises:
        Unavailable: the server cannot be reached, or failed in a way that may pass.
        Refused: it will not answer, or answers with something that is no list of messages.
    """
    target = httpx.URL(url).copy_merge_params(query)
    try:
        async with client.stream("GET", target, headers=headers) as answer:
            kind = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            # An event stream never ends: to read it before looking would be to wait for ever.
            if kind not in ("", "application/json") and answer.is_success:
                raise Refused(f"{url} answers with {kind}, which is no list of messages.", 200)
            await answer.aread()
    except httpx.TooManyRedirects as error:
        raise Refused(f"{url} redirects in circles.", 301) from error
    except (httpx.TransportError, httpx.DecodingError) as error:
        raise Unavailable(str(error) or type(error).__name__) from error
    check(answer)
    return answer


def check(answer: httpx.Response) -> None:
    """Raise what an answer means when it is not a success.

    Raises:
        Unavailable: 5xx, 408 and 429: may pass.
        Refused: any other status that is no success; 304 and 410 are for the caller to read.
    """
    status = answer.status_code
    if answer.is_success or status in (304, 410):
        return
    if status >= 500 or status in (408, 429):
        raise Unavailable(f"{status} {answer.reason_phrase}")
    raise Refused(f"{status} {answer.reason_phrase}: {_reason(answer)}", status)


def _reason(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"])
    except (ValueError, KeyError, TypeError, httpx.ResponseNotRead):
        return "the server gave no reason"


def read_list(answer: httpx.Response) -> list[Message]:
    """Return the messages of a JSON list.

    Raises:
        Refused: the body is something else.
    """
    try:
        items = parse_json(answer.content)
        if not isinstance(items, list):
            raise UsageError(f"{str(items)[:80]!r}.")
        return [Message.from_wire(item) for item in items]
    except UsageError as error:
        raise Refused(f"The answer is no list of messages: {error}", answer.status_code) from error


def read_gap(answer: httpx.Response) -> tuple[str, int]:
    """Return what a 410 says: what was lost, and the cursor to go on from."""
    try:
        body = parse_json(answer.content)
        return str(body["error"]), int(body["resume"])
    except (RtlabError, KeyError, TypeError, ValueError) as error:
        raise Refused(f"410 without a way to go on: {error}", 410) from error


async def send(url: str, data: Any, *, client: httpx.AsyncClient | None = None) -> int:
    """Publish by POST and return the message's sequence number.

    Args:
        url: of an HTTP server.
        data: whatever JSON can hold.
        client: posts it; if there is none, one with a connection of its own.

    Raises:
        UsageError: ``data`` cannot travel as JSON.
        Refused: the server did not take it; the message says why.
        Unavailable: the server cannot be reached, or failed.
    """
    body = to_json(data).encode()
    async with nullcontext(client) if client else connection(read_timeout=BODY_LIMIT) as client:
        try:
            answer = await client.post(
                url, content=body, headers={"Content-Type": "application/json"}
            )
        except httpx.TransportError as error:
            raise Unavailable(f"{url} cannot be reached: {error!r}. Is its lab running?") from error
        check(answer)
        return whole("seq", parse_json(answer.content)["seq"], "messages")


def address(port: int, path: str, token: str | None) -> str:
    """Return the URL of a server on this machine."""
    return f"http://{LOOPBACK}:{port}{path}" + (f"?token={token}" if token else "")
