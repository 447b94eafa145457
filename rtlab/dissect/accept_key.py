"""How a WebSocket server answers a key (RFC 6455 §4.2.2).

dGhlIHNhbXBsZSBub25jZQ==                                      Sec-WebSocket-Key
dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11  with the GUID
b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea   its SHA-1 hash
s3pPLMBiTxaQ9kYGzzhZRbK+xOo=                                  Sec-WebSocket-Accept
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from hashlib import sha1

from rtlab.dissect.field import Field
from rtlab.dissect.handshake_remarks import REMARKS
from rtlab.dissect.http1_lines import Header
from rtlab.dissect.parts import derived, part

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
"""What is hashed with every key (RFC 6455 §1.3)."""

# RFC 6455 §4.3
_BASE64 = re.compile(r"(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")


def accept(key: str) -> str:
    """Return what Sec-WebSocket-Accept must be for a Sec-WebSocket-Key."""
    return b64encode(_hash(key)).decode()


def _hash(key: str) -> bytes:
    # A FIPS build of OpenSSL has SHA-1 only for what is not about security, as here (§10.8).
    return sha1((key + GUID).encode("latin-1"), usedforsecurity=False).digest()


def decode(header: Header, size: int, name: str, clause: str) -> None:
    """Judge a value that is ``size`` bytes in Base64, and show these bytes."""
    text, place = header.value, header.place
    if not _BASE64.fullmatch(text):
        place.wrong("not Base64: letters, digits, + and / in fours, = at the end", clause)
        return
    data = b64decode(text)
    if len(data) != size:
        place.wrong(f"{len(data)} bytes when decoded; it must be {size}", clause)
    elif (right := b64encode(data).decode()) != text:
        place.wrong(f"bits are left over in the last letter: {right} it would be", "RFC 4648 §3.5")
    if data:
        derived(place, "decoded", name, data, REMARKS)


def derive(place: Field, key: str) -> None:
    """Show beside an answer how the key becomes what it must be, step by step."""
    root = derived(place, "key and GUID", "key and GUID", (key + GUID).encode("latin-1"), REMARKS)
    part(root, "key", len(key), key, REMARKS)
    part(root, "GUID", len(GUID), GUID, REMARKS)
    hashed = derived(root, "hashed", "SHA-1", _hash(key), REMARKS)
    encoded = derived(hashed, "encoded", "accept", accept(key).encode(), REMARKS)
    encoded.value = accept(key)
