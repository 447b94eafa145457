"""Where the Jupyter server is that a kernel belongs to, and what is in its page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rtlab.jupyter import Server, front_ends, own_server


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch, tmp_path: Path) -> None:
    for name in ("JPY_PARENT_PID", "JUPYTERHUB_SERVICE_URL", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path))


def started_by(monkeypatch, folder: Path, **info: object) -> None:
    monkeypatch.setenv("JPY_PARENT_PID", "4711")
    (folder / "jpserver-4711.json").write_text(json.dumps(info))


def test_outside_jupyter_there_is_none() -> None:
    assert own_server() is None


def test_a_kernel_finds_the_server_that_started_it(monkeypatch, tmp_path: Path) -> None:
    url = "http://127.0.0.1:8888/user/jane/"
    started_by(monkeypatch, tmp_path, url=url, hostname="127.0.0.1", token="s3cret")
    assert own_server() == Server(url, "http://127.0.0.1:8888", "s3cret")
    assert "s3cret" not in repr(own_server())


@pytest.mark.parametrize(
    ("listens", "dialled"),
    [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("localhost", "localhost"), ("", "box.lan")],
)
def test_a_server_that_listens_everywhere_is_dialled_at_home(
    listens: str, dialled: str, monkeypatch, tmp_path: Path
) -> None:
    started_by(monkeypatch, tmp_path, url="http://box.lan:8888/", hostname=listens)
    assert own_server() == Server(f"http://{dialled}:8888/", "http://box.lan:8888", "")


def test_a_terminal_of_a_hub_finds_the_hubs_server(monkeypatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", "http://0.0.0.0:8888/user/jane/")
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "s3cret")
    home = "http://127.0.0.1:8888"
    assert own_server() == Server(f"{home}/user/jane/", home, "s3cret")


def test_the_server_that_started_the_kernel_comes_before_the_hubs(
    monkeypatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", "http://127.0.0.1:1/user/jane/")
    started_by(monkeypatch, tmp_path, url="http://127.0.0.1:2/")
    server = own_server()
    assert server is not None and server.url == "http://127.0.0.1:2/"


@pytest.mark.parametrize("url", ["nonsense", "//box:1", "http://[::1", "http://a:b/", ""])
def test_a_hub_that_says_nonsense_has_no_server(url: str, monkeypatch) -> None:
    monkeypatch.setenv("JUPYTERHUB_SERVICE_URL", url)
    assert own_server() is None


def page(**config: object) -> str:
    return (
        '<html><script id="jupyter-config-data" type="application/json">\n'
        f"  {json.dumps(config)}\n</script></html>"
    )


@pytest.mark.parametrize(
    ("disabled", "on"),
    [
        ([], True),
        (["a"], False),
        (["a:plugin"], False),
        (["a:something-else", "@b/a", "ab"], True),
    ],
)
def test_what_is_switched_off_is_told_from_what_is_on(disabled: list[str], on: bool) -> None:
    shown = page(federated_extensions=[{"name": "a"}], disabledExtensions=disabled)
    assert front_ends(shown) == {"a": on}


@pytest.mark.parametrize("text", ["", "<html>log in</html>", page(), page(federated_extensions=1)])
def test_a_page_that_is_not_jupyterlabs_is_no_page(text: str) -> None:
    with pytest.raises(ValueError, match="none of JupyterLab's"):
        front_ends(text)
