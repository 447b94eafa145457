"""An opening handshake on plain asyncio streams (notebook 04): a ladder."""

from __future__ import annotations

import asyncio
import base64
import random

from websockets.asyncio.client import connect
from websockets.exceptions import InvalidHandshake, InvalidMessage, WebSocketException

from rtlab.dissect.accept_key import accept
from rtlab.examples import KEY
from rtlab.exercises.answer import Answer, Server
from rtlab.exercises.exercise import LATER, Exercise, Wrong
from rtlab.exercises.mistakes import Mistake
from rtlab.exercises.peers import Raw, raw, within
from rtlab.sockets import LOOPBACK

EXERCISE = Exercise(
    name="handshake-server",
    notebook="04",
    title="A whole handshake on plain streams",
    takes="async function",
    prompt="""\
Write `handshake(reader, writer, origins)`: read the request of one client from an asyncio
`StreamReader`, answer through the `StreamWriter`, and return `True` if the connection is open
afterwards (the check then speaks WebSocket over it). What is no handshake gets an HTTP error and
`False`: 405 for another method than GET, 426 with `Sec-WebSocket-Version: 13` for another version
or none, 403 for an `Origin` that is there and not in `origins`, 400 for everything else that is
wrong (RFC 6455 §4.2), a head without end included: one that grows too long, or has not come after 3
seconds. Without `Upgrade` or `Connection` either will do, 400 or 426. Six levels; a real client
comes first.
""",
    stub='''\
import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def handshake(reader, writer, origins):
    """Answer an opening handshake; return whether the connection is open."""
    request = await reader.read(1024)
    key = request.decode().split("Sec-WebSocket-Key: ")[1]
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    writer.write(f"HTTP/1.1 101 Switching Protocols\\r\\nSec-WebSocket-Accept: {accept}".encode())
    return True
''',
    solution='''\
import asyncio
import base64
import hashlib

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


async def handshake(reader, writer, origins):
    """Answer an opening handshake; return whether the connection is open."""
    try:
        async with asyncio.timeout(2):
            head = await reader.readuntil(b"\\r\\n\\r\\n")
        request, *lines = head.decode("latin-1").split("\\r\\n")[:-2]
        method, path, version = request.split(" ")
        headers = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, TimeoutError, ValueError):
        return await refuse(writer, "400 Bad Request")
    if version != "HTTP/1.1" or "host" not in headers:
        return await refuse(writer, "400 Bad Request")
    if method != "GET":
        return await refuse(writer, "405 Method Not Allowed", "Allow: GET")
    upgrades = "websocket" in tokens(headers, "upgrade")
    if not upgrades or "upgrade" not in tokens(headers, "connection"):
        return await refuse(writer, "400 Bad Request")
    if headers.get("sec-websocket-version") != "13":
        return await refuse(writer, "426 Upgrade Required", "Sec-WebSocket-Version: 13")
    key = headers.get("sec-websocket-key", "")
    try:
        if len(base64.b64decode(key, validate=True)) != 16:
            raise ValueError("a key has 16 bytes")
    except ValueError:
        return await refuse(writer, "400 Bad Request")
    if "origin" in headers and headers["origin"] not in origins:
        return await refuse(writer, "403 Forbidden")
    accept = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
    await write(
        writer,
        "101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {accept}",
    )
    return True


def tokens(headers, name):
    return [token.strip().lower() for token in headers.get(name, "").split(",")]


async def refuse(writer, status, *lines):
    await write(writer, status, *lines, "Content-Length: 0", "Connection: close")
    return False


async def write(writer, status, *lines):
    head = "".join(f"{line}\\r\\n" for line in (f"HTTP/1.1 {status}", *lines, ""))
    writer.write(head.encode())
    await writer.drain()
''',
    hints=(
        "The head of a request ends with an empty line: await reader.readuntil(b'\\r\\n\\r\\n').",
        "So does yours. Four lines make a 101: status, Upgrade, Connection, Sec-WebSocket-Accept.",
        "Names of headers, and the words websocket and Upgrade, come in any case; Connection may "
        "be a list, such as “keep-alive, Upgrade”.",
        "A key is 16 bytes in Base64: base64.b64decode(key, validate=True) tells.",
        "readuntil raises IncompleteReadError when the client leaves, LimitOverrunError when the "
        "head is too long; asyncio.timeout helps against one that never ends.",
    ),
    wrong=(
        Wrong("no empty line", "empty line", (('status}", *lines, "")', 'status}", *lines)'),)),
        Wrong(
            "one read",
            "in several pieces",
            (('reader.readuntil(b"\\r\\n\\r\\n")', "reader.read(1024)"),),
        ),
        Wrong(
            "names as the standard writes them",
            "in any case",
            (
                (
                    "headers[name.lower()]",
                    "headers[{'Sec-WebSocket-Key': 'sec-websocket-key', 'Sec-WebSocket-Version': "
                    "'sec-websocket-version', 'Upgrade': 'upgrade', 'Connection': 'connection', "
                    "'Host': 'host', 'Origin': 'origin'}.get(name, name)]",
                ),
            ),
        ),
        Wrong(
            "Connection compared whole",
            "keep-alive, Upgrade",
            (
                (
                    '"upgrade" not in tokens(headers, "connection")',
                    'headers.get("connection", "").lower() != "upgrade"',
                ),
            ),
        ),
        Wrong("any method", "405", (('if method != "GET":', "if False:"),)),
        Wrong("any version", "426", (('headers.get("sec-websocket-version") != "13"', "False"),)),
        Wrong(
            "426 that does not say which",
            "Sec-WebSocket-Version: 13",
            ((', "Sec-WebSocket-Version: 13")', ")"),),
        ),
        Wrong(
            "426 for everything",
            "A request without Sec-WebSocket-Key is to be answered with 400",
            (("400 Bad Request", "426 Upgrade Required"),),
        ),
        Wrong("any origin", "cross-site", (('"origin" in headers and', "False and"),)),
        Wrong(
            "an origin is asked of all",
            "no Origin",
            (('"origin" in headers and headers["origin"]', 'headers.get("origin")'),),
        ),
        Wrong(
            "any key",
            "16 bytes",
            (
                (
                    "len(base64.b64decode(key, validate=True)) != 16",
                    "not base64.b64decode(key, validate=True)",
                ),
            ),
        ),
        Wrong(
            "no key at all",
            "Sec-WebSocket-Key",
            (("validate=True)) != 16", "validate=True)) not in (0, 16)"),),
        ),
        Wrong(
            "it waits for ever",
            "never ends its head",
            (("asyncio.timeout(2)", "asyncio.timeout(None)"),),
        ),
        Wrong(
            "silent to what is no HTTP",
            "answered with 400",
            (
                (
                    "TimeoutError, ValueError):\n        return await refuse(writer, "
                    '"400 Bad Request")',
                    "TimeoutError, ValueError):\n        return False",
                ),
            ),
        ),
        Wrong(
            "silent to a head without end",
            "not come after 3 seconds",
            (
                (
                    "    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, "
                    "TimeoutError, ValueError):",
                    "    except (asyncio.LimitOverrunError, TimeoutError):\n        return False\n"
                    "    except (asyncio.IncompleteReadError, ValueError):",
                ),
            ),
        ),
        Wrong(
            "silent to a head too long",
            "grows too long",
            (
                (
                    "    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, "
                    "TimeoutError, ValueError):",
                    "    except asyncio.LimitOverrunError:\n        return False\n"
                    "    except (asyncio.IncompleteReadError, TimeoutError, ValueError):",
                ),
            ),
        ),
    ),
)

