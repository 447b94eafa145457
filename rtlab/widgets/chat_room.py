"""ChatRoom: several clients of the chat in one page, each with a WebSocket of the browser's own."""

from __future__ import annotations

from collections import deque
from html import escape
from typing import Any, NamedTuple

from rtlab.arguments import number, whole
from rtlab.chat import Chat
from rtlab.chat.server import MAX_NAME
from rtlab.errors import RtlabError, UsageError
from rtlab.log import logger
from rtlab.render.table import html_table, text_table
from rtlab.render.values import plain
from rtlab.widgets.base import LiveView

MOST_PANES = 4
USES = ("ways", "lesson", "chat_client")
LINES = 200
"""Lines that are kept, so that a page which is loaded again has them."""
LONGEST = 500
"""Characters of a line that are kept."""
LONGEST_CUT = 60.0
"""Seconds for which a reader may have the link turn connections away."""
NAMES = ("Ada", "Grace", "Alan", "Edsger")

_log = logger("widgets")


class Said(NamedTuple):
    """A line that was said to a room, as it is kept.

    Attributes:
        room: which one.
        type: ``say``, ``join`` or ``leave``.
        name: who.
        text: what was said, cut to ``LONGEST`` characters.
    """

    room: str
    type: str
    name: str
    text: str


class ChatRoom(LiveView, module="chat_room", uses=USES):
    """A chat in the page: several clients side by side, which meet others and Python's in a room.

    Each pane is a client on the browser's own ``WebSocket``: it joins, says something, shows who is
    here, and comes back when its connection breaks. What its connection said last (the close code
    and the reason) is shown as it came. Python's side is ``chat.join(...)``, and every frame is in
    ``chat.recording``.

    Attributes:
        chat: whose clients these are.
        lines: the newest lines that were said, in all rooms.

    Args:
        chat: from ``rtlab.chat.start(lab)``.
        panes: how many clients, 1 to 4.

    Raises:
        UsageError: this is no chat, or there are too many panes.
        NotRunning: the chat is stopped.
    """

    def __init__(self, chat: Chat, panes: int = 2) -> None:
        if not isinstance(chat, Chat):
            raise UsageError(f"ChatRoom shows a chat: rtlab.chat.start(lab), and not {chat!r}.")
        self.chat = chat
        self.lines: deque[Said] = deque(maxlen=LINES)
        names = NAMES[: whole("panes", panes, least=1, most=MOST_PANES)]
        self._panes = [{"name": name, "room": "general", "wanted": False} for name in names]
        self._url = chat.url
        self._beside = chat.direct_url
        self._told: dict[str, Any] = {}
        super().__init__(chat.lab)
        self._forget = chat.listen(self._hear_line)

    # ── what the page gets ──

    def snapshot(self) -> dict[str, Any]:
        """Return where the chat is, what was said, and how each pane stood."""
        return {
            "url": self._url,
            "beside": self._beside,
            "panes": self._panes,
            "lines": [line._asdict() for line in self.lines],
            "server": self._server(),
        }

    def beat(self) -> dict[str, Any] | None:
        """Return what the server knows, if it has changed."""
        server = self._server()
        if server == self._told:
            return None
        self._told = server
        return {"server": server}

    def _server(self) -> dict[str, Any]:
        recording = self.chat.recording
        return {
            "running": self.chat.running,
            "rooms": self.chat.rooms(),
            "connections": recording.open_connections,
            "up": recording.up.received,
            "down": recording.down.received,
        }

    def _hear_line(self, room: str, message: dict[str, Any]) -> None:
        text = str(message.get("text", ""))
        kept = text if len(text) <= LONGEST else f"{text[:LONGEST]}… ({len(text):,} characters)"
        self.lines.append(Said(room, message["type"], message["name"], kept))

    # ── what the page asks for ──

    def asked(self, content: dict[str, Any]) -> None:
        """Keep how a pane stands, or cut the link for it; what cannot be done goes to the log."""
        try:
            match content["kind"]:
                case "pane":
                    place = whole("pane", content["pane"], most=len(self._panes) - 1)
                    self._panes[place] = {
                        "name": str(content["name"])[: MAX_NAME + 1],
                        "room": str(content["room"])[: MAX_NAME + 1],
                        "wanted": content["wanted"] is True,
                    }
                case "cut":
                    seconds = number("seconds", content["seconds"], "seconds")
                    self.chat.cut(min(seconds, LONGEST_CUT))
        except (RtlabError, LookupError) as error:
            _log.warning("a page asked for what cannot be done: %r", error)

    def ended(self) -> None:
        """Listen no more."""
        self._forget()

    # ── without any script ──

    def as_text(self) -> str:
        """Return who is where and what was said, as text."""
        said = [(line.room, plain(line.name), plain(_words(line))) for line in self.lines]
        rooms = [f"{plain(room)}: {plain(', '.join(h))}" for room, h in self.chat.rooms().items()]
        lines = [text_table(("room", "who", "what"), said)] if said else ["Nothing was said yet."]
        return "\n".join([self._heading(), *rooms, *lines])

    def as_html(self) -> str:
        """Return the same as HTML."""
        said = [(line.room, line.name, _words(line)) for line in self.lines]
        rooms = [f"{room}: {', '.join(here)}" for room, here in self.chat.rooms().items()]
        above = "".join(f"<p>{escape(line)}</p>" for line in (self._heading(), *rooms))
        return above + (
            html_table(("room", "who", "what"), said) if said else "<p>Nothing was said yet.</p>"
        )

    def _heading(self) -> str:
        if not self.chat.running:
            return "A chat that is stopped."
        return f"A chat at {self._url.partition('?')[0]}; join it from Python with chat.join(name)."


def _words(line: Said) -> str:
    return {"join": "has come", "leave": "has left"}.get(line.type, line.text)
