"""What a learner should know of each part of an HTTP/2 connection: the prose of ``http2``.

A key is the name of a field; ``"frame: DATA"`` is a frame of that type, ``"field: :path"`` a field
of that name in a field block. Regular header fields have theirs from HTTP/1.1.
"""

from __future__ import annotations

from rtlab.dissect.field import Remark
from rtlab.dissect.http1_remarks import REMARKS as HTTP1

REMARKS = {
    # ── the beginning, and what every frame has ──
    "connection preface": Remark(
        "24 bytes with which every client begins. To a server that speaks only HTTP/1.1 they look "
        "like a request with an unknown method, so it stops before it misreads a frame.",
        "RFC 9113 §3.4",
    ),
    "frame": Remark(
        "One piece of a stream: 9 bytes of header, then the payload. Frames of many streams "
        "travel on one connection, and the header says whose this is.",
        "RFC 9113 §4.1",
    ),
    "length": Remark(
        "How many bytes follow the 9 of this header. More than 16,384 only if the receiver's "
        "SETTINGS allowed it, so that no frame blocks the others for long.",
        "RFC 9113 §4.1, §4.2",
    ),
    "type": Remark(
        "What the payload is. A receiver skips types that it does not know: that is how HTTP/2 "
        "can be extended.",
        "RFC 9113 §4.1, §5.5",
    ),
    "unused flags": Remark(
        "Flags that mean nothing for this type of frame. They are sent as 0 and not looked at.",
        "RFC 9113 §4.1",
    ),
    "flags": Remark(
        "Eight flags, whose meaning only they know who know the type.", "RFC 9113 §4.1, §5.5"
    ),
    "END_STREAM": Remark(
        "1: this side sends nothing more on this stream; the request or the response is complete. "
        "The other side may go on.",
        "RFC 9113 §5.1, §6.1",
    ),
    "END_HEADERS": Remark(
        "1: the field block is complete. With 0 the very next frame must continue it: nothing "
        "else may come between.",
        "RFC 9113 §6.2, §4.3",
    ),
    "PADDED": Remark(
        "1: the payload begins with a pad length and ends with as many bytes that mean nothing.",
        "RFC 9113 §6.1",
    ),
    "PRIORITY": Remark(
        "1: five bytes of priority come before the field block. Deprecated: hardly any server "
        "obeyed them.",
        "RFC 9113 §6.2, §5.3.2",
    ),
    "ACK": Remark(
        "1: an answer to a frame of this type from the other side, and not one of our own.",
        "RFC 9113 §6.5, §6.7",
    ),
    "reserved": Remark("A bit kept free. It is sent as 0 and not looked at.", "RFC 9113 §4.1"),
    "stream identifier": Remark(
        "Whose frame this is. Clients open odd streams, servers even ones, each higher than the "
        "last; 0 is the connection itself.",
        "RFC 9113 §5.1.1",
    ),
    "payload": Remark(
        "Bytes that are not taken apart: a type that nobody here knows, or a length at which "
        "this type makes no sense.",
        "RFC 9113 §4.1, §5.5",
    ),
    # ── payloads ──
    "pad length": Remark("How many bytes of padding end the payload.", "RFC 9113 §6.1"),
    "padding": Remark(
        "Zeros that hide how long the content is: compressed secrets can be guessed from sizes.",
        "RFC 9113 §6.1, §10.7",
    ),
    "data": Remark(
        "A piece of the body. Where one frame ends and the next begins means nothing, just as "
        "with chunks: an event may be cut in two.",
        "RFC 9113 §6.1",
    ),
    "field block fragment": Remark(
        "Compressed header fields. What they say depends on all field blocks that came before on "
        "this connection, so no one block can be read alone.",
        "RFC 9113 §4.3",
    ),
    "exclusive": Remark(
        "1: all streams that depended on that one should depend on this one instead. Deprecated.",
        "RFC 9113 §6.3, RFC 7540 §5.3.1",
    ),
    "stream dependency": Remark(
        "The stream that should be served before this one. Deprecated with all of this scheme.",
        "RFC 9113 §6.3, RFC 7540 §5.3.1",
    ),
    "weight": Remark(
        "The share among streams that depend on the same one: 1 to 256, sent as one less.",
        "RFC 9113 §6.3, RFC 7540 §5.3.2",
    ),
    "error code": Remark("Why, for programs: 0 is no error.", "RFC 9113 §7"),
    "setting": Remark(
        "One thing that the sender says about itself. The other side keeps to it from its ACK on.",
        "RFC 9113 §6.5.1",
    ),
    "identifier": Remark("Which setting; an unknown one is skipped.", "RFC 9113 §6.5.2"),
    "value": Remark("Always 32 bits, whatever the setting.", "RFC 9113 §6.5.1"),
    "promised stream": Remark(
        "The even stream on which the pushed response will come.", "RFC 9113 §6.6"
    ),
    "opaque data": Remark(
        "8 bytes of the sender's choice. The answer repeats them, so that it can be told to which "
        "ping it belongs, and how long it took.",
        "RFC 9113 §6.7",
    ),
    "last stream": Remark(
        "The highest stream of the other side that may have been worked on. Requests on higher "
        "ones were not touched, and can safely be sent again elsewhere.",
        "RFC 9113 §6.8",
    ),
    "debug data": Remark("Why, for people. Programs make nothing of it.", "RFC 9113 §6.8"),
    "window size increment": Remark(
        "How many more bytes of DATA the other side may send: at least 1. A window that nobody "
        "opens again stops the stream without any error.",
        "RFC 9113 §6.9",
    ),
    "prioritized stream": Remark("The stream whose priority changes.", "RFC 9218 §7.1"),
    "priority": Remark(
        "As in the Priority header: u=0 is the most urgent and u=7 the least; i asks for pieces "
        "in turn with other responses.",
        "RFC 9218 §7.1, §4",
    ),
    # ── what is derived ──
    "event stream": Remark(
        "The DATA of this stream joined, as far as it completes events, without the frames "
        "around it. HTTP/2 changes nothing in the format.",
        "WHATWG HTML §9.2.5",
    ),
    "WebSocket": Remark(
        "The DATA of this stream joined, as far as it completes WebSocket frames: frames within "
        "frames, masks included.",
        "RFC 8441 §5",
    ),
    # ── frames by type ──
    "frame: DATA": Remark(
        "A piece of a request's or a response's body. The only type that flow control counts: it "
        "is sent only while the receiver's window is open.",
        "RFC 9113 §6.1",
    ),
    "frame: HEADERS": Remark(
        "Opens a stream with a request, answers it, or ends it with trailers. There is no request "
        "line: method and path are fields as well.",
        "RFC 9113 §6.2",
    ),
    "frame: PRIORITY": Remark(
        "Which streams to serve first, in a scheme that was given up: the Priority header took "
        "its place.",
        "RFC 9113 §6.3",
    ),
    "frame: RST_STREAM": Remark(
        "Ends one stream at once, without touching the others. In HTTP/1.1 a client that has had "
        "enough must close the connection.",
        "RFC 9113 §6.4",
    ),
    "frame: SETTINGS": Remark(
        "What the sender wants the other side to keep to. Both begin with one; each is answered "
        "with an empty one that has ACK set.",
        "RFC 9113 §6.5",
    ),
    "frame: PUSH_PROMISE": Remark(
        "The server will answer a request that the client has not sent. Browsers have given it "
        "up: they switch it off with ENABLE_PUSH = 0.",
        "RFC 9113 §6.6",
    ),
    "frame: PING": Remark(
        "Is the other side still there, and how far away? It answers at once with the same 8 "
        "bytes.",
        "RFC 9113 §6.7",
    ),
    "frame: GOAWAY": Remark(
        "The sender takes no new streams; those that are open may end in peace, unless the code "
        "is an error.",
        "RFC 9113 §6.8",
    ),
    "frame: WINDOW_UPDATE": Remark(
        "Opens the window of one stream, or with stream 0 that of the connection. A reader that "
        "sends none slows the writer down: that is HTTP/2's backpressure.",
        "RFC 9113 §6.9",
    ),
    "frame: CONTINUATION": Remark(
        "The rest of a field block that did not fit. It comes right after, with nothing between, "
        "because the state of the compression belongs to the whole connection.",
        "RFC 9113 §6.10",
    ),
    "frame: PRIORITY_UPDATE": Remark(
        "The client changes its mind on how urgent a response is.", "RFC 9218 §7.1"
    ),
}
"""Field name to what a learner should know of it."""

