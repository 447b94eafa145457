"""Drives a real JupyterLab in a real Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

CHROMIUM_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
CELLS = ".jp-Notebook .jp-CodeCell"


def chromium() -> str | None:
    """Return the system's Chromium, if it has one."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@dataclass
class JupyterLab:
    """A running JupyterLab.

    Attributes:
        url: of the server, with its base path.
        token: what it wants to see.
        runtime: the folder in which its kernels say how to reach them.
    """

    url: str
    token: str
    runtime: Path

    def notebook(self, name: str) -> str:
        """Return the URL of a notebook in a workspace of its own: old tabs would come back."""
        return f"{self.url}lab/workspaces/ci-{uuid.uuid4().hex}/tree/{name}?token={self.token}"


@contextlib.contextmanager
def jupyterlab(
    folder: Path, settings: Path, base: str = "/", options: Sequence[str] = ()
) -> Iterator[JupyterLab]:
    """Run JupyterLab on a folder.

    Args:
        folder: with the notebooks.
        settings: an empty folder for JupyterLab's own files.
        base: the base URL; ``/user/jane/`` is what Binder and hubs look like.
        options: further ones of its command line.
    """
    news = settings / "user-settings" / "@jupyterlab" / "apputils-extension"
    news.mkdir(parents=True, exist_ok=True)
    (news / "notification.jupyterlab-settings").write_text(json.dumps({"fetchNews": "false"}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = uuid.uuid4().hex
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--ServerApp.base_url={base}", f"--ServerApp.port={port}"]
    command += ["--ServerApp.ip=127.0.0.1", f"--IdentityProvider.token={token}"]
    command += [f"--ServerApp.root_dir={folder}"]
    command += ["--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate", *options]
    environment = os.environ | {
        "JUPYTER_CONFIG_PATH": str(_as_learners_have_it(settings / "config")),
        "JUPYTERLAB_SETTINGS_DIR": str(settings / "user-settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(settings / "workspaces"),
        "JUPYTER_RUNTIME_DIR": str(settings / "runtime"),
    }
    with (settings / "jupyterlab.log").open("w") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}{base}"
    try:
        _wait_for(f"{url}api/status?token={token}", process)
        yield JupyterLab(url, token, settings / "runtime")
    finally:
        process.send_signal(signal.SIGINT)  # twice: the first one asks
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _as_learners_have_it(folder: Path) -> Path:
    """Return a folder of configuration that switches off what nbgrader switches on."""
    parts = ("formgrader", "validate_assignment", "assignment_list", "course_list")
    server = {f"nbgrader.server_extensions.{part}": False for part in parts}
    for name, content in (
        ("jupyter_server_config.json", {"ServerApp": {"jpserver_extensions": server}}),
        ("labconfig/page_config.json", {"disabledExtensions": {"@jupyter/nbgrader": True}}),
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content))
    return folder


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(url, timeout=5).close()
            return
        time.sleep(0.2)
    raise RuntimeError("JupyterLab did not start")


@dataclass
class Browser:
    """A page in Chromium, and what went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def run_all(self, url: str, timeout: float = 120.0) -> list[str]:
        """Open a notebook, run it, and return its error outputs."""
        page = self.page
        page.goto(url)
        # The indicator beside the notebook reads idle before there is a kernel; this one does not.
        page.wait_for_selector("#jp-main-statusbar >> text=/\\| Idle/", timeout=90_000)
        page.click(".lm-MenuBar-itemLabel >> text=Run")
        page.click(".lm-Menu-itemLabel >> text=/^Run All Cells$/")
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            errors = page.locator(".jp-OutputArea-output[data-mime-type*=stderr]").all_inner_texts()
            broken = [text for text in errors if "Error" in text]
            if broken or self._finished():
                return broken
            page.wait_for_timeout(200)
        raise TimeoutError(f"not every cell had run after {timeout:g} s")

    def _finished(self) -> bool:
        prompts = self.page.evaluate(
            """selector => [...document.querySelectorAll(selector)]
                .filter(cell => cell.querySelector('.cm-content')?.innerText.trim())
                .map(cell => cell.querySelector('.jp-InputPrompt')?.innerText ?? '')""",
            CELLS,
        )
        return bool(prompts) and all(re.fullmatch(r"\[\d+\]:?", prompt) for prompt in prompts)

    def screenshots(self, folder: Path, name: str) -> list[Path]:
        """Take one picture a screenful of the notebook, from its top to its end."""
        folder.mkdir(parents=True, exist_ok=True)
        page, pictures = self.page, []
        page.evaluate("document.querySelector('.jp-WindowedPanel-outer').scrollTop = 0")
        for number in range(30):
            page.wait_for_timeout(400)
            pictures.append(folder / f"{name}-{number:02d}.png")
            page.screenshot(path=pictures[-1])
            at_end = page.evaluate(
                """() => { const panel = document.querySelector('.jp-WindowedPanel-outer');
                    const before = panel.scrollTop;
                    panel.scrollTop += panel.clientHeight - 60;
                    return panel.scrollTop === before }"""
            )
            if at_end:
                break
        return pictures


@contextlib.contextmanager
def browser(width: int = 1280, height: int = 900, flags: Sequence[str] = ()) -> Iterator[Browser]:
    """Open a page in the system's Chromium."""
    with sync_playwright() as playwright:
        process = playwright.chromium.launch(
            executable_path=chromium(), args=[*CHROMIUM_FLAGS, *flags]
        )
        try:
            page = process.new_page(viewport={"width": width, "height": height})
            result = Browser(page)
            page.on("pageerror", lambda error: result.errors.append(str(error)))
            yield result
        finally:
            process.close()
