"""What tests of live views share: a notebook with a few cells, and what a reader does to it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import nbformat
from playwright.sync_api import Locator, Page, expect

from tests.browser.jupyterlab import JupyterLab, until_idle

KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
PATIENCE = 60_000  # ms: two cores, and others who need them; no assertion on speed


def write_notebook(folder: Path, name: str, *cells: str) -> str:
    """Write a notebook with these code cells and return its name."""
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": KERNEL})
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]
    nbformat.write(notebook, folder / name)
    return name


def open_notebook(page: Page, jupyter: JupyterLab, name: str, *cells: str) -> str:
    """Write a notebook, open it, wait for its kernel, and return its name."""
    notebook = write_notebook(jupyter.folder, f"{name}.ipynb", *cells)
    jupyter.start_kernel(notebook)
    page.goto(jupyter.notebook(notebook))
    until_idle(page)
    return notebook


def open_view(page: Page, jupyter: JupyterLab, name: str, part: str, *cells: str) -> Page:
    """Open a notebook, run its first two cells, and wait for a part of the view that they make."""
    open_notebook(page, jupyter, name, *cells)
    run_cell(page, 0)
    run_cell(page, 1)
    page.wait_for_selector(part)
    return page


def theme(settings: Path, name: str) -> None:
    """Let a JupyterLab that is not started yet have a theme, such as ``JupyterLab Dark``."""
    folder = settings / "user-settings" / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "themes.jupyterlab-settings").write_text(json.dumps({"theme": name}))


def press_run(page: Page, number: int) -> None:
    """Let one code cell run, 0 for the first, and do not wait for its end."""
    cell = page.locator(".jp-CodeCell").nth(number)
    cell.locator(".cm-content").click()
    expect(cell.locator(".cm-content")).to_be_focused()  # or another cell would be run
    page.keyboard.press("Control+Enter")


def run_cell(page: Page, number: int) -> None:
    """Run one code cell and wait until it has run."""
    before = page.locator(".jp-CodeCell .jp-InputArea-prompt").nth(number).inner_text()
    press_run(page, number)
    page.wait_for_function(
        """([number, before]) => {
            const prompt = document.querySelectorAll('.jp-CodeCell .jp-InputArea-prompt')[number]
            return /\\[\\d+\\]/.test(prompt.innerText) && prompt.innerText !== before
        }""",
        arg=[number, before],
        timeout=PATIENCE,
    )


def note(element: Locator) -> Callable[[str], None]:
    """Note every text of an element from now on: what is there for a moment is easily missed.

    Returns a function that waits until one of them matches a pattern.
    """
    element.evaluate("""element => {
        element.noted = [element.textContent]
        new MutationObserver(() => element.noted.push(element.textContent))
            .observe(element, {childList: true, characterData: true, subtree: true})
    }""")

    def seen(pattern: str) -> None:
        texts = "element => element.noted.join('\\n')"
        until(element.page, lambda: re.search(pattern, element.evaluate(texts)))

    return seen


def until(page: Page, condition: Callable[[], object]) -> None:
    """Wait until a condition holds."""
    for _ in range(PATIENCE // 100):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError("it never happened")


def delete_cell(page: Page, number: int) -> None:
    """Delete one code cell through the menu."""
    cells = page.locator(".jp-CodeCell")
    before = cells.count()
    cells.nth(number).locator(".jp-InputArea-prompt").click()
    page.click(".lm-MenuBar-itemLabel >> text=Edit")
    page.click(".lm-Menu-itemLabel >> text=/^Delete Cells?$/")
    expect(cells).to_have_count(before - 1)


def blocking(name: str) -> str:
    """Return a cell that blocks the kernel until ``release`` is called with that name."""
    return f"""import pathlib, time
while not pathlib.Path({f"{name}.go"!r}).exists():
    time.sleep(0.05)"""


def release(jupyter: JupyterLab, name: str) -> None:
    """Let a cell that blocks end."""
    (jupyter.folder / f"{name}.go").touch()


def hold(jupyter: JupyterLab, name: str) -> None:
    """Let such a cell block again, when it is run next."""
    (jupyter.folder / f"{name}.go").unlink()


def restart_kernel(page: Page) -> None:
    """Restart the kernel through the menu."""
    page.click(".lm-MenuBar-itemLabel >> text=Kernel")
    page.click(".lm-Menu-itemLabel >> text=/^Restart Kernel…$/")
    page.click(".jp-Dialog button >> text=Restart")


def save_and_reload(page: Page) -> None:
    """Save the notebook and load the page again."""
    saved = "/api/contents/"
    with page.expect_response(lambda r: r.request.method == "PUT" and saved in r.url):
        page.keyboard.press("Control+s")
    page.reload()
