"""Pictures that are kept: ``python -m tests.render.golden`` writes them anew. Then look at them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import rtlab
from rtlab import examples
from rtlab.render.byte_view import as_html
from rtlab.render.conversation import conversation
from rtlab.render.ladder import ladder
from rtlab.render.tree import as_text
from tests.recordings import lesson

FOLDER = Path(__file__).with_name("golden")


def _html(text: str) -> str:
    """Return the content alone: style and script are tested in a browser."""
    body = re.sub(r"<(style|script)>.*?</\1>", "", text, flags=re.DOTALL)
    return re.sub(r"(?=<(?:li|details|summary|pre|p|div)[ >])", "\n", body).strip() + "\n"


def _request() -> rtlab.Dissection:
    return rtlab.dissect(examples.LESSON_REQUEST, "http1")


def _hello() -> rtlab.Dissection:
    return rtlab.dissect(examples.MASKED_HELLO, "websocket", sender="client")


PICTURES: dict[str, Callable[[], str]] = {
    "handshake-ladder.svg": lambda: ladder({"websocket": lesson()}, title="The lesson").svg,
    "handshake-ladder.txt": lambda: ladder({"websocket": lesson()}).text + "\n",
    "handshake-conversation.txt": lambda: conversation(lesson()).text + "\n",
    "handshake-conversation.html": lambda: _html(conversation(lesson()).html),
    "request-bytes.txt": lambda: as_text(_request(), notes=True) + "\n",
    "request-bytes.html": lambda: _html(as_html(_request())),
    "hello-bytes.txt": lambda: as_text(_hello(), notes=True) + "\n",
    "hello-bytes.html": lambda: _html(as_html(_hello())),
}
"""File name to what draws it."""

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw(), encoding="utf-8")
