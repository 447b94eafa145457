"""Live views of a lab, for notebooks; each is loaded when it is first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rtlab.widgets.browser_client import BrowserClient
    from rtlab.widgets.chat_room import ChatRoom
    from rtlab.widgets.feel_it import FeelIt
    from rtlab.widgets.lanes import Lanes
    from rtlab.widgets.live_ladder import LiveLadder
    from rtlab.widgets.predict import Predict
    from rtlab.widgets.state_view import StateView
    from rtlab.widgets.ticker import Ticker

_HOMES = {
    "BrowserClient": "browser_client",
    "ChatRoom": "chat_room",
    "FeelIt": "feel_it",
    "Lanes": "lanes",
    "LiveLadder": "live_ladder",
    "Predict": "predict",
    "StateView": "state_view",
    "Ticker": "ticker",
}

__all__ = [
    "BrowserClient",
    "ChatRoom",
    "FeelIt",
    "Lanes",
    "LiveLadder",
    "Predict",
    "StateView",
    "Ticker",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'rtlab.widgets' has no attribute {name!r}")
    value = getattr(import_module(f"rtlab.widgets.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return list(__all__)
