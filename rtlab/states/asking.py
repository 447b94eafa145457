"""The machines of the clients that ask, polling and long polling, by their reports.

Both are loops that every program writes itself, so these are the machines of the technique, too.
"""

from __future__ import annotations

from rtlab.states.parts import LEAVE, MAY_PASS, NO_ANSWER, begin, closed, message, reconnecting
from rtlab.states.table import Machine, State, Transition, from_each

POLLING = Machine(
    "polling",
    "Polling: rtlab's client",
    (
        State("connecting", "The first question is under way.", "RFC 9110 §9.3.1"),
        State(
            "open",
            "An answer is there and is read. What it does not have, nobody will tell before the "
            "next one.",
            "RFC 9110 §15.3.1",
        ),
        State(
            "waiting",
            "The period runs, then the next question is under way. Half a period is what polling "
            "is late by, on average.",
            "rtlab.transports.polling",
        ),
        reconnecting(),
        closed(),
    ),
    (
        begin("A GET, with the cursor in its URL.", "RFC 9110 §9.3.1"),
        Transition(
            "connecting",
            "an answer",
            "open",
            "200 with messages, 304 without any, 410 if the cursor is too old.",
            "RFC 9110 §15.4.5",
            "open",
        ),
        Transition(
            "connecting", NO_ANSWER, "reconnecting", MAY_PASS, "RFC 9110 §15.6", "reconnecting"
        ),
        message("rtlab.feed"),
        Transition(
            "open",
            "410: some are lost",
            "open",
            "The feed no longer has what comes after the cursor. The answer says where to go on, "
            "and the pause before the next question is empty.",
            "RFC 9110 §15.5.11",
            "lost",
        ),
        Transition(
            "open",
            "all is read",
            "waiting",
            "The period begins when the answer has been read.",
            "rtlab.transports.polling",
            "waiting",
        ),
        Transition(
            "waiting",
            "asks, an answer",
            "open",
            "After a cut it comes on a new connection: between two questions nobody notices.",
            "RFC 9110 §15.4.5",
            "open",
        ),
        Transition(
            "waiting", NO_ANSWER, "reconnecting", MAY_PASS, "RFC 9110 §15.6", "reconnecting"
        ),
        Transition(
            "reconnecting",
            "asks, an answer",
            "open",
            "The cursor is in the URL, so what was missed comes now.",
            "RFC 9110 §15.3.1",
            "open",
        ),
        Transition(
            "reconnecting",
            "no answer again",
            "reconnecting",
            MAY_PASS,
            "RFC 9110 §15.6",
            "reconnecting",
        ),
        *from_each(
            ("connecting", "open", "waiting", "reconnecting"),
            LEAVE,
            "closed",
            "4xx, or an answer that is no list of messages: asking again would not help.",
            "RFC 9110 §15.5",
            "closed",
        ),
    ),
)

LONG_POLLING = Machine(
    "long_polling",
    "Long polling: rtlab's client",
    (
        State("connecting", "The client begins.", "RFC 6202 §2.1"),
        State(
            "waiting",
            "The server holds the request until it has something to say.",
            "RFC 6202 §2.1",
        ),
        State(
            "open",
            "An answer is there and is read. What is published meanwhile waits in the feed behind "
            "the cursor.",
            "RFC 6202 §2.2",
        ),
        reconnecting(),
        closed(),
    ),
    (
        begin("The first question follows at once.", "RFC 6202 §2.1"),
        Transition(
            "connecting",
            "asks",
            "waiting",
            "A GET, with the cursor in its URL.",
            "RFC 6202 §2.1",
            "waiting",
        ),
        Transition(
            "waiting",
            "an answer",
            "open",
            "200 as soon as there is a message, 204 if there was none in time, 410 if the cursor "
            "is too old.",
            "RFC 6202 §5.5",
            "open",
        ),
        Transition(
            "waiting", NO_ANSWER, "reconnecting", MAY_PASS, "RFC 9110 §15.6", "reconnecting"
        ),
        message("rtlab.feed"),
        Transition(
            "open",
            "410: some are lost",
            "open",
            "The feed no longer has what comes after the cursor. The answer says where to go on.",
            "RFC 9110 §15.5.11",
            "lost",
        ),
        Transition(
            "open",
            "asks again, at once",
            "waiting",
            "No pause: the server does the waiting.",
            "RFC 6202 §2.1",
            "waiting",
        ),
        Transition(
            "reconnecting",
            "asks again",
            "waiting",
            "The cursor is in the URL, so what was missed comes now.",
            "RFC 6202 §2.1",
            "waiting",
        ),
        *from_each(
            ("waiting", "open", "reconnecting"),
            LEAVE,
            "closed",
            "4xx, or an answer that is no list of messages: asking again would not help.",
            "RFC 9110 §15.5",
            "closed",
        ),
    ),
)
