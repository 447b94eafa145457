"""The machines of the browser's own objects, as the WHATWG standards have them.

A page sees its events (``open``, ``message``, ``error``, ``close``) and can read ``readyState``.
"""

from __future__ import annotations

from rtlab.states.table import START, Machine, State, Transition, from_each

EVENT_SOURCE = Machine(
    "EventSource",
    "EventSource, in the browser",
    (
        State(
            "CONNECTING",
            "No stream yet, or none any more: the browser asks, or waits until it asks again. It "
            "needs no code of the page for that.",
            "WHATWG HTML §9.2.2",
            0,
        ),
        State(
            "OPEN",
            "The stream is there, and events come as they are sent.",
            "WHATWG HTML §9.2.2",
            1,
        ),
        State(
            "CLOSED",
            "For good: this object will not connect again.",
            "WHATWG HTML §9.2.2",
            2,
        ),
    ),
    (
        Transition(
            START,
            "new EventSource(url)",
            "CONNECTING",
            "The request goes out at once, with Accept: text/event-stream.",
            "WHATWG HTML §9.2.2",
        ),
        Transition(
            "CONNECTING",
            "200, text/event-stream",
            "OPEN",
            "Status and type are all that is looked at; the stream may stay silent for hours.",
            "WHATWG HTML §9.2.3",
            "open",
        ),
        Transition(
            "CONNECTING",
            "network error",
            "CONNECTING",
            "Nobody there, or the connection broke before the answer. The browser waits for the "
            "reconnection time (some seconds, or what the server's retry: said) and asks again.",
            "WHATWG HTML §9.2.3",
            "error",
        ),
        Transition(
            "CONNECTING",
            "another status or type",
            "CLOSED",
            "The browser fails the connection, for good: at 404 and 500, at text/html, and at 204, "
            "with which a server can say: do not come back (§9.2.1).",
            "WHATWG HTML §9.2.3",
            "error",
        ),
        Transition(
            "OPEN",
            "an event",
            "OPEN",
            "An event with another name in event: fires that name. What has an id is remembered.",
            "WHATWG HTML §9.2.6",
            "message",
        ),
        Transition(
            "OPEN",
            "the stream ends or breaks",
            "CONNECTING",
            "In order or not makes no difference. The browser waits for the reconnection time and "
            "asks again, with the last id as Last-Event-ID.",
            "WHATWG HTML §9.2.3",
            "error",
        ),
        *from_each(
            ("CONNECTING", "OPEN"),
            "close()",
            "CLOSED",
            "The page has had enough. No event follows.",
            "WHATWG HTML §9.2.2",
        ),
    ),
    verb="fires",
)

WEB_SOCKET = Machine(
    "WebSocket",
    "WebSocket, in the browser",
    (
        State("CONNECTING", "The opening handshake is under way.", "WHATWG WebSockets §3.1", 0),
        State("OPEN", "Both sides may send at any time.", "WHATWG WebSockets §3.1", 1),
        State(
            "CLOSING",
            "The closing handshake is under way. What is sent now is dropped without a word.",
            "WHATWG WebSockets §3.1",
            2,
        ),
        State(
            "CLOSED",
            "For good. The browser never connects again by itself.",
            "WHATWG WebSockets §3.1",
            3,
        ),
    ),
    (
        Transition(
            START,
            "new WebSocket(url)",
            "CONNECTING",
            "A GET with Upgrade: websocket goes out at once.",
            "RFC 6455 §4.1",
        ),
        Transition(
            "CONNECTING",
            "101 Switching Protocols",
            "OPEN",
            "With the right accept key. From here on there is no more HTTP on this connection.",
            "WHATWG WebSockets §4",
            "open",
        ),
        Transition(
            "OPEN",
            "a message",
            "OPEN",
            "All frames of it are there. Ping and Pong frames are never shown to the page.",
            "WHATWG WebSockets §4",
            "message",
        ),
        *from_each(
            ("CONNECTING", "OPEN"),
            "close()",
            "CLOSING",
            "A Close frame goes out (before the handshake is done, the attempt is given up).",
            "WHATWG WebSockets §3.1",
        ),
        Transition(
            "OPEN",
            "a Close frame comes",
            "CLOSING",
            "The browser answers with a Close frame of its own. No event says so: only readyState.",
            "RFC 6455 §7.1.3",
        ),
        *from_each(
            ("CONNECTING", "OPEN"),
            "refused, or cut",
            "CLOSED",
            "Nobody there, no 101, or gone without a Close frame: code 1006, wasClean false. Why, "
            "the page is never told: it could scout the network. A failed attempt fires error "
            "first.",
            "WHATWG WebSockets §4",
            "close",
        ),
        Transition(
            "CLOSING",
            "the connection is closed",
            "CLOSED",
            "Both Close frames are through, or the wait for the second was too long. The event has "
            "code, reason and wasClean.",
            "RFC 6455 §7.1.4",
            "close",
        ),
        Transition(
            "CLOSED",
            "by hand: wait, then new WebSocket(url)",
            "CONNECTING",
            "No standard has this move. A page that wants to be connected again makes a new object "
            "itself, after a delay that grows and has jitter, and says where it left off.",
            "RFC 6455 §7.2.3",
            by_hand=True,
        ),
    ),
    verb="fires",
)
