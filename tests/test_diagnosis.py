"""What the doctor says of Jupyter's server, whatever that answers. Real ones are asked in
tests/browser/test_doctor.py."""

from __future__ import annotations

import importlib.metadata
import json
import subprocess
import sys

import pytest
from jupyter_client.manager import start_new_kernel

from rtlab import jupyter
from rtlab.diagnosis import findings
from rtlab.diagnosis.finding import Finding
from rtlab.diagnosis.server import views
from rtlab.sockets import listen
from tests.browser.serving import Quiet, serving
from tests.ports import free_port

TOKEN = "s3cret-token"
NAMES = ("anywidget", "@jupyter-widgets/jupyterlab-manager")
OURS = importlib.metadata.version("anywidget")
HUB = "JUPYTERHUB_SERVICE_PREFIX"


class Jupyter(Quiet):
    """A Jupyter server in which all is well; subclasses have something that is not."""

    names = NAMES
    version = OURS
    proxied = (200, json.dumps({"perf_counter_ns": 1}))

    def do_GET(self) -> None:
        if self.headers["Authorization"] != f"token {TOKEN}":
            self.answer(403, "text/html", b"")
        elif self.path == "/user/jane/lab":
            config = {"federated_extensions": [{"name": name} for name in self.names]}
            script = f'<script id="jupyter-config-data">{json.dumps(config)}</script>'
            self.answer(200, "text/html", script.encode())
        elif self.path == "/user/jane/lab/extensions/anywidget/package.json":
            self.answer(200, "application/json", json.dumps({"version": self.version}).encode())
        elif self.path.startswith("/user/jane/proxy/"):
            status, text = self.proxied
            self.answer(status, "application/json", text.encode())
        else:
            self.answer(404, "text/html", b"")


def belong_to(port: int, monkeypatch, token: str = TOKEN) -> None:
    monkeypatch.delenv("JPY_PARENT_PID", raising=False)
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", f"http://127.0.0.1:{port}/user/jane/")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", token)


def told(handler: type[Quiet], monkeypatch, token: str = TOKEN) -> list[Finding]:
    with serving(handler) as server:
        belong_to(server.server_port, monkeypatch, token)
        found = list(views())
    assert TOKEN not in str(found)
    return found


def test_where_all_is_well_it_says_so(monkeypatch) -> None:
    found = told(Jupyter, monkeypatch)
    assert [str(finding) for finding in found] == [
        "ok    Jupyter's proxy leads to the lab",
        "ok    Jupyter's pages have anywidget",
        "ok    Jupyter's pages have jupyterlab_widgets",
    ]


@pytest.mark.parametrize("missing", NAMES)
def test_a_front_end_that_the_pages_lack_is_named(missing: str, monkeypatch) -> None:
    class Without(Jupyter):
        names = tuple(name for name in NAMES if name != missing)

    package = {"anywidget": "anywidget"}.get(missing, "jupyterlab_widgets")
    [bad] = [finding for finding in told(Without, monkeypatch) if finding.verdict != "ok"]
    assert bad.verdict == "bad"
    assert f"no {package}" in bad.what
    assert f"pip install {package} in the environment of Jupyter's server" in bad.remedy


def test_a_front_end_of_another_version_than_the_kernels_is_named(monkeypatch) -> None:
    class Older(Jupyter):
        version = "0.9.18"

    [bad] = [finding for finding in told(Older, monkeypatch) if finding.verdict != "ok"]
    assert bad.verdict == "bad"
    assert f"anywidget 0.9.18, and here it is {OURS}" in bad.what
    assert f"pip install anywidget=={OURS}" in bad.remedy


@pytest.mark.parametrize(
    ("hub", "verdict", "words"),
    [
        (True, "bad", "the browser does not reach the lab"),
        (False, "note", "only a browser on this machine reaches the lab"),
    ],
)
@pytest.mark.parametrize(
    ("status", "what", "remedy"),
    [
        (404, "no jupyter-server-proxy", "pip install jupyter-server-proxy"),
        (500, "does not lead to the lab (500)", "log"),
        (200, "does not lead to the lab (200)", "log"),
    ],
)
def test_a_proxy_that_does_not_lead_to_the_lab_is_bad_on_a_hub(
    status: int, what: str, remedy: str, hub: bool, verdict: str, words: str, monkeypatch
) -> None:
    class Without(Jupyter):
        proxied = (status, "<html>")

    if hub:
        monkeypatch.setenv(HUB, "/user/jane/")
    [finding] = [finding for finding in told(Without, monkeypatch) if finding.verdict != "ok"]
    assert finding.verdict == verdict
    assert what in finding.what and words in finding.what
    assert remedy in finding.remedy


