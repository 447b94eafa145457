"""What can go wrong, as a small tree. Every message says what to do next."""

from __future__ import annotations


class RtlabError(Exception):
    """Everything that rtlab raises on purpose."""


class UsageError(RtlabError, ValueError):
    """An argument that cannot be used; the message says what can."""


class NotRunning(RtlabError, RuntimeError):
    """A lab or link that is stopped, or was never started, was asked to work."""


class PortInUse(RtlabError, OSError):
    """The port that was asked for belongs to somebody else."""


class Refused(RtlabError):
    """A server answered, and the answer will not change by asking again.

    Attributes:
        code: the HTTP status (400, 403, ...) or the WebSocket close code (1008, ...).
    """

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class CursorOutOfRange(RtlabError):
    """A feed was asked for messages that it no longer, or never, had.

    Attributes:
        cursor: what was asked for.
        resume: the cursor to go on from: the next message after it is the oldest one held.
        lost: the sequence numbers in between, ``range(first, last + 1)``; empty when the cursor
            lies ahead of the feed (it then belongs to another, earlier run of the server).
    """

    def __init__(self, cursor: int, oldest: int, last: int) -> None:
        self.cursor = cursor
        self.resume = oldest - 1
        self.lost = range(max(cursor, 0) + 1, oldest)
        if cursor < 0:
            why = "it begins at 0."
        elif cursor > last:
            why = f"the feed has only reached {last}: was the server restarted?"
        else:
            why = f"messages {self.lost[0]} to {self.lost[-1]} are no longer held."
        super().__init__(f"cursor {cursor} is out of range: {why} Go on from {self.resume}.")

    def as_json(self) -> dict[str, object]:
        """The answer that every transport gives for it."""
        span = [self.lost[0], self.lost[-1]] if self.lost else None
        return {"error": str(self), "lost": span, "resume": self.resume}


class RecordingError(RtlabError):
    """A file is not a recording, or one that this version cannot read."""


class UnexpectedMove(RtlabError):
    """A client was seen to do what its state machine does not have.

    Attributes:
        state: where it was.
        sign: what was seen.
    """

    def __init__(
        self, machine: str, state: str, sign: str, target: str | None, possible: dict[str, str]
    ) -> None:
        self.state = state
        self.sign = sign
        seen = repr(sign) + ("" if target is None else f" with {target} after it")
        moves = ", ".join(f"{sign!r} (to {target})" for sign, target in possible.items())
        super().__init__(
            f"{machine}: in {state} there is no {seen}. What can come: {moves or 'nothing at all'}."
        )
