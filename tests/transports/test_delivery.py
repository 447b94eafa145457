import asyncio
from contextlib import aclosing

import pytest

from rtlab.errors import Refused
from rtlab.transports.delivery import Report, last_report


async def numbers(listener, fails=None):
    async with last_report(listener):
        for number in range(3):
            yield number
        raise fails or AssertionError("the test has read too far")


async def test_who_leaves_is_reported_closed_once():
    reports: list[Report] = []
    async with aclosing(numbers(reports.append)) as stream:
        await anext(stream)
    assert [(report.state, report.detail) for report in reports] == [("closed", "the client left")]


async def test_who_is_cancelled_has_left_as_well():
    reports: list[Report] = []

    async def wait():
        async with last_report(reports.append):
            await asyncio.Event().wait()

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert [report.detail for report in reports] == ["the client left"]


@pytest.mark.parametrize(
    ("fails", "detail"),
    [(Refused("403 Forbidden: why", 403), "403 Forbidden: why"), (OSError(), "OSError")],
)
async def test_what_ends_a_subscription_is_reported_and_raised(fails, detail):
    reports: list[Report] = []
    with pytest.raises(type(fails)):
        async for _ in numbers(reports.append, fails):
            pass
    assert [(report.state, report.detail) for report in reports] == [("closed", detail)]
