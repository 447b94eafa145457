"""Inflating the messages of permessage-deflate (RFC 7692), within bounds."""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Iterator

MESSAGE_LIMIT = 16 * 2**20
"""At most so many bytes come out of one message: deflate makes 1,000 of 1, and bombs of that."""

STREAM_LIMIT, STREAM_RATIO = 64 * 2**20, 32
"""At most so many bytes come out of a stream, and so many more for every byte that went in."""

_TAIL = b"\x00\x00\xff\xff"  # RFC 7692 §7.2.1: the sender takes it off, the receiver puts it back
_PIECE = 4 * 2**10
_LIMITS = {
    None: "RFC 7692 §7.1.2",
    "server": "RFC 7692 §7.1.2.1",
    "client": "RFC 7692 §7.1.2.2",
}
"""Sender to what limits its window."""


class InflateError(Exception):
    """A message cannot be inflated.

    Attributes:
        reference: the clause that it violates.
        inflated: what could be inflated of it.
        whole: whether that is all of it, though it should not have been sent so.
    """

    def __init__(
        self, error: str, reference: str = "RFC 7692 §7.2.2", inflated: bytes | None = None
    ) -> None:
        super().__init__(error)
        self.reference = reference
        self.inflated = inflated or b""
        self.whole = inflated is not None


class Inflater:
    """Inflates the messages of one sender, one after another.

    Args:
        takeover: whether a message may refer to the 32 KB that came before it; without, each
            begins anew (RFC 7692 §7.1.1).
        window_bits: the bits of the largest distance that a message may refer back, 8 to 15. One
            that goes further is inflated and objected to. Less than a sixteenth further may pass.
        sender: whose messages these are, which decides the clause on that.
    """

    def __init__(
        self, takeover: bool, window_bits: int = zlib.MAX_WBITS, sender: str | None = None
    ) -> None:
        self._takeover = takeover
        self._window_bits = window_bits
        self._clause = _LIMITS[sender]
        self._blocks = _Blocks(zlib.MAX_WBITS)
        self._lost = False
        self._free = STREAM_LIMIT

    def inflate(self, data: bytes) -> bytes:
        """Return a message inflated.

        Raises:
            InflateError: It cannot be, would be too big, or refers back too far.
        """
        if self._lost:
            raise InflateError(
                "not inflated: it may refer to an earlier message, which could not be",
                "RFC 7692 §7.1.1",
            )
        if not self._takeover:
            self._blocks = _Blocks(zlib.MAX_WBITS)
        narrow = None
        if self._window_bits < zlib.MAX_WBITS:
            narrow = _Blocks(self._window_bits, self._blocks.window)
        self._free += STREAM_RATIO * len(data)
        out: list[bytes] = []
        try:
            self._all(data + _TAIL, out)
            self._check_end()
        except (zlib.error, InflateError) as error:
            # The two windows, the sender's and ours, are not the same any more.
            self._lost = self._takeover
            failed = error if isinstance(error, InflateError) else _explained(error)
            failed.inflated = b"".join(out)
            raise failed from None
        inflated = out[0] if len(out) == 1 else b"".join(out)
        if narrow is not None and not narrow.suffice(data + _TAIL):
            size = 1 << self._window_bits
            raise InflateError(
                f"refers back further than the {size:,} bytes that were agreed",
                self._clause,
                inflated,
            )
        return inflated

    def _all(self, data: bytes, out: list[bytes]) -> None:
        left = min(MESSAGE_LIMIT, self._free)
        for inflated in self._blocks.inflate(data):
            self._free -= len(inflated)
            left -= len(inflated)
            if left < 0:
                out.append(inflated[:left])
                raise InflateError(
                    "a message that inflates to so much is not inflated further: "
                    f"{sum(map(len, out)):,} bytes are shown",
                    "RFC 6455 §10.4",
                )
            out.append(inflated)

    def _check_end(self) -> None:
        # Only where a block has just ended can another begin: here, an empty final one. Otherwise
        # what was put back at the end went into the block, and would spoil the next message.
        probe = self._blocks.decoder.copy() if self._takeover else self._blocks.decoder
        with contextlib.suppress(zlib.error):
            probe.decompress(b"\x03\x00", 1)
        if not probe.eof:
            raise InflateError("the compressed data ends within a block", "RFC 7692 §7.2.1")


class _Blocks:
    """Inflates blocks within one window, also those behind a final block.

    Args:
        bits: the window has 2 to the power of so many bytes.
        before: what came before, to which the first block may refer.
    """

    def __init__(self, bits: int, before: bytes | bytearray = b"") -> None:
        self._bits = bits
        self._size = 1 << bits
        self.window = bytearray(before[-self._size :])  # the end of what came out, and some more
        self.decoder = self._begin()

    def _begin(self) -> zlib._Decompress:
        return zlib.decompressobj(-self._bits, zdict=bytes(self.window[-self._size :]))

    def inflate(self, data: bytes, most: int = 32 * 2**10) -> Iterator[bytes]:
        """Yield what comes out, at most so many bytes at a time."""
        # In pieces: what is left over is copied each time, and that may be thousands of times.
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            more = True
            while more:
                inflated = self.decoder.decompress(piece, most)
                self._remember(inflated)
                yield inflated
                piece = self.decoder.unconsumed_tail
                if self.decoder.eof:
                    # RFC 7692 §7.2.3.4: a block with BFINAL set ends neither the message nor the
                    # window, but zlib stops there.
                    piece, self.decoder = self.decoder.unused_data, self._begin()
                more = bool(piece) or len(inflated) == most

    def suffice(self, data: bytes) -> bool:
        """Whether nothing that can be inflated refers to what came before the window."""
        # zlib lets a reference reach back to all that came out of the same call, so little may.
        try:
            for _ in self.inflate(data, self._size >> 4):
                pass
        except zlib.error:
            return False
        return True

    def _remember(self, inflated: bytes) -> None:
        self.window += inflated[-self._size :]
        if len(self.window) > 4 * self._size:
            del self.window[: -self._size]


def _explained(error: zlib.error) -> InflateError:
    return InflateError(f"no DEFLATE data: {str(error).rpartition(': ')[2]}")
