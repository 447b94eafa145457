"""The four clients behind each kind of middlebox: what arrives, what stalls, who comes back."""

import asyncio
from contextlib import AsyncExitStack, ExitStack, aclosing, asynccontextmanager

import pytest

import rtlab
from rtlab.middlebox.kinds import KINDS
from tests.transports.helpers import GUARD, until

FAST = {"polling": {"period": 0.02}}


class Client:
    """A client of a lab behind a middlebox.

    Attributes:
        numbers: of the messages that it has.
        states: what it has reported.
        refused: what it was refused with.
    """

    def __init__(self, transport, url, cursor, **options):
        self.numbers = []
        self.states = []
        self.refused = None
        self._stream = rtlab.subscribe(
            url,
            transport,
            cursor,
            listener=lambda report: self.states.append(report.state),
            **{**FAST.get(transport, {}), **options},
        )

    async def run(self):
        async with aclosing(self._stream):
            try:
                async for delivery in self._stream:
                    self.numbers.append(delivery.message.seq)
            except rtlab.Refused as error:
                self.refused = error.code


@asynccontextmanager
async def behind(lab, transport, kind, settings, quick, **options):
    """Yield a client that subscribes through a middlebox, and the middlebox."""
    async with rtlab.Middlebox(lab.url(transport), kind, **settings) as box:
        client = Client(transport, box.url, 0, backoff=quick(), **options)
        running = asyncio.create_task(client.run())
        try:
            async with asyncio.timeout(GUARD):
                yield client, box
        finally:
            running.cancel()
            await asyncio.wait([running])


def publish(lab, count=1):
    for _ in range(count):
        lab.publish("news")


HARMLESS = {
    ("transparent", ()): rtlab.TRANSPORTS,
    ("buffering", ()): ("polling", "long_polling", "websocket"),
    ("buffering", (("size", None),)): ("polling", "long_polling", "websocket"),
    ("buffering", (("respect", True),)): rtlab.TRANSPORTS,
    ("idle", (("seconds", 10.0),)): rtlab.TRANSPORTS,
    ("no-upgrade", ()): ("polling", "long_polling", "sse"),
    ("compressing", ()): ("polling", "long_polling", "websocket"),
    ("compressing", (("flush", True),)): rtlab.TRANSPORTS,
    ("caching", ()): rtlab.TRANSPORTS,
    ("caching", (("respect", False),)): ("long_polling", "sse", "websocket"),
}


@pytest.mark.parametrize(
    ("kind", "settings", "transport"),
    [(*box, transport) for box, passing in HARMLESS.items() for transport in passing],
)
async def test_these_do_no_harm(lab, quick, kind, settings, transport):
    async with behind(lab, transport, kind, dict(settings), quick) as (client, _):
        for seq in range(1, 5):  # one by one: nothing waits for what comes after it
            lab.publish("news")
            await until(lambda seq=seq: client.numbers == [*range(1, seq + 1)])
        assert "reconnecting" not in client.states


def test_each_kind_is_in_the_table():
    assert {kind for kind, _ in HARMLESS} == set(KINDS)


@pytest.mark.parametrize("kind", ["buffering", "compressing"])
async def test_a_stream_stalls_until_enough_has_gathered_and_then_comes_whole(lab, quick, kind):
    async with behind(lab, "sse", kind, {}, quick) as (client, box):
        publish(lab, 3)
        await until(lambda: lab.rows()[2].messages == 3)
        size = len(lab.recording("sse").stream(1, "down"))
        await until(lambda: len(box.log) == 1)
        assert size < 4096
        await asyncio.sleep(0.2)
        assert client.numbers == []
        while not client.numbers:
            publish(lab, 20)
            await asyncio.sleep(0.01)
        assert client.numbers[:3] == [1, 2, 3]


async def test_a_stream_that_is_held_to_its_end_never_even_opens(lab, quick):
    async with behind(lab, "sse", "buffering", {"size": None}, quick) as (client, box):
        publish(lab, 100)
        await until(lambda: lab.rows()[2].messages == 100)
        await until(lambda: len(box.log) == 1)
        await asyncio.sleep(0.2)
        assert client.states == ["connecting"]
        assert client.numbers == []


