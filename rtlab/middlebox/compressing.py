"""A middlebox that compresses."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import h11

from rtlab.arguments import yes_or_no
from rtlab.middlebox.headers import request_name, values, without
from rtlab.middlebox.journal import Line
from rtlab.middlebox.kind import Filter, Kind, Part, Write


@dataclass(frozen=True, slots=True)
class Compressing(Kind):
    """Compresses text with gzip for clients that accept it.

    A compressor gives out something when it has enough to work on, or when it is told to flush.

    Attributes:
        flush: whether it flushes after each piece, so that an event is not held.
    """

    flush: bool = False

    def __post_init__(self) -> None:
        yes_or_no("flush", self.flush)

    def filter(self, request: h11.Request, write: Write) -> Filter:
        """Return what compresses the answer to a request."""
        accepted = [
            coding.partition(";")[0].strip() for coding in values(request, b"accept-encoding")
        ]
        if request.method == b"HEAD" or "gzip" not in accepted:
            return Filter()
        return Squeezing(self.flush, request_name(request), write)


class Squeezing(Filter):
    """Compresses one answer, if it is text and nobody forbids it."""

    def __init__(self, flush: bool, name: str, write: Write) -> None:
        self._flush = flush
        self._name = name
        self._write = write
        self._gzip: zlib._Compress | None = None
        self._line: Line | None = None
        self._taken = self._given = 0

    def take(self, part: Part) -> Sequence[Part]:
        """Compress a piece; without a flush, often nothing comes out yet."""
        if isinstance(part, h11.Response):
            return [self._begin(part)]
        if self._gzip is None:
            return [part]
        if isinstance(part, h11.EndOfMessage):
            return [self._give(self._gzip.flush()), part]
        self._taken += len(part.data)
        data = self._gzip.compress(part.data)
        return [self._give(data + self._gzip.flush(zlib.Z_SYNC_FLUSH) if self._flush else data)]

    def _begin(self, head: h11.Response) -> h11.Response:
        kind = ",".join(values(head, b"content-type")).partition(";")[0].strip()
        text = kind.startswith("text/") or kind == "application/json"
        if not text or head.status_code != 200 or values(head, b"content-encoding"):
            return head
        if "no-transform" in values(head, b"cache-control"):  # RFC 9110 §7.7
            self._write(f"{self._name} asks to be left as it is: Cache-Control: no-transform")
            return head
        self._gzip = zlib.compressobj(wbits=31)  # 31: with the header and the checksum of gzip
        more = [(b"Content-Encoding", b"gzip"), (b"Vary", b"Accept-Encoding")]
        # Other bytes under the same strong ETag would be a lie (RFC 9110 §8.8.1).
        tags = [value for name, value in head.headers if name == b"etag"]
        more += [(b"ETag", tag if tag.startswith(b"W/") else b"W/" + tag) for tag in tags]
        return without(head, [b"content-length", b"etag", b"accept-ranges"], more)

    def _give(self, data: bytes) -> h11.Data:
        self._given += len(data)
        if self._line is None:
            self._line = self._write("")
        self._line.text = (
            f"compressed {self._taken:,} bytes of {self._name}; let {self._given:,} bytes go"
        )
        return h11.Data(data=data)
