"""What works on this machine, and what to do about the rest."""

from __future__ import annotations

import asyncio
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing

from rtlab.arguments import TRANSPORTS
from rtlab.diagnosis.finding import Diagnosis, Finding
from rtlab.diagnosis.server import views
from rtlab.diagnosis.versions import packages


def doctor() -> Diagnosis:
    """Check versions, ask the kernel's Jupyter server, and try every transport of the lab."""
    return Diagnosis(tuple(findings()))


def examine() -> int:
    """Print what works, as it is found; return 1 if something essential does not."""
    found = []
    for finding in findings():
        print(finding)
        found.append(finding)
    diagnosis = Diagnosis(tuple(found))
    print(diagnosis.summary)
    return int(not diagnosis.well)


def findings() -> Iterator[Finding]:
    """Yield what there is to say, the most basic first."""
    yield _python()
    yield from packages()
    yield _place()
    yield from views()
    for transport in TRANSPORTS:
        yield _attempt(
            f"{transport}: message received through the link",
            _trial(transport),
            "Does a firewall or security program keep programs from 127.0.0.1?",
        )
    yield _attempt("notebooks of the course", _course, "Install rtlab again.")


def _python() -> Finding:
    what = f"Python {platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("ok", what)


def _place() -> Finding:
    if "BINDER_LAUNCH_HOST" in os.environ:
        return Finding("ok", "on Binder: the browser reaches the servers through Jupyter's proxy")
    if "JUPYTERHUB_USER" in os.environ:
        return Finding(
            "note",
            "on a JupyterHub: others may share this machine",
            "rtlab.start(token=True) keeps them out of your servers.",
        )
    if "VSCODE_PID" in os.environ or "VSCODE_CWD" in os.environ:
        return Finding(
            "note",
            "in VS Code: live views need its Jupyter extension, and the browser is a part of it",
            "If a view stays empty, open the notebook in JupyterLab: rtlab lab.",
        )
    return Finding("ok", "on your own machine: the browser reaches the servers directly")


def _attempt(what: str, trial: Callable[[], str], remedy: str) -> Finding:
    try:
        return Finding("ok", f"{what} ({trial()})")
    except Exception as error:
        return Finding("bad", f"{what}: no ({type(error).__name__}: {error})", remedy)


def _trial(transport: str) -> Callable[[], str]:
    def trial() -> str:
        from rtlab.lab import Lab
        from rtlab.subscription import subscribe

        async def receive(url: str) -> float:
            async with asyncio.timeout(10), aclosing(subscribe(url, transport)) as stream:
                async for delivery in stream:
                    return (time.perf_counter_ns() - delivery.message.published_ns) / 1e6
            raise RuntimeError("the subscription ended without a message")

        with Lab([transport]) as lab:
            lab.publish("are you there?")
            # In the lab's own thread: a notebook's kernel runs a loop already.
            took = lab.thread.call(receive(lab.url(transport)))
            return f"{took:.0f} ms, connecting included"

    return trial


def _course() -> str:
    from rtlab.course import source

    return str(source())
