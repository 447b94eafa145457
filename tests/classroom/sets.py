"""What the graded sets have, beside the exercises of the package: their order and the free text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a teacher grades by hand.

    Attributes:
        name: unique in its set.
        title: in a few words.
        text: in Markdown; says what each point is for.
        sample: an answer that gets them all.
        points: for it.
    """

    name: str
    title: str
    text: str
    sample: str
    points: int


@dataclass(frozen=True, slots=True)
class Part:
    """A notebook of a set.

    Attributes:
        name: of its file.
        number: of the course's notebook that it belongs to.
        title: of the course's notebook.
        tasks: names of exercises, and questions, in their order.
    """

    name: str
    number: str
    title: str
    tasks: tuple[str | Question, ...]


WHICH_AND_WHY = Question(
    "which-and-why",
    "Which, and why?",
    """\
A page shows how many people wait in a queue. It is open 2,000 times, the number changes about once
a minute, and it may be 5 seconds old on average. Polling or long polling? Say for both how many
requests a second they make (2 points) and how old the news is (1 point); then choose, and say what
your choice costs when nothing happens (1 point).
""",
    """\
Polling: news waits half a period on average, so a period of 10 s is enough: 2,000 / 10 = 200
requests a second, whatever happens. News is 5 s old on average, 10 s at worst. Long polling: a
request for each change, 2,000 / 60 = 33 a second, if the server holds the question longer than a
minute; if it gives up after 25 s, three a minute from each page, 100 a second. News is one way old.
Long polling: fewer requests and fresher. When nothing happens it costs 2,000 open connections and
hardly any work. (Polling is a good answer too, if its 200 cheap requests a second are said to be
the price of a server that keeps nothing open.)
""",
    4,
)
TUNNEL = Question(
    "tunnel",
    "Through the tunnel",
    """\
A phone shows an event stream and is in a tunnel for 40 seconds, in which 20 messages are published.
What does its page get when it is back: if the server sends no `id` (1 point); with `id`s and your
endpoint of the third exercise (1 point); and if, besides, the server keeps no more than the last 10
messages (1 point)?
""",
    """\
`EventSource` comes back by itself in all three. Without `id` it cannot say where it was: it gets
what is published from now on, and the 20 are lost (or, if the server begins anew each time, it gets
everything again). With `id`s the new request says `Last-Event-ID`, the server goes on from there,
and each of the 20 comes once, in order. With 10 kept, the first 10 of the 20 are gone. The server
can know, for the number asked for is older than its oldest, and should say so: the page can then
load its state anew. A gap in silence is the worst of the three.
""",
    3,
)
WHO_CHECKS = Question(
    "who-checks",
    "Who checks what?",
    """\
`Sec-WebSocket-Accept`, the `Origin` header, and the mask on a client's frames. Say for each what it
is against, which side has to check or do it, and what it does *not* protect (1 point each).
""",
    """\
`Sec-WebSocket-Accept`: the client checks it. It shows that whoever answered read this request and
knows WebSocket, not a cache or another kind of server. It is no secret and keeps nobody out.
`Origin`: the server checks it. It is against pages of other sites, which a browser would let open a
WebSocket with the user's cookies. A client that is no browser writes there what it likes.
The mask: the client draws a new key for each frame, the server refuses frames without it. It is
against intermediaries that take bytes which a page chose for HTTP. The key stands beside the
payload, so it hides nothing.
""",
    3,
)
AUDIT = Question(
    "audit",
    "A claim, audited",
    """\
Take one sentence about a transport, from the lesson or from elsewhere, that can be measured. Quote
it (no points for that), give two figures of your own with their units (2 points), say under which
conditions you took them: messages, size, link (1 point), and write the sentence anew, so that it is
true (1 point).
""",
    """\
“WebSocket has lower latency than SSE.” `await rtlab.compare(messages=50, interval=0.1,
latency=0.05)`: median of 50.6 ms over SSE and 50.5 ms over WebSocket, messages of 100 bytes, 50 ms
each way, one client, nothing lost. So: what a server sends arrives as soon over SSE as over
WebSocket; the difference is in what a client sends, which costs a request beside SSE.
(The figures are those of the machine that took them.)
""",
    4,
)
DEFENCE = Question(
    "defence",
    "Defend it",
    """\
A colleague would have taken another transport for your capstone. Answer in 150 to 250 words: what
the feature asks for that decides it (1 point); two of your own figures, with the conditions under
which you took them (2 points); what happens when a connection breaks (1 point); what may stand
between you and your users, and what you do about it (1 point); and when your colleague would be
right (1 point).
""",
    """\
(Of a ticker over SSE.) Prices go down, nothing goes up but a choice of symbols, once: one direction
decides it. Over a link of 80 ms each way, 50 messages of 100 bytes at 10 a second, SSE was as quick
as WebSocket, within a millisecond, and cost about 15 bytes a message more than the payload; polling
once a second was half a second late on average and cost hundreds. When a connection breaks,
`EventSource` comes back by itself with `Last-Event-ID`, and the server goes on from there; ten cuts
lost nothing, and nothing came twice. Proxies may buffer, so the answer says
`X-Accel-Buffering: no`, and a comment every 15 s keeps quiet lines open. A browser has six
connections to a host over HTTP/1.1, so the page opens one stream for all symbols. My colleague
would be right to take WebSocket as soon as people trade from this page several times a second: then
much goes up as well, and a request for each would cost more than all the rest.
""",
    6,
)

SETS: dict[str, tuple[Part, ...]] = {
    "polling": (
        Part(
            "polling",
            "01",
            "Asking again and again",
            ("polling-cost", "choose-period", "staleness"),
        ),
        Part(
            "long_polling",
            "02",
            "Holding the line",
            ("long-poll-client", "crossover", WHICH_AND_WHY),
        ),
    ),
    "events": (
        Part(
            "events",
            "03",
            "One answer that never ends",
            ("sse-encode", "sse-parser", "sse-resume", TUNNEL),
        ),
    ),
    "websocket": (
        Part(
            "handshake",
            "04",
            "From HTTP to something else",
            ("accept-key", "handshake-server", WHO_CHECKS),
        ),
        Part(
            "messages",
            "05",
            "Frames, and a chat room",
            ("unmask", "frame-encode", "frame-decode", "close-codes", "chat-server", "rooms"),
        ),
    ),
    "choosing": (
        Part(
            "reconnecting",
            "06",
            "Connections will drop",
            ("backoff-jitter", "dedupe", "exactly-once"),
        ),
        Part("measuring", "07", "Side by side", ("claim-audit", "latency-split", AUDIT)),
        Part(
            "choosing",
            "08",
            "Choosing",
            ("middlebox", "fallback", "choose-transport", "capstone", DEFENCE),
        ),
    ),
}
"""A set for each part of the course: nbgrader's assignments, and the notebooks in each."""
