"""Polling: ask, and ask again.

The client asks at a period of its own choosing and gets what came since its cursor. Nothing is
held, nothing is pushed: simple, and late by half a period on average.

    GET /messages?since=3        200, a JSON list of the messages after 3, and an ETag
    If-None-Match: "3-5"         304 when the messages after 3 still end with 5: no body
    POST /messages               201: the JSON body has become a message
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator

from aiohttp import web

from rtlab.access import Gate
from rtlab.arguments import number
from rtlab.backoff import Backoff
from rtlab.feed import Feed
from rtlab.transports import http
from rtlab.transports.delivery import (
    Delivery,
    Listener,
    Report,
    ignore,
    last_report,
    wait_before_retry,
)

PATH = "/messages"
send = http.send


async def serve(feed: Feed, gate: Gate) -> http.HttpServer:
    """Serve a feed to clients that poll."""
    server = http.HttpServer(feed, gate)

    async def answer(request: web.Request) -> web.Response:
        cursor = http.read_cursor(request.query.get("since"), feed.last)
        messages = feed.since(cursor)
        # Of what is in this answer, not of the feed: that may be a message further already.
        tag = f"{cursor or 0}-{messages[-1].seq if messages else cursor or 0}"
        headers = {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}
        if tag in [known.value for known in request.if_none_match or ()]:
            return web.Response(status=304, headers=headers)
        server.sent += len(messages)
        return web.Response(
            text=http.message_list(messages), content_type="application/json", headers=headers
        )

    return await server.open(PATH, answer)


async def subscribe(
    url: str,
    cursor: int | None = None,
    *,
    period: float = 1.0,
    listener: Listener = ignore,
    backoff: Backoff | None = None,
) -> AsyncGenerator[Delivery, None]:
    """Yield messages after ``cursor`` by asking every ``period`` seconds.

    Args:
        url: of a polling server.
        cursor: the last message already seen; ``None`` begins with the oldest one held.
        period: seconds from one answer to the next question.
        listener: called with a ``Report`` of everything the client does.
        backoff: how long to wait after a failure.

    Raises:
        UsageError: ``period`` is negative or no number.
        Refused: the server will not answer this client.
    """
    number("period", period, "seconds")
    retry = backoff or Backoff()
    listener(Report("connecting", url))
    validator: dict[str, str] = {}
    async with last_report(listener), http.connection(read_timeout=10.0) as client:
        while True:
            query = {} if cursor is None else {"since": cursor}
            try:
                answer = await http.ask(client, url, query, validator)
            except http.Unavailable as error:
                await wait_before_retry(retry, listener, error)
                continue
            received_ns = time.perf_counter_ns()
            retry.reset()
            listener(Report("open", f"{answer.status_code} {answer.reason_phrase}"))
            # The cursor is in the URL: after news the URL is another one, and the tag not for it.
            validator = (
                {"If-None-Match": answer.headers["ETag"]} if "ETag" in answer.headers else {}
            )
            pause = period
            if answer.status_code == 410:
                lost, cursor = http.read_gap(answer)
                listener(Report("lost", lost))
                validator, pause = {}, 0.0  # what is still held can be had at once
            elif answer.status_code != 304:
                for message in http.read_list(answer):
                    cursor = message.seq
                    validator = {}
                    yield Delivery(message, received_ns)
            listener(Report("waiting", "until the next question", pause))
            await asyncio.sleep(pause)
