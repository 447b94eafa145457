"""The Jupyter server that this kernel or terminal belongs to, which has an environment of its own.

What draws live views is in the server's environment: its proxy, and the front ends in its pages.
A kernel sees only its own environment, so it asks.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

PATIENCE = 5.0
"""Seconds for an answer."""
REFUSALS = frozenset({302, 401, 403})
"""What a server says to who has no token, or a wrong one."""
_AT_HOME = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # where to dial what listens everywhere
_CONFIGURATION = re.compile(r'<script[^>]*"jupyter-config-data"[^>]*>(.*?)</script>', re.DOTALL)


class Answer(NamedTuple):
    """What the server said."""

    status: int
    text: str


@dataclass(frozen=True)
class Server:
    """A Jupyter server.

    Attributes:
        url: with its base path, for programs on this machine.
        origin: of its pages, as it names itself.
        token: what it wants to see; empty if that is not known.
    """

    url: str
    origin: str
    token: str = field(repr=False)

    async def get(self, *paths: str) -> list[Answer]:
        """Ask for what is below its base path, all at once.

        Raises:
            TimeoutError: not everything came in time.
            aiohttp.ClientError: it does not answer.
        """
        import aiohttp

        # Neither a proxy of the environment nor wherever it redirects to gets to see the token.
        headers = {"Authorization": f"token {self.token}"} if self.token else {}
        limit = aiohttp.ClientTimeout(total=PATIENCE)
        async with aiohttp.ClientSession(headers=headers, timeout=limit) as session:

            async def ask(path: str) -> Answer:
                async with session.get(self.url + path, allow_redirects=False) as answer:
                    return Answer(answer.status, await answer.text(errors="replace"))

            return await asyncio.gather(*map(ask, paths))


def own_server() -> Server | None:
    """Return the server that started this kernel, or the hub's server around this terminal."""
    return _parent() or _of_the_hub()


def on_a_hub() -> bool:
    """Whether this is a JupyterHub, as Binder is one."""
    return "JUPYTERHUB_SERVICE_PREFIX" in os.environ or "JUPYTERHUB_USER" in os.environ


def front_ends(page: str) -> dict[str, bool]:
    """Return the extensions in a page of JupyterLab's, and whether each is switched on.

    Raises:
        ValueError: this is no such page.
    """
    found = _CONFIGURATION.search(page)
    config = json.loads(found[1]) if found else None
    if not isinstance(config, dict) or not isinstance(config.get("federated_extensions"), list):
        raise ValueError("its page /lab is none of JupyterLab's")
    off = config.get("disabledExtensions", [])
    names = [str(extension["name"]) for extension in config["federated_extensions"]]
    return {name: name not in off and f"{name}:plugin" not in off for name in names}


def _parent() -> Server | None:
    server = os.environ.get("JPY_PARENT_PID")  # on Windows it is a handle, and no file has its name
    if not server:
        return None
    from jupyter_core.paths import jupyter_runtime_dir

    try:
        file = Path(jupyter_runtime_dir()) / f"jpserver-{server}.json"
        info = json.loads(file.read_text(encoding="utf-8"))
        parts = urlsplit(str(info["url"]))
        # The URL of one that listens everywhere has the machine's name, which need not resolve.
        return _server(parts, str(info.get("hostname") or parts.hostname), info.get("token"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _of_the_hub() -> Server | None:
    try:
        parts = urlsplit(os.environ.get("JUPYTERHUB_SERVICE_URL", ""))
        parts = parts._replace(netloc=_netloc(parts, parts.hostname or "0.0.0.0"))
        return _server(parts, str(parts.hostname), os.environ.get("JUPYTERHUB_API_TOKEN"))
    except ValueError:
        return None


def _server(parts: SplitResult, host: str, token: Any) -> Server | None:
    if not parts.scheme or not parts.netloc:
        return None
    url = f"{parts.scheme}://{_netloc(parts, host)}{parts.path.rstrip('/')}/"
    return Server(url, f"{parts.scheme}://{parts.netloc}", str(token or ""))


def _netloc(parts: SplitResult, host: str) -> str:
    host = _AT_HOME.get(host, host)
    name = f"[{host}]" if ":" in host else host
    return name if parts.port is None else f"{name}:{parts.port}"
