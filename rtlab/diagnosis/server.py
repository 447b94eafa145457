"""What live views need of Jupyter's server, whose environment may be another than the kernel's."""

from __future__ import annotations

import importlib.metadata
import json
import os
from collections.abc import Iterator
from urllib.parse import urlsplit

from rtlab.diagnosis.finding import Finding
from rtlab.diagnosis.versions import numbers
from rtlab.jupyter import PATIENCE, REFUSALS, Answer, front_ends, on_a_hub, own_server

_THERE = "the environment of Jupyter's server (on a hub, of the single-user server)"
_FRONT_ENDS = {
    "anywidget": "anywidget",
    "@jupyter-widgets/jupyterlab-manager": "jupyterlab_widgets",
}


def views() -> Iterator[Finding]:
    """Ask the server for its page, and for a lab by way of its proxy."""
    server = own_server()
    if server is None:
        if on_a_hub() or "JPY_PARENT_PID" in os.environ:  # a terminal of one's own has no views
            yield _unseen("it was not found from here")
        return
    from rtlab.lab import Lab

    try:
        with Lab(["polling"]) as lab:
            port = urlsplit(lab.url("polling")).port
            page, anywidget, clock = lab.thread.call(
                server.get("lab", "lab/extensions/anywidget/package.json", f"proxy/{port}/clock")
            )
        if REFUSALS & {page.status, clock.status}:
            yield _unseen(f"{server.url} wants a login")
            return
        yield _proxy(clock)
        yield from _front_ends(page, anywidget)
    except TimeoutError:
        yield _unseen(f"no answer from {server.url} in {PATIENCE:g} s")
    except Exception as error:
        yield _unseen(f"{type(error).__name__} from {server.url}: {error}")


def _unseen(why: str) -> Finding:
    return Finding(
        "note",
        f"Jupyter's server was not looked at: {why}",
        "If live views stay empty: anywidget, jupyterlab_widgets and jupyter-server-proxy must be "
        f"in {_THERE}.",
    )


def _front_ends(page: Answer, anywidget: Answer) -> Iterator[Finding]:
    found = front_ends(page.text)
    again = "Then restart the server and reload the page."
    for name, package in _FRONT_ENDS.items():
        if name not in found:
            yield Finding(
                "bad",
                f"Jupyter's pages have no {package}: live views stay empty",
                f"pip install {package} in {_THERE}. {again}",
            )
        elif not found[name]:
            yield Finding(
                "bad",
                f"{package} is switched off in Jupyter's pages: live views stay empty",
                f"jupyter labextension enable {name} in {_THERE}. {again}",
            )
        else:
            yield Finding("ok", f"Jupyter's pages have {package}")
    if anywidget.status == 200:
        ours = importlib.metadata.version("anywidget")
        theirs = str(json.loads(anywidget.text)["version"])
        if numbers(ours)[:2] != numbers(theirs)[:2]:  # a widget asks for ~0.11.*
            yield Finding(
                "bad",
                f"Jupyter's pages have anywidget {theirs}, and here it is {ours}: live views stay "
                "empty",
                f"pip install anywidget=={ours} in {_THERE}. {again}",
            )


def _proxy(clock: Answer) -> Finding:
    if clock.status == 200 and "perf_counter_ns" in clock.text:
        return Finding("ok", "Jupyter's proxy leads to the lab")
    if clock.status == 404:
        what = "Jupyter's server has no jupyter-server-proxy"
        remedy = (
            f"pip install jupyter-server-proxy in {_THERE}; if it is there, jupyter server "
            "extension enable jupyter_server_proxy. Then restart the server."
        )
    else:
        what = f"Jupyter's proxy does not lead to the lab ({clock.status})"
        remedy = "The log of Jupyter's server says more."
    if on_a_hub():
        return Finding("bad", f"{what}: the browser does not reach the lab", remedy)
    return Finding("note", f"{what}: only a browser on this machine reaches the lab", remedy)