BLOCK_REMARKS = {
    "field block": Remark(
        "The fragments joined: a list of instructions for a table that both sides keep. HTTP/1.1 "
        "sends the same headers with every request; here the second time often takes one byte.",
        "RFC 9113 §4.3, RFC 7541 §3",
    ),
    "indexed field": Remark(
        "Name and value at once, by their number in the table.", "RFC 7541 §6.1"
    ),
    "literal, to be indexed": Remark(
        "Spelled out once, and added to the table: next time its number will do.",
        "RFC 7541 §6.2.1",
    ),
    "literal, not indexed": Remark(
        "Spelled out, and not added to the table: it will hardly come again.", "RFC 7541 §6.2.2"
    ),
    "literal, never indexed": Remark(
        "Spelled out, and no proxy on the way may put it into a table either: that is for "
        "secrets, which could be guessed by watching sizes.",
        "RFC 7541 §6.2.3, §7.1.3",
    ),
    "table size update": Remark(
        "From here on the table holds at most so many bytes; the oldest entries go.",
        "RFC 7541 §6.3",
    ),
    "pattern": Remark(
        "The first bits tell what follows: 1 indexed, 01 to be indexed, 001 table size, 0001 "
        "never indexed, 0000 not indexed.",
        "RFC 7541 §6",
    ),
    "index": Remark(
        "1 to 61 are in every table from the start (`:method: GET` is 2); from 62 on come the "
        "fields sent before on this connection, the latest first. In a literal it names the name "
        "alone, and 0 says that the name is spelled out.",
        "RFC 7541 §2.3.3",
    ),
    "size": Remark(
        "The new size: each entry counts its name, its value, and 32 bytes more.",
        "RFC 7541 §4.1, §4.2",
    ),
    "prefix": Remark(
        "All ones: the number did not fit, and goes on in the next bytes.", "RFC 7541 §5.1"
    ),
    "more": Remark("1: another byte of the number follows.", "RFC 7541 §5.1"),
    "low bits": Remark(
        "Seven bits of the number, the lowest first, to be added to the prefix.", "RFC 7541 §5.1"
    ),
    "name": Remark("The name, in lower case always, spelled out.", "RFC 7541 §6.2, RFC 9113 §8.2"),
    "value": Remark("The value, spelled out.", "RFC 7541 §6.2"),
    "Huffman": Remark(
        "1: the string is in a code that gives frequent letters five bits and rare ones up to "
        "thirty.",
        "RFC 7541 §5.2",
    ),
    "string length": Remark("In bytes, as they are here: before decoding.", "RFC 7541 §5.2"),
    "string": Remark(
        "The characters: as they are, or in Huffman's code, filled up with ones to a whole byte.",
        "RFC 7541 §5.2",
    ),
    "rest": Remark(
        "From here on nobody can tell where an instruction begins. A receiver closes the "
        "connection: all later blocks build on this one.",
        "RFC 9113 §4.3",
    ),
}
"""Field name to what a learner should know of it, within a field block."""

