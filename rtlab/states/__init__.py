"""The state machines of the real-time clients: tables that are drawn, followed and tested.

    rtlab.machine("sse")                                       # the diagram
    follower = rtlab.machine("sse").follow()
    rtlab.subscribe(url, "sse", listener=follower)             # a listener like any other
    follower                                                   # where the client is now

The four transports name rtlab's own Python clients, ``EventSource`` and ``WebSocket`` the browser's
objects.
"""

from __future__ import annotations

from rtlab.arguments import one_of
from rtlab.states.asking import LONG_POLLING, POLLING
from rtlab.states.browser import EVENT_SOURCE, WEB_SOCKET
from rtlab.states.streaming import SSE, WEBSOCKET
from rtlab.states.table import DELIVERY, START, Follower, Machine, State, Transition

MACHINES = {
    machine.name: machine
    for machine in (POLLING, LONG_POLLING, SSE, WEBSOCKET, EVENT_SOURCE, WEB_SOCKET)
}
"""Every machine by its name."""


def machine(name: str) -> Machine:
    """Return a state machine by its name.

    Args:
        name: ``polling``, ``long_polling``, ``sse``, ``websocket``, ``EventSource`` or
            ``WebSocket``.

    Raises:
        UsageError: there is no such machine.
    """
    return MACHINES[one_of("machine", name, MACHINES)]


__all__ = [
    "DELIVERY",
    "MACHINES",
    "START",
    "Follower",
    "Machine",
    "State",
    "Transition",
    "machine",
]