async def test_a_cache_that_respects_nothing_serves_old_news_and_the_cursor_saves_the_rest(
    lab, quick
):
    settings = {"respect": False, "seconds": 1.0}
    async with behind(lab, "polling", "caching", settings, quick) as (client, box):
        await until(lambda: len(box.log) == 1)
        publish(lab)  # the answer in memory says that there is nothing
        await until(lambda: client.numbers == [1])
        assert len(box.log) > 3
        publish(lab, 2)
        await until(lambda: client.numbers == [1, 2, 3])
        assert "answered GET /messages from memory" in box.log


async def test_without_upgrade_a_websocket_is_refused_for_good(lab, quick):
    async with behind(lab, "websocket", "no-upgrade", {}, quick) as (client, box):
        await until(lambda: client.refused)
        assert client.refused == 426
        assert "dropped Upgrade: websocket from GET /chat" in box.log


@pytest.mark.parametrize("ending", ["cut", "reset"])
@pytest.mark.parametrize("transport", ["long_polling", "sse", "websocket"])
async def test_who_is_killed_for_silence_comes_back_and_has_each_message_once(
    lab, quick, transport, ending
):
    settings = {"seconds": 0.2, "ending": ending}
    async with behind(lab, transport, "idle", settings, quick) as (client, box):
        publish(lab)
        await until(lambda: client.numbers == [1])
        await until(lambda: "reconnecting" in client.states)
        assert f"killed it with a {ending}" in box.log
        publish(lab)
        await until(lambda: client.numbers == [1, 2])


@pytest.mark.parametrize("ending", ["cut", "reset"])
async def test_who_polls_takes_a_new_connection_and_notices_nothing(lab, quick, ending):
    settings = {"seconds": 0.25, "ending": ending}
    async with behind(lab, "polling", "idle", settings, quick, period=0.5) as (client, box):
        await until(lambda: box.accepted >= 3)
        publish(lab)
        await until(lambda: client.numbers == [1])
        assert "reconnecting" not in client.states


async def test_a_heartbeat_keeps_connections_alive(quick):
    patient = {"seconds": 3.0}  # a busy machine can be silent for a second
    options = {"long_polling": {"hold": 0.05}}  # for long polling, this is the heartbeat
    with rtlab.Lab(["long_polling", "sse", "websocket"], heartbeat=0.05) as lab:
        async with AsyncExitStack() as stack:
            pairs = []
            for name in lab.transports:
                scene = behind(lab, name, "idle", patient, quick, **options.get(name, {}))
                pairs.append(await stack.enter_async_context(scene))
            publish(lab)
            await until(lambda: all(client.numbers == [1] for client, _ in pairs))
            await asyncio.sleep(4.0)
            publish(lab)
            await until(lambda: all(client.numbers == [1, 2] for client, _ in pairs))
            for client, box in pairs:
                assert "reconnecting" not in client.states
                assert (box.accepted, len(box.log)) == (1, 0)


async def first_that_works(urls, patience):
    """A client that falls back, as a reader would write it."""
    for transport, url in urls.items():
        try:
            return transport, await rtlab.receive(url, transport, 1, timeout=patience)
        except (rtlab.Refused, TimeoutError):
            continue


@pytest.mark.parametrize(
    ("kinds", "expected"),
    [
        (["transparent"], "websocket"),
        (["no-upgrade"], "sse"),
        (["no-upgrade", "buffering"], "long_polling"),
    ],
)
async def test_a_client_that_falls_back_gets_through_in_the_end(lab, kinds, expected):
    lab.publish("news")
    with ExitStack() as stack:
        urls = {}
        for transport in ("websocket", "sse", "long_polling"):
            urls[transport] = lab.url(transport)
            for kind in kinds:  # one before the other
                box = stack.enter_context(rtlab.Middlebox(urls[transport], kind))
                urls[transport] = box.url
        transport, [delivery] = await first_that_works(urls, patience=5.0)
    assert (transport, delivery.message.data) == (expected, "news")
