"""What the doctor says in a kernel of a real Jupyter server, as on a hub."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.browser.jupyterlab import JupyterLab, jupyterlab
from tests.browser.kernel import kernel_of

BASE = "/user/jane/"
AS_ON_A_HUB = f"import os; os.environ['JUPYTERHUB_SERVICE_PREFIX'] = '{BASE}'"


def doctor_says(lab: JupyterLab, name: str) -> str:
    """What it prints in a kernel of this server; it leaves what it started."""
    lab.start_kernel(name)
    with kernel_of(lab, name) as kernel:
        said = kernel.run(f"import rtlab; {AS_ON_A_HUB}; print(rtlab.doctor())")
    lab.shut_down_kernels()
    assert lab.token not in said
    return said


def test_where_live_views_work_it_says_so(hub: JupyterLab, name: str) -> None:
    said = doctor_says(hub, name)
    assert "ok    Jupyter's proxy leads to the lab" in said
    assert "ok    Jupyter's pages have anywidget" in said
    assert "ok    Jupyter's pages have jupyterlab_widgets" in said
    assert "The lab works here." in said
    *lines, _ = said.splitlines()
    assert all(line.startswith("ok ") for line in lines)


@contextmanager
def a_server(folder: Path, *options: str) -> Iterator[JupyterLab]:
    (folder / "notebooks").mkdir()
    with jupyterlab(folder / "notebooks", folder / "settings", BASE, options) as running:
        yield running


def test_a_server_whose_proxy_is_switched_off_is_found_out(tmp_path: Path, name: str) -> None:
    off = "--ServerApp.jpserver_extensions={'jupyter_server_proxy': False}"
    with a_server(tmp_path, off) as lacking:
        said = doctor_says(lacking, name)
    assert "ok    jupyter-server-proxy" in said  # of the kernel's environment, that is
    assert "BAD   Jupyter's server has no jupyter-server-proxy" in said
    assert "jupyter server extension enable jupyter_server_proxy" in said
    assert "ok    Jupyter's pages have anywidget" in said
    assert "Something essential is missing" in said


def test_a_server_without_the_front_end_of_views_is_found_out(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "config" / "labconfig" / "page_config.json"
    page.parent.mkdir(parents=True)
    page.write_text(json.dumps({"disabledExtensions": {"anywidget": True}}))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path / "config"))
    with a_server(tmp_path) as lacking:
        said = doctor_says(lacking, name)
    assert "BAD   anywidget is switched off in Jupyter's pages" in said
    assert "jupyter labextension enable anywidget" in said
    assert "ok    Jupyter's proxy leads to the lab" in said
    assert "Something essential is missing" in said
