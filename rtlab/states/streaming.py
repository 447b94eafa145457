"""The machines of the clients that keep a connection, SSE and WebSocket, by their reports.

Each state names the ``readyState`` that a browser's object would have. Compare ``reconnecting``: an
EventSource is connecting then, on its own; a WebSocket is closed, and the loop around it is the
program's.
"""

from __future__ import annotations

from rtlab.states.browser import EVENT_SOURCE, WEB_SOCKET
from rtlab.states.parts import LEAVE, MAY_PASS, NO_ANSWER, begin, closed, message, reconnecting
from rtlab.states.table import Machine, State, Transition, from_each

SSE = Machine(
    "sse",
    "Server-Sent Events: rtlab's client",
    (
        State("connecting", "The request is under way.", "WHATWG HTML §9.2.3", 0),
        State("open", "The answer has begun, and does not end.", "WHATWG HTML §9.2.3", 1),
        reconnecting(0),
        closed(2),
    ),
    (
        begin("A GET with Accept: text/event-stream.", "WHATWG HTML §9.2.2"),
        Transition(
            "connecting",
            "200, text/event-stream",
            "open",
            "Status and type are all that is looked at.",
            "WHATWG HTML §9.2.3",
            "open",
        ),
        Transition(
            "connecting",
            NO_ANSWER,
            "reconnecting",
            f"{MAY_PASS} A browser gives up at any answer that is no event stream.",
            "WHATWG HTML §9.2.3",
            "reconnecting",
        ),
        message("WHATWG HTML §9.2.6"),
        Transition(
            "open",
            "event: lost",
            "open",
            "The feed no longer has what comes after the cursor. The event's id says where to go "
            "on.",
            "rtlab.feed",
            "lost",
        ),
        Transition(
            "open",
            "the stream ends or breaks",
            "reconnecting",
            "In order or not makes no difference.",
            "WHATWG HTML §9.2.3",
            "reconnecting",
        ),
        Transition(
            "reconnecting",
            "the delay is over",
            "connecting",
            "At least what the server's retry: said. The request has the last id as Last-Event-ID.",
            "WHATWG HTML §9.2.3",
            "connecting",
        ),
        *from_each(
            ("connecting", "open", "reconnecting"),
            LEAVE,
            "closed",
            "Another status or type (204 says: do not come back), or an event that is no message.",
            "WHATWG HTML §9.2.3",
            "closed",
        ),
    ),
    EVENT_SOURCE,
)

WEBSOCKET = Machine(
    "websocket",
    "WebSocket: rtlab's client",
    (
        State(
            "connecting",
            "The opening handshake is under way, then the client's hello with its cursor.",
            "RFC 6455 §4.1",
            0,
        ),
        State("open", "The server has said hello. Both sides may send.", "RFC 6455 §4.1", 1),
        reconnecting(3),
        closed(3),
    ),
    (
        begin("A GET with Upgrade: websocket.", "RFC 6455 §4.1"),
        Transition(
            "connecting",
            "101, then hello",
            "open",
            "A proxy can say 101 for a server that is dead: only its hello shows that it is there.",
            "rtlab.transports.websocket",
            "open",
        ),
        Transition(
            "connecting",
            NO_ANSWER,
            "reconnecting",
            f"{MAY_PASS} Or closed before the hello, with a code that may pass.",
            "RFC 6455 §7.2.3",
            "reconnecting",
        ),
        message("RFC 6455 §6.2"),
        Transition(
            "open",
            "lost: some are gone",
            "open",
            "The feed no longer has what comes after the cursor. The message says where to go on.",
            "rtlab.feed",
            "lost",
        ),
        Transition(
            "open",
            "closed or cut",
            "reconnecting",
            "With a code that may pass: 1006 if no Close frame came, 1001 if the lab was stopped, "
            "1013 if the client read too slowly.",
            "RFC 6455 §7.4.1",
            "reconnecting",
        ),
        Transition(
            "reconnecting",
            "the delay is over",
            "connecting",
            "A new connection. In a browser this loop is yours to write.",
            "RFC 6455 §7.2.3",
            "connecting",
        ),
        *from_each(
            ("connecting", "open", "reconnecting"),
            LEAVE,
            "closed",
            "4xx instead of 101, or a close code that blames the client, such as 1008. Who leaves "
            "says 1000.",
            "RFC 6455 §7.4.1",
            "closed",
        ),
    ),
    WEB_SOCKET,
)
