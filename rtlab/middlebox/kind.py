"""What a kind of middlebox is: settings, and a filter for each answer.

A filter is given the parts of an answer as they come from the server (head, pieces of the body,
end) and returns those that may go on. It does no input or output.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import h11

from rtlab.middlebox.journal import Line

Part = h11.Response | h11.Data | h11.EndOfMessage
Write = Callable[[str], Line]
"""Writes a line into the middlebox's log."""


class Filter:
    """Lets an answer pass as it is."""

    def take(self, part: Part) -> Sequence[Part]:
        """Take a part of the answer and return what may go on now."""
        return [part]

    def rest(self) -> Sequence[Part]:
        """Return what goes on when the server breaks off."""
        return []

    def drop(self) -> None:
        """The answer is through, or will never be."""


@dataclass(frozen=True, slots=True)
class Kind:
    """Forwards as RFC 9110 asks for, and nothing else: how it should be."""

    def answer(self, request: h11.Request, write: Write) -> Sequence[Part] | None:
        """Return an answer that takes no server, if there is one."""
        return None

    def filter(self, request: h11.Request, write: Write) -> Filter:
        """Return what the answer to a request goes through."""
        return Filter()
