"""The conversation of a recording: who said what and when, each turn with its bytes explained."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rtlab.arguments import whole
from rtlab.link.recording import Recording
from rtlab.render.byte_view import Part, page, parts_html
from rtlab.render.table import text_table
from rtlab.render.turns import Turn, first_turns, turns
from rtlab.render.values import plain

PREVIEW = 64
"""Characters of a content that a line shows."""

_COLUMNS = ("sent", "arrived", "conn", "from", "what", "bytes", "content")


@dataclass(frozen=True)
class View:
    """What was said, as a table of which each line opens. Show it as a cell's result.

    Attributes:
        html: the lines, each with its bytes folded into it; complete in itself.
        text: the lines.
    """

    html: str
    text: str

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write it to an HTML file."""
        head = "<!doctype html><meta charset='utf-8'><title>Conversation</title>"
        Path(path).write_text(head + self.html, encoding="utf-8")

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def conversation(recording: Recording, *, first: int = 0, count: int | None = 50) -> View:
    """Show a recording turn by turn.

    Args:
        recording: what crossed a link.
        first: the first turn that is shown, counted from 0.
        count: how many are shown; ``None`` shows all that follow.

    Raises:
        UsageError: ``first`` or ``count`` is no whole number of 0 or more.
    """
    whole("first", first, "turns")
    if count is None:
        said, complete = turns(recording), True
        shown = said[first:]
    else:
        whole("count", count, "turns")
        said, complete = first_turns(recording, first + count)
        shown = said[first : first + count]
    begin = said[0].sent_ns if said else 0
    rest = _rest(len(said) if complete else None, first, len(shown))
    return View(_html(shown, begin, rest), _text(shown, begin, rest))


def _rest(total: int | None, first: int, count: int) -> str:
    if total == 0:
        return "Nothing was said, or the recording holds no connection from its beginning."
    if count == 0:
        return f"There are {total:,} lines, and none of them is shown."
    if count == total:
        return ""
    stop = first + count
    of = "" if total is None else f" of {total:,}"
    after = "" if stop == total else f"; conversation(first={stop}) goes on"
    return f"Lines {first:,} to {stop - 1:,}{of}{after}."


def _text(said: Sequence[Turn], begin: int, rest: str) -> str:
    rows = [[*_cells(turn, begin), str(turn.size), _preview(turn) + _wrong(turn)] for turn in said]
    table = text_table(_COLUMNS, rows) if rows else ""
    return "\n".join(filter(None, [table, rest]))


def _html(said: Sequence[Turn], begin: int, rest: str) -> str:
    lines: list[Part | str] = []
    for turn in said:
        sent, arrived, connection, who, what = map(escape, _cells(turn, begin))
        arrow = "→" if turn.direction == "up" else "←"
        label = (
            f"<span class='time' title='arrived: {arrived}'>{sent}</span> "
            f"<span class='who'>{connection} {who} {arrow}</span> <b>{what}</b> "
            f"<span class='value'>{escape(_preview(turn))}</span>"
        )
        if turn.field is None:
            lines.append(f"<div class='part'>{label}</div>")
        else:
            lines.append(Part(turn.field, turn.data, f"{label} <small>{turn.size:,} B</small>"))
    more = f"<p class='more'>{escape(rest)}</p>" if rest else ""
    return page(parts_html(lines, open_bytes=0) + more)


def _cells(turn: Turn, begin: int) -> list[str]:
    arrived = "never" if turn.arrived_ns is None else _ms(turn.arrived_ns - begin)
    who = "client" if turn.direction == "up" else "server"
    return [_ms(turn.sent_ns - begin), arrived, f"#{turn.connection}", who, turn.what]


def _ms(time_ns: int) -> str:
    return f"{time_ns / 1e6:.2f} ms"


def _preview(turn: Turn) -> str:
    text = plain(turn.content[: 4 * PREVIEW].decode(errors="replace"))
    return text if len(text) <= PREVIEW else text[: PREVIEW - 1] + "…"


def _wrong(turn: Turn) -> str:
    errors = [] if turn.field is None else turn.field.errors
    return f"  !! {plain(errors[0].error)}" if errors else ""