FIELDS = {
    name.removeprefix("header: "): remark
    for name, remark in HTTP1.items()
    if name.startswith("header: ")
} | {
    ":method": Remark("What to do; in HTTP/1.1 the first word of the request.", "RFC 9113 §8.3.1"),
    ":scheme": Remark("http or https; HTTP/1.1 leaves it to be guessed.", "RFC 9113 §8.3.1"),
    ":authority": Remark("Which site is meant: what HTTP/1.1 says in Host.", "RFC 9113 §8.3.1"),
    ":path": Remark("Path and query, as in a request line.", "RFC 9113 §8.3.1"),
    ":status": Remark(
        "Three digits. There are no words beside them any more: nobody read them.",
        "RFC 9113 §8.3.2",
    ),
    ":protocol": Remark(
        "What this one stream shall speak: the extended CONNECT with which a WebSocket begins in "
        "HTTP/2. There is no Upgrade and no key; 200 says yes, and other streams go on beside it.",
        "RFC 8441 §4, §5",
    ),
    "cookie": Remark(
        "A cookie may be cut at its semicolons into several fields, so that the table can hold "
        "each crumb. Often a secret.",
        "RFC 9113 §8.2.3",
    ),
    "te": Remark(
        "Only `trailers` is left of it: I can read fields after the body.", "RFC 9113 §8.2.2"
    ),
    "priority": Remark("How urgent the response is, and whether in pieces.", "RFC 9218 §5"),
}
"""Name of a field in a field block to what a learner should know of it."""

