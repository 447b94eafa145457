"""What tests of live views share: a notebook with a few cells, and what a reader does to it."""

from __future__ import annotations

import json
from pathlib import Path

import nbformat
from playwright.sync_api import Page

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
PATIENCE = 60_000  # ms: two cores, and others who need them; no assertion on speed


def write_notebook(folder: Path, name: str, *cells: str) -> str:
    """Write a notebook with these code cells and return its name."""
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL})
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]
    nbformat.write(notebook, folder / name)
    return name


def theme(settings: Path, name: str) -> None:
    """Let a JupyterLab that is not started yet have a theme, such as ``JupyterLab Dark``."""
    folder = settings / "user-settings" / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "themes.jupyterlab-settings").write_text(json.dumps({"theme": name}))


def run_cell(page: Page, number: int) -> None:
    """Run one code cell, 0 for the first, and wait until it has run."""
    prompt = page.locator(".jp-CodeCell .jp-InputArea-prompt").nth(number)
    before = prompt.inner_text()
    page.locator(".jp-CodeCell .cm-content").nth(number).click()
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        """([number, before]) => {
            const prompt = document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')[number]
            return /\\[\\d+\\]/.test(prompt.innerText) && prompt.innerText !== before
        }""",
        arg=[number, before],
        timeout=PATIENCE,
    )


def restart_kernel(page: Page) -> None:
    """Restart the kernel through the menu."""
    page.click(".lm-MenuBar-itemLabel >> text=Kernel")
    page.click(".lm-Menu-itemLabel >> text=/^Restart Kernel…$/")
    page.click(".jp-Dialog button >> text=Restart")


def save_and_reload(page: Page) -> None:
    """Save the notebook and load the page again."""
    page.keyboard.press("Control+s")
    page.wait_for_timeout(1000)
    page.reload()
