"""What works on this machine, and what to do about the rest."""

from __future__ import annotations

import asyncio
import importlib.metadata
import os
import platform
import re
import time
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from html import escape
from typing import Literal

from rtlab.arguments import TRANSPORTS
from rtlab.render.folded import folded
from rtlab.render.table import html_table

Verdict = Literal["ok", "note", "bad"]
_MARKS = {"ok": "ok  ", "note": "note", "bad": "BAD "}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        verdict: ``ok``; ``note`` for what only some parts need; ``bad`` for what all need.
        what: what was looked at, and found.
        remedy: what to do; empty if nothing needs doing.
    """

    verdict: Verdict
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{_MARKS[self.verdict]}  {self.what}" + (
            f"\n      -> {self.remedy}" if self.remedy else ""
        )


@dataclass(frozen=True)
class Diagnosis:
    """What works in this place, and what to do about the rest. Show it as a cell's result.

    Attributes:
        findings: one for each thing that was looked at.
    """

    findings: tuple[Finding, ...]

    @property
    def well(self) -> bool:
        """Whether nothing essential is missing."""
        return all(finding.verdict != "bad" for finding in self.findings)

    @property
    def summary(self) -> str:
        """The whole in a sentence."""
        return "The lab works here." if self.well else "Something essential is missing: see BAD."

    def __repr__(self) -> str:
        return "\n".join([*map(str, self.findings), self.summary])

    def _repr_html_(self) -> str:
        wanting = [[f.verdict, f.what, f.remedy] for f in self.findings if f.verdict != "ok"]
        well = [[f.verdict, f.what] for f in self.findings if f.verdict == "ok"]
        table = html_table(("verdict", "what", "what to do"), wanting) if wanting else ""
        return f"<p><strong>{escape(self.summary)}</strong></p>{table}" + folded(
            f"{len(well)} things are as they should be", html_table(("verdict", "what"), well)
        )


def doctor() -> Diagnosis:
    """Check versions, find out where this is, and try every transport of the lab."""
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
    yield from _packages()
    yield _place()
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


def _packages() -> Iterator[Finding]:
    try:
        requirements = importlib.metadata.requires("rtlab") or []
    except importlib.metadata.PackageNotFoundError:
        yield Finding("bad", "rtlab is not installed", "pip install -e . in the checkout.")
        return
    for requirement in requirements:
        match = re.match(r"([A-Za-z0-9_.-]+)(?:>=([0-9.]+))?$", requirement)
        if match is None:
            continue  # it belongs to an extra
        name, least = match[1], match[2]
        remedy = f"pip install '{requirement}'"
        try:
            found = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            yield Finding("bad", f"{name} is missing", remedy)
            continue
        old = least is not None and _numbers(found) < _numbers(least)
        what = f"{name} {found}"
        yield (
            Finding("bad", f"{what} is older than {least}", remedy) if old else Finding("ok", what)
        )


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


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