SETTINGS = {
    1: ("SETTINGS_HEADER_TABLE_SIZE", "The largest table for field blocks that I keep: 4,096 "
        "bytes if nobody says otherwise."),
    2: ("SETTINGS_ENABLE_PUSH", "0: do not push anything to me."),
    3: ("SETTINGS_MAX_CONCURRENT_STREAMS", "How many streams you may have open at a time. "
        "HTTP/1.1 browsers open six connections; here 100 streams share one."),
    4: ("SETTINGS_INITIAL_WINDOW_SIZE", "How many bytes of DATA you may send on a new stream "
        "before I open the window further: 65,535 if nobody says otherwise."),
    5: ("SETTINGS_MAX_FRAME_SIZE", "The largest payload that I take in one frame: at least "
        "16,384."),
    6: ("SETTINGS_MAX_HEADER_LIST_SIZE", "The most header fields that I take, in bytes before "
        "compression."),
    8: ("SETTINGS_ENABLE_CONNECT_PROTOCOL", "1, from a server: you may open a WebSocket on a "
        "stream, with the extended CONNECT (RFC 8441 §3)."),
    9: ("SETTINGS_NO_RFC7540_PRIORITIES", "1: I make nothing of the old priorities "
        "(RFC 9218 §2.1)."),
}  # fmt: skip
"""Setting to its name and meaning: RFC 9113 §6.5.2, RFC 8441 §3, RFC 9218 §2.1."""

ERROR_CODES = {
    0x0: ("NO_ERROR", "Nothing went wrong."),
    0x1: ("PROTOCOL_ERROR", "The other side broke a rule, and no better code fits."),
    0x2: ("INTERNAL_ERROR", "Something broke here."),
    0x3: ("FLOW_CONTROL_ERROR", "The other side sent more than the window allowed."),
    0x4: ("SETTINGS_TIMEOUT", "SETTINGS were not acknowledged in time."),
    0x5: ("STREAM_CLOSED", "A frame came for a stream that was closed."),
    0x6: ("FRAME_SIZE_ERROR", "A frame had a length that its type cannot have."),
    0x7: ("REFUSED_STREAM", "Not even begun with: the request can safely be sent again."),
    0x8: ("CANCEL", "No longer needed: a page was left, an EventSource closed."),
    0x9: ("COMPRESSION_ERROR", "A field block could not be decoded; the tables differ now."),
    0xA: ("CONNECT_ERROR", "The connection behind a CONNECT broke."),
    0xB: ("ENHANCE_YOUR_CALM", "Too much, too fast."),
    0xC: ("INADEQUATE_SECURITY", "The TLS below is too weak."),
    0xD: ("HTTP_1_1_REQUIRED", "Come back with HTTP/1.1."),
}
"""Error code to its name and meaning: RFC 9113 §7."""
