"""Colours of what is shown without a script: one palette, in the reader's theme.

JupyterLab says which theme it has; elsewhere the reader's own preference decides.
"""

from __future__ import annotations

_COLOURS = {  # on white, on black
    "ink": ("#222", "#e8e8e8"),
    "soft": ("#666", "#a5a5a5"),
    "rule": ("#ddd", "#444"),
    "tint": ("#eef3f8", "#25303a"),
    "fill": ("#f4f6f8", "#20252b"),
    "lit": ("#ffe08a", "#6b5200"),
    "here": ("#dcebf9", "#173a5a"),
    "good": ("#2e7d32", "#7bc67e"),
    "bad": ("#b3261e", "#ff9a8f"),
    "blue": ("#1f6fb5", "#6fb1f0"),
    "grey": ("#717171", "#a8a8a8"),
    "orange": ("#c2510c", "#ff9d5c"),
}


def palette(selector: str, *names: str) -> str:
    """Return rules that give an element its paper and ink, and further colours, as properties.

    Args:
        selector: which element: a CSS selector without a comma.
        names: of the further colours, such as ``"soft"`` for ``var(--soft)``.
    """
    light, dark = (
        ";".join(f"--{name}:{_COLOURS[name][shade]}" for name in ("ink", *names))
        for shade in (0, 1)
    )
    return (
        f"{selector}{{--paper:#fff;{light}}}\n"
        f"@media (prefers-color-scheme:dark){{{selector}{{--paper:#111;{dark}}}}}\n"
        f"[data-jp-theme-light=true] {selector}{{--paper:var(--jp-layout-color0,#fff);{light}}}\n"
        f"[data-jp-theme-light=false] {selector}{{--paper:var(--jp-layout-color0,#111);{dark}}}\n"
    )