def test_a_server_that_wants_a_login_was_not_looked_at(monkeypatch) -> None:
    [note] = told(Jupyter, monkeypatch, token="another")
    assert note.verdict == "note"
    assert "was not looked at" in note.what and "wants a login" in note.what
    assert "anywidget, jupyterlab_widgets and jupyter-server-proxy" in note.remedy


def test_no_redirection_gets_to_see_the_token(monkeypatch) -> None:
    seen = []

    class Elsewhere(Quiet):
        def do_GET(self) -> None:
            seen.append(self.headers["Authorization"])
            self.answer(200, "text/html", b"")

    with serving(Elsewhere) as elsewhere:

        class Sends(Quiet):
            def do_GET(self) -> None:
                self.send_response(302)
                self.send_header("Location", f"http://127.0.0.1:{elsewhere.server_port}/")
                self.send_header("Content-Length", "0")
                self.end_headers()

        [note] = told(Sends, monkeypatch)
    assert "wants a login" in note.what
    assert seen == []


def test_a_server_without_jupyterlab_keeps_what_was_found_of_its_proxy(monkeypatch) -> None:
    class Bare(Jupyter):
        def do_GET(self) -> None:
            self.path = self.path.replace("/lab", "/nothing")
            super().do_GET()

    proxy, note = told(Bare, monkeypatch)
    assert proxy.verdict == "ok"
    assert note.verdict == "note"
    assert "none of JupyterLab's" in note.what


def test_a_server_that_says_nothing_is_not_waited_for(monkeypatch) -> None:
    monkeypatch.setattr(jupyter, "PATIENCE", 0.2)
    with listen() as silent:
        belong_to(silent.getsockname()[1], monkeypatch)
        silent.listen()
        [note] = views()
    assert note.verdict == "note"
    assert "no answer" in note.what


def test_a_server_that_is_gone_is_a_note(monkeypatch) -> None:
    belong_to(free_port(), monkeypatch)
    [note] = views()
    assert note.verdict == "note"
    assert "was not looked at: ClientConnectorError" in note.what


@pytest.mark.parametrize("name", ["JPY_PARENT_PID", HUB])
def test_a_kernel_whose_server_is_not_found_is_a_note(name: str, monkeypatch) -> None:
    for hub in ("JUPYTERHUB_SERVICE_URL", "JPY_PARENT_PID", HUB):
        monkeypatch.delenv(hub, raising=False)
    monkeypatch.setenv(name, "1")
    [note] = views()
    assert note.verdict == "note"
    assert "not found" in note.what


def test_a_kernel_without_a_server_is_not_alarmed(monkeypatch) -> None:
    for name in ("JUPYTERHUB_SERVICE_URL", "JUPYTERHUB_USER", HUB):
        monkeypatch.delenv(name, raising=False)
    manager, client = start_new_kernel(kernel_name="python3")
    printed: list[str] = []
    try:
        reply = client.execute_interactive(
            "import rtlab; print(rtlab.doctor())",
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
            timeout=60,
        )
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert reply["content"]["status"] == "ok"
    *findings, summary = "".join(printed).splitlines()
    assert "note  Jupyter's server was not looked at: it was not found from here" in findings
    assert not any(line.startswith("BAD") for line in findings)
    assert summary == "The lab works here."


def test_in_a_plain_terminal_nothing_is_said_of_jupyters_server() -> None:
    code = "import os; [os.environ.pop(n) for n in list(os.environ) if 'JUPYTERHUB' in n]\n"
    code += "os.environ.pop('JPY_PARENT_PID', 0); import rtlab; print(rtlab.doctor())"
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=100, check=True
    ).stdout
    assert "Jupyter's" not in shown
    *lines, summary = shown.splitlines()
    assert all(line.startswith("ok ") for line in lines)
    assert summary == "The lab works here."


def test_what_was_found_of_the_server_is_part_of_the_whole(monkeypatch) -> None:
    monkeypatch.setattr("rtlab.diagnosis.TRANSPORTS", ())
    with serving(Jupyter) as server:
        belong_to(server.server_port, monkeypatch)
        assert "Jupyter's proxy leads to the lab" in [finding.what for finding in findings()]
