"""The table of a comparison, as text and as HTML."""

from __future__ import annotations

from html import escape

from rtlab.compare.comparison import Comparison, Result, quantile
from rtlab.render.table import html_table, text_table

_COLUMNS = [
    "transport",
    "p50 ms",
    "p90 ms",
    "p99 ms",
    "p50 link",
    "up B/msg",
    "down B/msg",
    "not payload",
    "requests",
    "conns",
    "lost",
    "dup",
    "CPU client",
    "CPU server",
]
_NOTES = (
    "Latency is one way, from publish to the client; 'link' ends where the link hands the "
    "message to the client's socket, before the client's library. Bytes are everything above TCP, "
    "connecting included. CPU is in µs per message; that of the server includes the link."
)


def _rows(comparison: Comparison) -> list[list[str | int]]:
    return [_row(result) for result in comparison.results.values()]


def _row(result: Result) -> list[str | int]:
    return [
        result.transport,
        *(_ms(quantile(result.latencies, share)) for share in (0.50, 0.90, 0.99)),
        _ms(quantile(result.link_latencies, 0.50)),
        _rounded(result.per_message(result.bytes_up)),
        _rounded(result.per_message(result.bytes_down)),
        "-" if result.overhead is None else f"{result.overhead:.1%}",
        result.requests,
        result.connections,
        result.lost,
        result.duplicated,
        _rounded(result.per_message(result.cpu_client * 1e6)),
        _rounded(result.per_message(result.cpu_server * 1e6)),
    ]


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds * 1000:.1f}"


def _rounded(value: float | None) -> str:
    return "-" if value is None else f"{value:,.0f}"


def _verdict(comparison: Comparison) -> str:
    if comparison.valid:
        return "Every message arrived once and in order through every transport."
    wrong = [r for r in comparison.results.values() if r.lost or r.duplicated or r.disordered]
    return "Not all is well, and the times are those of what did arrive: " + "; ".join(
        f"{r.transport}: {r.lost} lost, {r.duplicated} duplicated, {r.disordered} out of order"
        for r in wrong
    )


def as_text(comparison: Comparison) -> str:
    """Return the table, its conditions above and its notes below."""
    table = text_table(_COLUMNS, _rows(comparison))
    return "\n".join([comparison.scenario.describe(), "", table, "", _verdict(comparison), _NOTES])


def as_html(comparison: Comparison) -> str:
    """Return the same as HTML."""
    table = html_table(_COLUMNS, _rows(comparison))
    return (
        f"<p>{escape(comparison.scenario.describe())}</p>{table}"
        f"<p>{escape(_verdict(comparison))}</p><p><small>{escape(_NOTES)}</small></p>"
    )
