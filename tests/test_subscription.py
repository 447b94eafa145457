import asyncio

import pytest

import rtlab
from rtlab.errors import UsageError


@pytest.mark.parametrize("transport", rtlab.TRANSPORTS)
async def test_receive_takes_so_many_messages_and_leaves(lab, transport):
    for number in range(5):
        lab.publish(number)
    got = await rtlab.receive(lab.url(transport), transport, 3, cursor=1, timeout=20)
    assert [delivery.message.data for delivery in got] == [1, 2, 3]


@pytest.mark.parametrize("transport", rtlab.TRANSPORTS)
async def test_who_follows_the_machine_is_told_of_messages(lab, transport):
    for number in range(5):
        lab.publish(number)
    follower = rtlab.machine(transport).follow()
    view = rtlab.widgets.StateView(transport)
    for listener in (follower, view.listener):
        await rtlab.receive(lab.url(transport), transport, 5, 0, timeout=20, listener=listener)
    message = follower.machine.move("open", "delivery")
    assert follower.taken[message] == view.listener.follower.taken[message] == 5
    assert not follower.violations
    assert len(view.listener.log) == sum(view.listener.follower.taken.values()) - 5


async def test_how_long_a_request_is_held_is_not_how_long_one_waits(lab):
    waiting = asyncio.create_task(
        rtlab.receive(lab.url("long_polling"), "long_polling", 1, hold=0.02, timeout=20)
    )
    while lab.rows()[1].requests < 3:  # 204, and asked again
        await asyncio.sleep(0.01)
    lab.publish("late")
    assert [delivery.message.data for delivery in await waiting] == ["late"]


async def test_receive_gives_up_in_time(lab):
    with pytest.raises(TimeoutError):
        await rtlab.receive(lab.url("sse"), "sse", 1, timeout=0.05)


@pytest.mark.parametrize(
    "url",
    [
        "ws://127.0.0.1:8000/chat",
        "http://127.0.0.1:99999/",
        "http://[::1/events",
        "http://",
        "events",
        "",
        None,
        7,
        b"http://127.0.0.1/",
    ],
)
async def test_what_is_no_url_is_refused_at_once(url):
    with pytest.raises(UsageError, match=r"lab\.url\('sse'\)"):
        rtlab.subscribe(url, "sse")
    with pytest.raises(UsageError):
        await rtlab.send(url, "sse", 1)


async def test_a_lab_instead_of_its_url_is_not_spelled_out(lab):
    with pytest.raises(UsageError) as refused:
        rtlab.subscribe(lab, "sse")
    assert "polling" not in str(refused.value)


@pytest.mark.parametrize("name", ["ws", "WebSocket", "websockets", "web-socket"])
def test_what_people_call_it_elsewhere_is_understood(name):
    with pytest.raises(UsageError, match="Did you mean 'websocket'"):
        rtlab.subscribe("ws://127.0.0.1/", name)


@pytest.mark.parametrize("transport", rtlab.TRANSPORTS)
async def test_sending_to_nobody_says_so(transport):
    with rtlab.Lab() as lab:
        url = lab.url(transport)
    async with asyncio.timeout(20):
        with pytest.raises(rtlab.RtlabError, match="Is its lab running"):
            await rtlab.send(url, transport, 1)