ORIGIN = "https://chat.example"


def _request(*, first: str = "GET /chat HTTP/1.1", **fields: str | None) -> bytes:
    """Return a request; ``fields`` replace headers, by names with ``_``, or leave them out."""
    headers: dict[str, str | None] = {
        "Host": "server.example",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Key": KEY,
        "Sec-WebSocket-Version": "13",
        **{name.replace("_", "-"): value for name, value in fields.items()},
    }
    lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
    return "".join(f"{line}\r\n" for line in (first, *lines, "")).encode()


def _request_without(name: str) -> bytes:
    lines = _request().split(b"\r\n")
    return b"\r\n".join(line for line in lines if not line.startswith(f"{name}:".encode()))


async def _ask(server: Server, *pieces: bytes, what: str) -> bytes:
    """Send a request and return the head of the answer."""
    async with raw(server.port) as client:
        for piece in pieces:
            client.send(piece)
            await asyncio.sleep(0.03 if len(pieces) > 1 else 0)
        try:
            head = await within(f"There was no answer to {what}.", client.head())
        except Mistake:
            if not client.seen:
                raise
            head = client.seen
    if head and not head.endswith(b"\r\n\r\n"):
        raise Mistake(
            f"The answer to {what} has no empty line at its end, so nobody knows that it is "
            "complete.",
            expected="a head that ends with an empty line",
            got=head,
            protocol="http1",
            waited=True,
        )
    return head


