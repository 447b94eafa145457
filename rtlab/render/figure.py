"""The figure of a comparison: latency and bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rtlab.compare.comparison import Comparison, Result
from rtlab.render.drawing import Drawing
from rtlab.render.picture import picture

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart by line style as well: colour alone is not for everybody's eyes.
_STYLES = {
    "polling": ("#c2510c", "-"),
    "long_polling": ("#8a5fb0", "--"),
    "sse": ("#1f6fb5", "-."),
    "websocket": ("#2e8540", ":"),
}


def figure(comparison: Comparison) -> Drawing:
    """Draw how latency is distributed, and what a message costs in bytes."""
    from matplotlib import pyplot

    drawn, (left, right) = pyplot.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    _latencies(left, comparison)
    _bytes(right, comparison)
    drawn.suptitle(comparison.scenario.describe(), fontsize=9)
    return picture(drawn, _words(comparison))


def _words(comparison: Comparison) -> str:
    """Say what the figure shows to whoever does not see it."""
    results = comparison.results.items()
    late = "; ".join(f"{name}: {_late(result)}" for name, result in results)
    big = ", ".join(f"{name} {_size(result):,}" for name, result in results)
    return (
        f"{comparison.scenario.describe()}. Left, the share of messages that have arrived, by "
        f"latency. {late}. Right, bytes per message as bars of payload, rest of the answers and "
        f"requests: {big}."
    )


def _late(result: Result) -> str:
    half, most = result.latency(0.5), result.latency(1.0)
    if half is None or most is None:
        return "none have"
    return f"half within {half * 1000:,.0f} ms, all within {most * 1000:,.0f} ms"


def _size(result: Result) -> int:
    """Return bytes a message as the table has them: its two columns, rounded, add up to it."""
    return sum(
        round(result.per_message(amount) or 0) for amount in (result.bytes_up, result.bytes_down)
    )


def _latencies(axes: Axes, comparison: Comparison) -> None:
    from matplotlib.ticker import LogLocator

    for name, result in comparison.results.items():
        values = sorted(seconds * 1000 for seconds in result.latencies)
        shares = [(place + 1) / len(values) for place in range(len(values))]
        colour, line = _STYLES[name]
        axes.step(values, shares, line, where="post", color=colour, linewidth=2, label=name)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))
    axes.xaxis.set_minor_formatter("{x:g}")
    axes.set_xlabel("latency, publish to client (ms)")
    axes.set_ylabel("share of messages that have arrived")
    axes.set_ylim(0, 1.02)
    axes.grid(alpha=0.3)
    axes.legend(loc="best", frameon=False)


def _bytes(axes: Axes, comparison: Comparison) -> None:
    names = list(comparison.results)
    results = comparison.results.values()
    payload = [float(result.payload_size) for result in results]
    down = [
        max(0.0, (result.per_message(result.bytes_down) or 0) - result.payload_size)
        for result in results
    ]
    up = [result.per_message(result.bytes_up) or 0 for result in results]
    axes.barh(names, payload, color="#2e8540", label="payload")
    axes.barh(names, down, left=payload, color="#1f6fb5", hatch="//", label="rest of the answers")
    words: dict[str, Any] = {"va": "center", "fontsize": 9}
    before = [a + b for a, b in zip(payload, down, strict=True)]
    axes.barh(names, up, left=before, color="#c2510c", hatch="..", label="requests")
    ends = [a + b for a, b in zip(before, up, strict=True)]
    for place, (end, result) in enumerate(zip(ends, results, strict=True)):
        label = f"{_size(result):,}"
        axes.annotate(label, (end, place), (4, 0), textcoords="offset points", **words)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.set_xlabel("bytes per message, both ways, connecting included")
    axes.legend(loc="best", frameon=False, fontsize=8)
