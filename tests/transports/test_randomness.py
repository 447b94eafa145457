import asyncio
import io
import random
import re
from contextlib import aclosing, asynccontextmanager, suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

import rtlab
from rtlab import examples
from rtlab.errors import UsageError
from rtlab.sockets import listen
from rtlab.transports import websocket
from rtlab.transports.randomness import masked

from .helpers import until


@asynccontextmanager
async def listening():
    """Run a server that agrees to the RFC's key; yield its URL and the bytes that it gets."""
    got, gone = bytearray(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.extend(await reader.readuntil(b"\r\n\r\n"))
        writer.write(examples.LESSON_RESPONSE)
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                got.extend(data)
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        gone.set()

    server = await asyncio.start_server(serve, sock=listen())
    async with server:
        yield f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}/chat", got
        await gone.wait()


async def test_the_key_and_the_frame_of_the_rfc_byte_for_byte():
    source = io.BytesIO(examples.NONCE + examples.MASK)
    async with listening() as (url, got):
        async with websocket.dial(url, randbytes=source.read) as connection:
            await connection.send("Hello")
            await until(lambda: len(got.partition(b"\r\n\r\n")[2]) >= 11)
            connection.transport.abort()
        request, _, frames = bytes(got).partition(b"\r\n\r\n")
    assert b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" in request
    assert frames.hex(" ") == "81 85 37 fa 21 3d 7f 9f 4d 51 58"
    assert frames == examples.MASKED_HELLO


async def crossed(lab, deflate=False, **options):
    """Return what each side sent on a connection that gets one message and leaves."""
    number = lab.recording("websocket").accepted + 1
    await rtlab.receive(lab.url("websocket"), "websocket", 1, timeout=20, **options)
    await until(lambda: not lab.recording("websocket").open_connections)
    recording = lab.recording("websocket")
    return recording.stream(number, "up"), recording.stream(number, "down")


@pytest.mark.parametrize("deflate", [False, True])
async def test_from_one_seed_come_the_same_bytes(deflate):
    with rtlab.Lab("websocket", deflate=deflate) as lab:
        lab.publish("x" * 300)
        runs = [
            await crossed(lab, deflate=deflate, randbytes=random.Random(seed).randbytes)
            for seed in (7, 7, 8)
        ]
        assert not [error for each in lab.recording("websocket").dissect() for error in each.errors]
    dated = [re.sub(rb"\r\nDate: [^\r]*", b"", down) for _, down in runs]
    assert runs[0][0] == runs[1][0] != runs[2][0]
    assert dated[0] == dated[1] != dated[2]


async def test_our_server_answers_the_key_of_the_rfc_with_its_accept():
    with rtlab.Lab("websocket") as lab:
        for _ in range(2):
            source = io.BytesIO(examples.NONCE)
            async with websocket.dial(lab.url("websocket"), randbytes=source.read) as connection:
                assert connection.request.headers["Sec-WebSocket-Key"] == examples.KEY
                assert connection.response.headers["Sec-WebSocket-Accept"] == examples.ACCEPT


async def test_without_a_source_nothing_can_be_predicted():
    with rtlab.Lab("websocket") as lab:
        lab.publish("x")
        random.seed(7)
        first, _ = await crossed(lab)
        random.seed(7)
        second, _ = await crossed(lab)
    keys, frames = zip(*(up.split(b"\r\n\r\n", 1) for up in (first, second)), strict=True)
    assert keys[0] != keys[1]
    assert frames[0][2:6] != frames[1][2:6]  # the masks of the first frames


async def test_a_source_that_is_used_up_is_followed_by_the_librarys_own():
    async with listening() as (url, got):
        source = io.BytesIO(examples.NONCE + examples.MASK)
        async with websocket.dial(url, randbytes=source.read) as connection:
            for _ in range(3):
                await connection.send("Hello")
            await until(lambda: len(got.partition(b"\r\n\r\n")[2]) >= 33)
            connection.transport.abort()
        frames = bytes(got).partition(b"\r\n\r\n")[2]
    masks = [frames[2:6], frames[13:17], frames[24:28]]
    assert masks[0] == examples.MASK
    assert len(set(masks)) == 3
    assert not rtlab.dissect(frames, "websocket", sender="client").errors


async def test_who_reconnects_goes_on_with_the_same_source():
    with rtlab.Lab("websocket") as lab:
        lab.publish(1)
        options = {"randbytes": random.Random(7).randbytes, "backoff": rtlab.Backoff(base=0.001)}
        url = lab.url("websocket")
        async with aclosing(rtlab.subscribe(url, "websocket", **options)) as stream:
            await anext(stream)
            lab.cut("websocket")
            lab.publish(2)
            async with asyncio.timeout(20):
                await anext(stream)
        recording = lab.recording("websocket")
        keys = {recording.stream(n, "up").partition(b"Key: ")[2][:24] for n in (1, 2)}
    assert len(keys) == 2


@pytest.mark.parametrize(
    "source", [b"16 bytes are here", lambda n: "x" * n, lambda n: b"short", lambda n: None, 7]
)
async def test_a_source_that_gives_no_bytes_is_refused(source):
    with pytest.raises(UsageError, match=r"random.Random\(7\).randbytes"):
        websocket.dial("ws://127.0.0.1:9/chat", randbytes=source)
    with pytest.raises(UsageError, match="randbytes"):
        await anext(rtlab.subscribe("ws://127.0.0.1:9/chat", "websocket", randbytes=source))


sizes = st.one_of(st.integers(0, 130), st.sampled_from([65_535, 65_536, 70_000]))


@given(st.sampled_from(list(Opcode)[:3]), sizes, st.binary(min_size=4, max_size=4))
def test_what_is_masked_the_library_reads_back(opcode, size, mask):
    data = (mask + b"payload") * (size // 11 + 1)
    frame = Frame(opcode, data[:size])
    reader = StreamReader()
    reader.feed_data(masked(frame.serialize(mask=False), mask))
    parsing = Frame.parse(reader.read_exact, mask=True)
    with pytest.raises(StopIteration) as done:
        next(parsing)
    assert done.value.value == frame


def test_the_masked_frame_of_the_rfc():
    assert masked(examples.HELLO, examples.MASK) == examples.MASKED_HELLO
