"""Drives a real JupyterLab in a real Chromium."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, Page, sync_playwright

from tests.ports import free_port

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
        folder: with the notebooks.
        runtime: the folder in which its kernels say how to reach them.
    """

    url: str
    token: str
    folder: Path
    runtime: Path

    def notebook(self, name: str) -> str:
        """Return the URL of a notebook in a workspace of its own: old tabs would come back."""
        return f"{self.url}lab/workspaces/ci-{uuid.uuid4().hex}/tree/{name}?token={self.token}"

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask its REST API for something, and return the JSON of the answer."""
        request = urllib.request.Request(
            f"{self.url}api/{path}",
            data=None if body is None else json.dumps(body).encode(),
            method=method,
            headers={"Authorization": f"token {self.token}"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            body = answer.read()
        return json.loads(body) if body else None

    def start_kernel(self, name: str) -> None:
        """Start the kernel of a notebook that will be opened: it begins while the page loads."""
        kernel = {"kernel": {"name": "python3"}, "name": name, "path": name, "type": "notebook"}
        self.ask("POST", "sessions", kernel)

    def shut_down_kernels(self) -> None:
        """End the kernels of all notebooks."""
        for session in self.ask("GET", "sessions"):
            with contextlib.suppress(OSError):  # one that is being restarted
                self.ask("DELETE", f"sessions/{session['id']}")


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
    port = free_port()
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
        yield JupyterLab(url, token, folder, settings / "runtime")
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
    """Return a folder of configuration that switches off what nbgrader switches on.

    No page asks whether JupyterLab is to be built, either: for each the server would start node.
    """
    parts = ("formgrader", "validate_assignment", "assignment_list", "course_list")
    page = {
        "disabledExtensions": {"@jupyter/nbgrader": True},
        "buildAvailable": False,
        "buildCheck": False,
    }
    server = {f"nbgrader.server_extensions.{part}": False for part in parts}
    for name, content in (
        ("jupyter_server_config.json", {"ServerApp": {"jpserver_extensions": server}}),
        ("labconfig/page_config.json", page),
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


def until_idle(page: Page) -> None:
    """Wait until the notebook that is open has a kernel, which has nothing to do."""
    # The indicator beside the notebook reads idle before there is a kernel; this one does not.
    page.wait_for_selector("#jp-main-statusbar >> text=/\\| Idle/", timeout=90_000)


@dataclass
class Browser:
    """A page in Chromium, and what went wrong in it."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def run_all(self, url: str, timeout: float = 120.0) -> list[str]:
        """Open a notebook in JupyterLab, run it, and return its error outputs."""
        self.page.goto(url)
        until_idle(self.page)
        return self.run_cells(timeout)

    def run_cells(self, timeout: float = 120.0) -> list[str]:
        """Run all cells of the notebook that is open, and return its error outputs."""
        page = self.page
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
def chromium_context(flags: Sequence[str] = ()) -> Iterator[BrowserContext]:
    """Start the system's Chromium. Its pages share a cache, so a second one comes quicker."""
    with sync_playwright() as playwright:
        process = playwright.chromium.launch(
            executable_path=chromium(), args=[*CHROMIUM_FLAGS, *flags]
        )
        try:
            yield process.new_context()
        finally:
            process.close()


@contextlib.contextmanager
def new_page(context: BrowserContext, width: int = 1280, height: int = 900) -> Iterator[Browser]:
    """Open a page, and close it in the end."""
    page = context.new_page()
    page.set_viewport_size({"width": width, "height": height})
    result = Browser(page)
    page.on("pageerror", lambda error: result.errors.append(str(error)))
    try:
        yield result
    finally:
        page.close()


@contextlib.contextmanager
def browser(width: int = 1280, height: int = 900) -> Iterator[Browser]:
    """Open a page in a Chromium of its own."""
    with chromium_context() as context, new_page(context, width, height) as result:
        yield result
