"""Inflating the messages of permessage-deflate (RFC 7692), within bounds."""

from __future__ import annotations

import contextlib
import zlib

MESSAGE_LIMIT = 16 * 2**20
"""At most so many bytes come out of one message: deflate makes 1,000 of 1, and bombs of that."""

STREAM_LIMIT, STREAM_RATIO = 64 * 2**20, 32
"""At most so many bytes come out of a stream, and so many more for every byte that went in."""

_TAIL = b"\x00\x00\xff\xff"  # RFC 7692 §7.2.1: the sender takes it off, the receiver puts it back
_WINDOW = 32 * 2**10
_PIECE = 4 * 2**10


class InflateError(Exception):
    """A message cannot be inflated.

    Attributes:
        reference: the clause that it violates.
        inflated: what could be inflated of it.
    """

    def __init__(self, error: str, reference: str = "RFC 7692 §7.2.2") -> None:
        super().__init__(error)
        self.reference = reference
        self.inflated = b""


class Inflater:
    """Inflates the messages of one sender, one after another.

    Args:
        takeover: whether a message may refer to the 32 KB that came before it; without, each
            begins anew (RFC 7692 §7.1.1).
    """

    def __init__(self, takeover: bool) -> None:
        self._takeover = takeover
        self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
        self._window = bytearray()  # the end of what came out, to begin anew after a final block
        self._lost = False
        self._free = STREAM_LIMIT

    def inflate(self, data: bytes) -> bytes:
        """Return a message inflated.

        Raises:
            InflateError: It cannot be, or would be too big.
        """
        if self._lost:
            raise InflateError(
                "not inflated: it may refer to an earlier message, which could not be",
                "RFC 7692 §7.1.1",
            )
        if not self._takeover:
            self._decoder = zlib.decompressobj(-zlib.MAX_WBITS)
            self._window.clear()
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
        return out[0] if len(out) == 1 else b"".join(out)

    def _all(self, data: bytes, out: list[bytes]) -> None:
        left = min(MESSAGE_LIMIT, self._free)
        # In pieces: what lies behind a final block is copied, and there may be thousands of them.
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            while piece:
                inflated = self._decoder.decompress(piece, left + 1)
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
                self._remember(inflated)
                piece = self._after_a_final_block()

    def _after_a_final_block(self) -> bytes:
        # RFC 7692 §7.2.3.4: a block with BFINAL set ends neither the message nor the window,
        # but zlib stops there.
        if not self._decoder.eof:
            return b""
        rest = self._decoder.unused_data
        self._decoder = zlib.decompressobj(-zlib.MAX_WBITS, zdict=bytes(self._window[-_WINDOW:]))
        return rest

    def _remember(self, inflated: bytes) -> None:
        self._window += inflated[-_WINDOW:]
        if len(self._window) > 4 * _WINDOW:
            del self._window[:-_WINDOW]

    def _check_end(self) -> None:
        # Only where a block has just ended can another begin: here, an empty final one. Otherwise
        # what was put back at the end went into the block, and would spoil the next message.
        probe = self._decoder.copy() if self._takeover else self._decoder
        with contextlib.suppress(zlib.error):
            probe.decompress(b"\x03\x00", 1)
        if not probe.eof:
            raise InflateError("the compressed data ends within a block", "RFC 7692 §7.2.1")


def _explained(error: zlib.error) -> InflateError:
    return InflateError(f"no DEFLATE data: {str(error).rpartition(': ')[2]}")
