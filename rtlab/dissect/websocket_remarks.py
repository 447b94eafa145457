"""What a learner should know of each part of a WebSocket frame: all the prose, in one table."""

from __future__ import annotations

from rtlab.dissect.field import Remark

REMARKS = {
    "frame": Remark(
        "One piece of the conversation: a header of 2 to 14 bytes, then the payload. TCP knows no "
        "messages, only bytes; the header is what says where one ends.",
        "RFC 6455 §5.2",
    ),
    "FIN": Remark(
        "1: the message ends with this frame. With 0 the receiver would wait for a continuation.",
        "RFC 6455 §5.2",
    ),
    "RSV1": Remark(
        "Kept free for extensions. permessage-deflate took it: 1 on a message's first frame says "
        "that the message is compressed.",
        "RFC 6455 §5.2, RFC 7692 §6",
    ),
    "RSV2": Remark(
        "Kept free for extensions. Unless one was negotiated that uses it, a 1 ends the "
        "connection.",
        "RFC 6455 §5.2",
    ),
    "RSV3": Remark(
        "Kept free, like RSV2. Nothing in common use sets it.",
        "RFC 6455 §5.2",
    ),
    "opcode": Remark(
        "What the payload is: 0 continuation, 1 text, 2 binary; 8 close, 9 ping, 10 pong. Its "
        "first bit tells control frames (8 and up) from data.",
        "RFC 6455 §5.2, §11.8",
    ),
    "MASK": Remark(
        "1: the payload is masked, and the key comes before it. Clients must mask, servers must "
        "not, so this bit shows who is talking.",
        "RFC 6455 §5.1, §5.2",
    ),
    "payload length": Remark(
        "Up to 125 it is the length in bytes; 126 says that the real length is in the next "
        "2 bytes, 127 that it is in the next 8. Short messages so pay for a short header.",
        "RFC 6455 §5.2",
    ),
    "extended payload length": Remark(
        "The length that did not fit into 7 bits, the big end first. The shortest form that fits "
        "must be used: 126 to 65,535 in 16 bits, more in 64.",
        "RFC 6455 §5.2",
    ),
    "masking key": Remark(
        "4 bytes, new and unpredictable in every frame, so that a script cannot choose the bytes "
        "on the wire and poison the cache of a proxy that takes them for HTTP. It is no "
        "encryption: the key travels right here.",
        "RFC 6455 §5.3, §10.3",
    ),
    "payload": Remark(
        "What the application sends (or, in a control frame, up to 125 bytes about the "
        "connection itself). It may be empty.",
        "RFC 6455 §5.2, §5.6",
    ),
    "unmasked": Remark(
        "The payload after each byte was XORed with the key's bytes, in turn: byte i with "
        "key[i % 4]. Doing it again would mask it again.",
        "RFC 6455 §5.3",
    ),
    "text": Remark(
        "Characters, as UTF-8. A character may be cut in two between fragments, but never "
        "between messages.",
        "RFC 6455 §5.6",
    ),
    "not UTF-8": Remark(
        "From here on the bytes are not what a text message promises. A receiver closes with "
        "1007 instead of guessing.",
        "RFC 6455 §8.1",
    ),
    "close code": Remark(
        "Why the connection ends, for programs. 1000 to 2999 belong to the protocol, 3000 to 3999 "
        "to libraries (registered), 4000 to 4999 to you.",
        "RFC 6455 §7.4",
    ),
    "reason": Remark(
        "Why the connection ends, for people who debug: UTF-8, at most 123 bytes, because a "
        "control frame carries 125 and the code takes 2.",
        "RFC 6455 §5.5.1, §7.1.6",
    ),
    "message": Remark(
        "The fragments' payloads, joined. Control frames that came between them are not part of "
        "it; that is how a ping gets through a long message.",
        "RFC 6455 §5.4",
    ),
    "inflated": Remark(
        "The message after 00 00 ff ff was put back at its end, which the sender took off to save "
        "4 bytes, and all of it was decompressed.",
        "RFC 7692 §7.2.2",
    ),
}
"""Field name to what a learner should know of it."""

CLOSE_CODES = {
    1000: "Done: the purpose of the connection is fulfilled.",
    1001: "Going away: the server stops, or the page was left.",
    1002: "Protocol error: the other side broke a rule of framing.",
    1003: "Data of a kind that this endpoint does not take.",
    1007: "The data did not fit its type, such as text that is not UTF-8.",
    1008: "Against a policy, and no better code fits.",
    1009: "The message was too big.",
    1010: "The client needs an extension that the server did not agree to.",
    1011: "The server met an unexpected condition.",
    1012: "The service restarts: come back, a little later.",
    1013: "Try again later: the service is overloaded.",
    1014: "Bad gateway: the server behind this one gave a wrong answer.",
}
"""Codes below 3000 that may be sent: RFC 6455 §7.4.1, and 1012 to 1014 from IANA's registry."""

INTERNAL_CODES = {
    1004: "is reserved, without a meaning",
    1005: "stands for “no code came”, and is never sent",
    1006: "stands for “the connection broke without a Close”, and is never sent",
    1015: "stands for “TLS failed”, and is never sent",
}
"""Codes that must not be in a Close frame, and why: RFC 6455 §7.4.1."""