def _status(head: bytes) -> int | None:
    parts = head.split(b" ", 2)
    return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else None


async def _refused(
    server: Server, right: int | tuple[int, ...], what: str, *pieces: bytes, why: str = ""
) -> bytes:
    statuses = (right,) if isinstance(right, int) else right
    head = await _ask(server, *pieces, what=what)
    if _status(head) not in statuses:
        came = _status(head) or ("nothing" if not head else "no HTTP")
        either = " or ".join(map(str, statuses))
        raise Mistake(
            f"{what[0].upper()}{what[1:]} is to be answered with {either}. {why}".strip(),
            expected=right,
            got=came,
        )
    return head


async def _accepted(server: Server, what: str, *pieces: bytes, key: str = KEY) -> None:
    head = await _ask(server, *pieces, what=what)
    right = accept(key)
    if _status(head) != 101:
        raise Mistake(
            f"{what[0].upper()}{what[1:]} is a handshake like any other: 101.",
            expected=101,
            got=_status(head) or head[:80],
        )
    if right.encode() not in head:
        raise Mistake(
            "The Sec-WebSocket-Accept does not answer the key.",
            expected=right,
            got=head,
            protocol="http1",
        )


@EXERCISE.case("a real client", level=1, points=3, timeout=LATER, clause="RFC 6455 §4.2.2")
async def real(answer: Answer, rng: random.Random) -> None:
    """The client of ``websockets`` connects, says something, and hears it again."""
    async with answer.serve("streams", [ORIGIN]) as server:
        head = await _ask(server, _request(), what="the handshake of the lesson")
        for needed in (b"upgrade: websocket", b"connection: upgrade", b"sec-websocket-accept:"):
            if needed not in head.lower():
                raise Mistake(
                    f"A 101 has the header {needed.decode()}.",
                    expected=needed,
                    got=head,
                    protocol="http1",
                )
        try:
            url = f"ws://{LOOPBACK}:{server.port}/chat"
            async with connect(url, compression=None, proxy=None, open_timeout=5) as connection:
                await connection.send("hello")
                said = await within("The connection does not work.", connection.recv())
        except (InvalidHandshake, InvalidMessage) as error:
            reason = error.__cause__ or error
            raise Mistake(f"The client of websockets did not accept it: {reason}.") from None
        except (OSError, TimeoutError, WebSocketException) as error:
            raise Mistake(f"The client of websockets could not use it: {error!r}.") from None
        if said != "hello":
            raise Mistake(
                "Something else than WebSocket came after the 101.", expected="hello", got=said
            )


@EXERCISE.case("a key that nobody has seen", level=1, timeout=LATER, clause="RFC 6455 §4.2.2")
async def fresh(answer: Answer, rng: random.Random) -> None:
    """A constant is no answer."""
    key = base64.b64encode(rng.randbytes(16)).decode()
    async with answer.serve("streams", [ORIGIN]) as server:
        await _accepted(server, "a fresh key", _request(Sec_WebSocket_Key=key), key=key)


@EXERCISE.case("a request in several pieces", level=2, timeout=LATER, clause="RFC 9112 §2.2")
async def pieces(answer: Answer, rng: random.Random) -> None:
    """TCP knows no messages."""
    request = _request()
    at = rng.randrange(20, len(request) - 60)
    async with answer.serve("streams", [ORIGIN]) as server:
        await _accepted(
            server,
            "a request that comes in several pieces",
            request[:at],
            request[at:-3],
            request[-3:],
        )


@EXERCISE.case(
    "names and words in any case, and lists", level=3, timeout=LATER, clause="RFC 6455 §4.2.1"
)
async def case(answer: Answer, rng: random.Random) -> None:
    """As browsers and proxies send them."""
    async with answer.serve("streams", [ORIGIN]) as server:
        small = _request().replace(b"Sec-WebSocket", b"sec-websocket").replace(b"Host", b"HOST")
        await _accepted(server, "a request with names of headers in any case", small)
        listed = _request(Connection="keep-alive, Upgrade", Upgrade="WebSocket")
        await _accepted(server, "“Connection: keep-alive, Upgrade”, as Firefox sends it,", listed)


