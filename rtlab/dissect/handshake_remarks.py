"""What a learner should know of the parts of a WebSocket handshake: the prose of ``handshake``.

A key is the name of a field; ``"extension: permessage-deflate"`` is an extension of that name, and
so with parameters.
"""

from rtlab.dissect.field import Remark

REMARKS: dict[str, Remark] = {
    # ── the key, and what becomes of it ──
    "nonce": Remark(
        "The 16 random bytes themselves. Nobody needs them decoded: the server goes on with the "
        "text as it stands. Fresh ones each time show that the answer is no old one from a cache.",
        "RFC 6455 §4.1",
    ),
    "key and GUID": Remark(
        "What the server hashes: the request's key just as it was written, and a text that only "
        "WebSocket uses. No server makes this by accident, and that is all the key is for.",
        "RFC 6455 §1.3, §4.2.2",
    ),
    "key": Remark("Copied from Sec-WebSocket-Key of the request, not decoded.", "RFC 6455 §4.2.2"),
    "GUID": Remark(
        "A fixed text, the same for everybody: it stands in the RFC. It is no secret and no "
        "password.",
        "RFC 6455 §1.3",
    ),
    "SHA-1": Remark(
        "20 bytes, whatever went in. SHA-1 is broken for signatures; here nothing depends on that.",
        "RFC 6455 §4.2.2, §10.8",
    ),
    "accept": Remark(
        "The hash in Base64: what Sec-WebSocket-Accept must be, letter for letter.",
        "RFC 6455 §4.2.2",
    ),
    # ── extensions ──
    "extension": Remark(
        "Something that both sides could add to the framing. In a request it is an offer, the "
        "first one preferred; in an answer it is agreed.",
        "RFC 6455 §9.1",
    ),
    "extension: permessage-deflate": Remark(
        "Compress each message with DEFLATE, and mark it with RSV1. Offered twice, with other "
        "parameters, the second is for a server that cannot do the first.",
        "RFC 7692 §7",
    ),
    "extension name": Remark("As it is registered.", "RFC 6455 §9.1, §11.4"),
    "semicolon": Remark("A parameter of the same extension follows.", "RFC 6455 §9.1"),
    "comma": Remark("Another extension follows, or another offer of the same.", "RFC 6455 §9.1"),
    "whitespace": Remark("Whitespace between the words means nothing.", "RFC 6455 §9.1"),
    "parameter": Remark("How the extension is to work.", "RFC 6455 §9.1"),
    "parameter: server_no_context_takeover": Remark(
        "The server forgets its window after each message: less memory for both, and less "
        "compression.",
        "RFC 7692 §7.1.1.1",
    ),
    "parameter: client_no_context_takeover": Remark(
        "The client forgets its window after each message: less memory for both, and less "
        "compression.",
        "RFC 7692 §7.1.1.2",
    ),
    "parameter: server_max_window_bits": Remark(
        "The server refers back 2 to this power bytes at most, so the client need not remember "
        "more. Without it: 15, 32 KB.",
        "RFC 7692 §7.1.2.1",
    ),
    "parameter: client_max_window_bits": Remark(
        "The client refers back 2 to this power bytes at most. Without a value, in an offer, it "
        "says: you may set a limit for me.",
        "RFC 7692 §7.1.2.2",
    ),
}
