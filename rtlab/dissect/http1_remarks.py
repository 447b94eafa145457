"""What a learner should know of each part of an HTTP/1.1 message: the prose of ``http1``.

A key is the name of a field; ``"header: host"`` is a header of that name, ``"method: GET"`` and
``"status: 101"`` a method or a status code of that value.
"""

from rtlab.dissect.field import Remark

REMARKS: dict[str, Remark] = {
    # ── messages and their lines ──
    "request": Remark(
        "A question: a line that says what is wanted, headers, a blank line, perhaps a body. "
        "The next question on this connection begins with the very next byte.",
        "RFC 9112 §2.1",
    ),
    "response": Remark(
        "An answer. It does not name its question: on one connection answers come in the order "
        "in which the requests went out.",
        "RFC 9112 §9.3.2",
    ),
    "empty line": Remark(
        "A line left over before a message. Old clients sent one after a body, so servers skip "
        "it; nobody should send it.",
        "RFC 9112 §2.2",
    ),
    "request line": Remark(
        "What to do, to what, and in which version: three words, one space between them.",
        "RFC 9112 §3",
    ),
    "status line": Remark(
        "The answer in brief: a number for programs, and words for people.", "RFC 9112 §4"
    ),
    "start line": Remark("The first line of a message.", "RFC 9112 §2.1"),
    "method": Remark(
        "What to do. Case counts: `get` would be another method than `GET`.", "RFC 9110 §9.1"
    ),
    "target": Remark(
        "What it is to be done to: usually path and query. The host is not here but in the Host "
        "header.",
        "RFC 9112 §3.2",
    ),
    "version": Remark(
        "What the sender can do, not what this message needs. 1.1 brought chunks and connections "
        "that stay open.",
        "RFC 9112 §2.3",
    ),
    "protocol": Remark("The name, in capitals; `http/` would not do.", "RFC 9112 §2.3"),
    "major": Remark(
        "The syntax of the message: 1 is text in lines, 2 and 3 are binary frames.",
        "RFC 9110 §2.5",
    ),
    "dot": Remark("A dot between two single digits.", "RFC 9112 §2.3"),
    "minor": Remark(
        "What the sender understands beyond the syntax; 0 would close the connection after one "
        "answer.",
        "RFC 9110 §2.5",
    ),
    "status": Remark(
        "Three digits, and the first one says it all: 1 wait, 2 done, 3 elsewhere, 4 your "
        "mistake, 5 mine. A client that does not know 299 treats it as 200.",
        "RFC 9110 §15",
    ),
    "reason": Remark(
        "Words for people. A client should ignore them; HTTP/2 dropped them.", "RFC 9112 §4"
    ),
    "space": Remark("One space parts the words of a start line.", "RFC 9112 §2.1"),
    "CRLF": Remark(
        "Carriage return and line feed end a line, as on a teletype. Two of them in a row end the "
        "headers.",
        "RFC 9112 §2.2",
    ),
    "blank line": Remark(
        "A line with nothing in it: the headers end here. Without it the other side would wait "
        "for ever.",
        "RFC 9112 §2.1",
    ),
    # ── headers ──
    "header": Remark(
        "A name and a value. Headers of different names may come in any order.", "RFC 9110 §5.1"
    ),
    "name": Remark(
        "The name of a header: letters, digits and a few signs, no space. Case does not count.",
        "RFC 9110 §5.1",
    ),
    "colon": Remark("Parts name and value; it stands right after the name.", "RFC 9112 §5.1"),
    "whitespace": Remark(
        "Whitespace around a value does not belong to it. One space is custom, none is as good.",
        "RFC 9112 §5.1",
    ),
    "value": Remark("What the header says, without the whitespace around it.", "RFC 9110 §5.5"),
    "trailing whitespace": Remark("Allowed after a value, and not part of it.", "RFC 9112 §5.1"),
    "fold": Remark(
        "A line that begins with whitespace once continued the line before it; only whoever "
        "sends message/http may still do so.",
        "RFC 9112 §5.2",
    ),
    "ignored line": Remark(
        "Whitespace before the first header: one reader skips the line, another reads it. That is "
        "how requests get smuggled.",
        "RFC 9112 §2.2",
    ),
    "trailer": Remark(
        "A header that could only be known at the end, such as a checksum of the body.",
        "RFC 9110 §6.5",
    ),
    "text": Remark("What is in order around something that is not.", ""),
    "bare CR": Remark(
        "A carriage return without its line feed. One reader takes it for a line's end and "
        "another does not.",
        "RFC 9112 §2.2",
    ),
    "invalid bytes": Remark("Bytes that may not stand here.", ""),
    # ── bodies ──
    "body": Remark(
        "The content. The headers said how to find its end: a length, chunks, or the end of the "
        "connection.",
        "RFC 9112 §6.3",
    ),
    "chunk": Remark(
        "A piece of a body whose length nobody knew at the start. A server that streams can send "
        "each piece as soon as it has it.",
        "RFC 9112 §7.1",
    ),
    "size": Remark(
        "How many bytes of data follow, in hexadecimal: 1a are 26. Its line and the CRLF after "
        "the data are not counted.",
        "RFC 9112 §7.1",
    ),
    "extension": Remark(
        "Room for more about this chunk. Hardly anybody uses it, and readers skip what they do "
        "not know.",
        "RFC 9112 §7.1.1",
    ),
    "data": Remark(
        "The bytes of this chunk. Where one chunk ends and the next begins means nothing: an "
        "event may be cut in two.",
        "RFC 9112 §7.1",
    ),
    "last chunk": Remark(
        "Size 0: the body is complete. If the connection ends before this, something is missing, "
        "and the reader knows it.",
        "RFC 9112 §7.1",
    ),
    "content": Remark("The body as the application sees it.", "RFC 9110 §6.4"),
    "upgraded data": Remark(
        "No longer HTTP: both sides have agreed on another protocol for this connection.",
        "RFC 9110 §7.8",
    ),
    "rest": Remark(
        "From here on nobody can tell where a message begins. A careful peer closes the "
        "connection.",
        "RFC 9112 §6.3",
    ),
    # ── methods and status codes ──
    "method: GET": Remark(
        "Give me this. It is safe: asking twice changes nothing, so it may be cached and tried "
        "again.",
        "RFC 9110 §9.3.1",
    ),
    "method: HEAD": Remark("Like GET, but the answer comes without its body.", "RFC 9110 §9.3.2"),
    "method: POST": Remark(
        "Take this. Sent twice it may be done twice, so a client does not repeat it by itself.",
        "RFC 9110 §9.3.3",
    ),
    "method: CONNECT": Remark(
        "To a proxy: open a tunnel to this host and pass everything on. wss:// goes through "
        "proxies in this way.",
        "RFC 9110 §9.3.6",
    ),
    "method: OPTIONS": Remark(
        "What may be done here? Browsers ask this before some requests to another origin.",
        "RFC 9110 §9.3.7",
    ),
    "status: 100": Remark("Go on, send the body; the answer comes later.", "RFC 9110 §15.2.1"),
    "status: 101": Remark(
        "Agreed: after the blank line of this answer the connection speaks the protocol that "
        "Upgrade names.",
        "RFC 9110 §15.2.2",
    ),
    "status: 200": Remark("It worked, and here it is.", "RFC 9110 §15.3.1"),
    "status: 204": Remark(
        "It worked, and there is nothing to say. An EventSource that gets it stops reconnecting.",
        "RFC 9110 §15.3.5",
    ),
    "status: 304": Remark(
        "You have it already. No body, even if Content-Length says otherwise.", "RFC 9110 §15.4.5"
    ),
    "status: 400": Remark(
        "I do not understand you. The right answer to almost every error in a request.",
        "RFC 9110 §15.5.1",
    ),
    "status: 426": Remark(
        "Not in this protocol; the Upgrade header says in which.", "RFC 9110 §15.5.22"
    ),
    # ── headers worth a word of their own ──
    "header: host": Remark(
        "Which site is meant: one address may serve many. The one header that a 1.1 request must "
        "have.",
        "RFC 9110 §7.2",
    ),
    "header: content-length": Remark(
        "How many bytes the body has. Too large, and the reader waits; too small, and the rest "
        "is read as the next message.",
        "RFC 9110 §8.6",
    ),
    "header: transfer-encoding": Remark(
        "How the body travels on this one connection; chunked comes last, for it marks the end. "
        "It overrides Content-Length.",
        "RFC 9112 §6.1",
    ),
    "header: connection": Remark(
        "About this connection only: `close` ends it after the answer, `Upgrade` says that the "
        "Upgrade header is meant for the next hop.",
        "RFC 9110 §7.6.1",
    ),
    "header: upgrade": Remark(
        "Another protocol that this connection could change to. A server may ignore it and "
        "answer as usual.",
        "RFC 9110 §7.8",
    ),
    "header: content-type": Remark(
        "What the body is. An EventSource gives up for good unless it is `text/event-stream`.",
        "RFC 9110 §8.3",
    ),
    "header: content-encoding": Remark(
        "The body is compressed. For a stream, the compressor must be flushed after each event, "
        "or events wait in it.",
        "RFC 9110 §8.4",
    ),
    "header: accept": Remark("What the client would like to get.", "RFC 9110 §12.5.1"),
    "header: accept-encoding": Remark(
        "Which compressions the client can undo.", "RFC 9110 §12.5.3"
    ),
    "header: user-agent": Remark(
        "Which program asks. Sent with every request: compare its length with your message.",
        "RFC 9110 §10.1.5",
    ),
    "header: server": Remark("Which program answers.", "RFC 9110 §10.2.4"),
    "header: date": Remark(
        "When the answer was made, to the second: too coarse to measure latency.", "RFC 9110 §6.6.1"
    ),
    "header: cache-control": Remark(
        "Who may keep the answer, and how long. A stream or a poll says `no-store` or `no-cache`, "
        "lest an old answer come again.",
        "RFC 9111 §5.2",
    ),
    "header: authorization": Remark(
        "A secret: who has these bytes can act as you.", "RFC 9110 §11.6.2"
    ),
    "header: cookie": Remark(
        "What the server asked the browser to keep; it goes along with every request, every poll. "
        "Often a secret.",
        "RFC 6265 §4.2",
    ),
    "header: set-cookie": Remark(
        "Asks the browser to send this back with every later request.", "RFC 6265 §4.1"
    ),
    "header: origin": Remark(
        "Which site's page asks. A script cannot forge it in a browser, so a WebSocket server "
        "should check it.",
        "RFC 6454 §7",
    ),
    "header: access-control-allow-origin": Remark(
        "Which pages of other origins may read this answer. Without it the browser hides it from "
        "them.",
        "WHATWG Fetch §3.2",
    ),
    "header: last-event-id": Remark(
        "The last event that the client saw: the server goes on after it, and nothing is lost.",
        "WHATWG HTML §9.2.4",
    ),
    "header: expect": Remark("`100-continue`: I have a body, shall I send it?", "RFC 9110 §10.1.1"),
    "header: sec-websocket-key": Remark(
        "16 random bytes in Base64. Not a secret: it proves that the server read this very "
        "request and speaks WebSocket.",
        "RFC 6455 §11.3.1",
    ),
    "header: sec-websocket-accept": Remark(
        "The key and a fixed text, hashed with SHA-1, in Base64. Any other value, and the client "
        "must give up.",
        "RFC 6455 §11.3.3",
    ),
    "header: sec-websocket-version": Remark(
        "13, the version that became the standard; a server that knows others says so with 426.",
        "RFC 6455 §11.3.5",
    ),
    "header: sec-websocket-protocol": Remark(
        "Which application protocols the client can speak; the server picks one.",
        "RFC 6455 §11.3.4",
    ),
    "header: sec-websocket-extensions": Remark(
        "What both could add to the frames, such as permessage-deflate; only what the server "
        "repeats is used.",
        "RFC 6455 §11.3.2",
    ),
}
