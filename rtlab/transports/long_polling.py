"""Long polling: ask, and let the server take its time.

The server holds the request until there is something to say. The answer comes the moment a message
is published, and the client asks again at once. What is published between an answer and the next
question waits in the feed behind the cursor: nothing is lost, nothing comes twice.

    GET /wait?since=3&timeout=25   200, a JSON list, as soon as there is a message after 3;
                                   204 when there was none for 25 s (at most ``LONGEST``)
    GET /wait?since=now            what is published from here on: whoever only ever asks so loses
                                   what is published between an answer and the next question
    POST /wait                     201: the JSON body has become a message
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator

from aiohttp import web

from rtlab.access import Gate
from rtlab.arguments import number
from rtlab.backoff import Backoff
from rtlab.errors import NotRunning, UsageError
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

PATH = "/wait"
LONGEST = 60.0
send = http.send


async def serve(feed: Feed, gate: Gate) -> http.HttpServer:
    """Serve a feed to clients that wait for an answer."""
    server = http.HttpServer(feed, gate)

    async def answer(request: web.Request) -> web.Response:
        cursor = http.read_cursor(request.query.get("since"), feed.last)
        messages = await feed.wait(cursor, _read_timeout(request.query.get("timeout", "25")))
        headers = {"Cache-Control": "no-store"}
        if feed.closed:
            raise NotRunning("The lab is being stopped.")  # a 204 would be asked again at once
        if not messages:
            return web.Response(status=204, headers=headers)
        server.sent += len(messages)
        return web.Response(
            text=http.message_list(messages), content_type="application/json", headers=headers
        )

    return await server.open(PATH, answer)


def _read_timeout(text: str) -> float:
    try:
        return min(number("timeout", float(text), "seconds"), LONGEST)
    except ValueError as error:
        raise UsageError(f"timeout must be a number of seconds, not {text[:40]!r}.") from error


async def subscribe(
    url: str,
    cursor: int | None = None,
    *,
    hold: float = 25.0,
    listener: Listener = ignore,
    backoff: Backoff | None = None,
) -> AsyncGenerator[Delivery, None]:
    """Yield messages after ``cursor`` as the server answers held requests.

    Args:
        url: of a long-polling server.
        cursor: the last message already seen; ``None`` begins with the oldest one held.
        hold: seconds for which the server may hold a request.
        listener: called with a ``Report`` of everything the client does.
        backoff: how long to wait after a failure.

    Raises:
        UsageError: ``hold`` is not more than 0, or no number.
        Refused: the server will not answer this client.
    """
    number("hold", hold, "seconds", above=True)
    retry = backoff or Backoff()
    listener(Report("connecting", url))
    async with last_report(listener), http.connection(read_timeout=hold + 10.0) as client:
        while True:
            since = {} if cursor is None else {"since": cursor}
            query: dict[str, str | int] = {**since, "timeout": f"{hold:g}"}
            listener(Report("waiting", "for the server's answer"))
            try:
                answer = await http.ask(client, url, query, {})
            except http.Unavailable as error:
                await wait_before_retry(retry, listener, error)
                continue
            received_ns = time.perf_counter_ns()
            retry.reset()
            listener(Report("open", f"{answer.status_code} {answer.reason_phrase}"))
            if answer.status_code == 410:
                lost, cursor = http.read_gap(answer)
                listener(Report("lost", lost))
            elif answer.status_code == 200:
                for message in http.read_list(answer):
                    cursor = message.seq
                    yield Delivery(message, received_ns)