@EXERCISE.case("what is no handshake", level=4, points=2, timeout=LATER, clause="RFC 6455 §4.2.1")
async def refusals(answer: Answer, rng: random.Random) -> None:
    """400 and 405; and 426 of who takes it for a request that asks for no upgrade."""
    async with answer.serve("streams", [ORIGIN]) as server:
        head = _request(first="POST /chat HTTP/1.1")
        await _refused(server, 405, "a POST", head, why="A handshake is a GET.")
        for name in ("Sec-WebSocket-Key", "Host"):
            await _refused(server, 400, f"a request without {name}", _request_without(name))
        for name in ("Upgrade", "Connection"):
            await _refused(server, (400, 426), f"a request without {name}", _request_without(name))
        await _refused(server, 400, "HTTP/1.0", _request(first="GET /chat HTTP/1.0"))
        short = base64.b64encode(b"too short").decode()
        for key in (short, "no base64!", KEY + KEY):
            await _refused(
                server,
                400,
                f"the key {key!r}",
                _request(Sec_WebSocket_Key=key),
                why="A key is 16 bytes in Base64.",
            )


@EXERCISE.case("another version", level=5, timeout=LATER, clause="RFC 6455 §4.4")
async def version(answer: Answer, rng: random.Random) -> None:
    """426, and which one would do."""
    async with answer.serve("streams", [ORIGIN]) as server:
        for number in ("8", "14", None):
            what = f"Sec-WebSocket-Version {number}" if number else "a request without a version"
            head = await _refused(server, 426, what, _request(Sec_WebSocket_Version=number))
            if b"sec-websocket-version: 13" not in head.lower():
                raise Mistake(
                    "A 426 says which version would do: Sec-WebSocket-Version: 13.",
                    expected="Sec-WebSocket-Version: 13",
                    got=head,
                    protocol="http1",
                )


@EXERCISE.case("whose page it is", level=5, timeout=LATER, clause="RFC 6455 §10.2")
async def origin(answer: Answer, rng: random.Random) -> None:
    """Any page may try, in any browser."""
    async with answer.serve("streams", [ORIGIN]) as server:
        await _accepted(server, "a page that may connect", _request(Origin=ORIGIN))
        await _accepted(server, "a program that sends no Origin", _request())
        for evil in ("https://evil.example", ORIGIN + ".evil.example", "null"):
            await _refused(
                server,
                403,
                f"Origin {evil}",
                _request(Origin=evil),
                why="To let any page in is cross-site WebSocket hijacking.",
            )


async def _grow(client: Raw) -> None:
    """Send a head that grows; the server is not sent more than it can take, and resets nothing."""
    client.send(b"GET / HTTP/1.1\r\nX: ")
    for _ in range(7):
        client.send(b"x" * 16_384)
        await asyncio.sleep(0.03)


def _is_bad_request(answer: Answer, head: bytes, what: str) -> None:
    if _status(head) != 400:
        nothing = "an exception" if answer.notes else "nothing"
        raise Mistake(
            f"{what} is to be answered with 400 before the connection is closed: who waits for an "
            "answer wants to know what was wrong.",
            expected=400,
            got=_status(head) or ("no HTTP" if head else nothing),
        )


@EXERCISE.case(
    "clients that do what they should not",
    level=6,
    points=2,
    timeout=LATER,
    clause="RFC 6455 §4.2.1",
)
async def hostile(answer: Answer, rng: random.Random) -> None:
    """The server is there afterwards."""
    async with answer.serve("streams", [ORIGIN]) as server:
        for data in (b"\x16\x03\x01\x02\0\x01" * 20 + b"\r\n\r\n", b"GET\r\n\r\n", b"\r\n\r\n"):
            head = await _ask(server, data, what="what is no HTTP at all")
            _is_bad_request(answer, head, f"What is no HTTP at all ({data[:12]!r})")
        async with raw(server.port) as client:
            client.send(_request()[:-2])  # and then nothing
            what = "A client that never ends its head is still waited for after 5 s: 3 are enough."
            head = await within(what, client.head(), 5.0)
            _is_bad_request(answer, head, "A head that has not come after 3 seconds")
        async with raw(server.port) as client:
            growing = asyncio.create_task(_grow(client))
            what = "A head without end is read without end."
            try:
                head = await within(what, client.head(), 5.0)
            finally:
                growing.cancel()
            _is_bad_request(answer, head, "A head that grows too long")
        async with raw(server.port) as client:
            client.send(b"GET")
            client.reset()
        await _accepted(server, "the next client", _request())
