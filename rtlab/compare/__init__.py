"""The comparison: one schedule of messages through all transports, measured in one run."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rtlab.compare.comparison import Comparison


async def compare(
    messages: int = 50,
    interval: float = 0.1,
    *,
    transports: str | Iterable[str] | None = None,
    payload_size: int = 100,
    clients: int = 1,
    period: float = 1.0,
    profile: str | None = None,
    deflate: bool = False,
    over: str = "sse",
    seed: int = 0,
    progress: bool = True,
    **impairment: object,
) -> Comparison:
    """Measure the transports side by side and return the table.

    Every transport gets servers, a link and clients of its own, and the same seeded schedule,
    shifted a little so that the transports take turns; a noisy machine is noisy for all of them.

    Args:
        messages: how many each client is to receive.
        interval: mean seconds between two of them; each comes at a random time of its interval, so
            that none falls into step with the polling.
        transports: which ones; all four if not given. The clients of ``"http2"`` share one
            connection, up to 100 of them.
        payload_size: bytes of JSON that the application sends in each message, 32 at least.
        clients: subscribers per transport.
        period: seconds between two questions of a polling client.
        profile: ``lan``, ``broadband``, ``4g`` or ``satellite``, instead of single settings.
        deflate: whether WebSocket compresses; sizes and times at the link are then not comparable.
        over: what the clients of ``"http2"`` use: ``"sse"`` or ``"websocket"``.
        seed: of the schedule, the payloads and the jitter.
        progress: whether to show a bar.
        **impairment: ``latency`` and ``jitter`` in seconds each way, ``bandwidth`` in bytes per
            second, and the other fields of ``rtlab.Impairment``.

    Raises:
        UsageError: an argument cannot be used; the message says what can.
    """
    import inspect
    from dataclasses import fields

    from rtlab.arguments import one_of
    from rtlab.arguments import transports as known
    from rtlab.compare.run import run
    from rtlab.compare.scenario import Scenario
    from rtlab.link.impairment import Impairment, make

    own = [name for name in inspect.signature(compare).parameters if name != "impairment"]
    for name in impairment:
        one_of("argument", name, [*own, *(field.name for field in fields(Impairment))])
    up, down = make(profile, impairment)
    scenario = Scenario(
        messages,
        interval,
        known(transports),
        payload_size,
        clients,
        period,
        up,
        down,
        profile,
        deflate,
        over,
        seed,
    )
    return await run(scenario, progress=progress)


def compare_sync(messages: int = 50, interval: float = 0.1, **options: object) -> Comparison:
    """Do the same in a script, where no event loop runs.

    Raises:
        UsageError: an event loop runs, as in a notebook: ``await rtlab.compare(...)`` there.
    """
    import asyncio

    from rtlab.errors import UsageError

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(compare(messages, interval, **options))  # type: ignore[arg-type]
    raise UsageError("An event loop runs here, as in a notebook: use await rtlab.compare(...).")
