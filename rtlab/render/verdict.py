"""What a check says: the first case that failed in full, the others as a list."""

from __future__ import annotations

import pprint
import textwrap
from html import escape
from typing import Any

from rtlab.dissect import PROTOCOLS, dissect
from rtlab.exercises.verdict import Outcome, Verdict
from rtlab.render import byte_view
from rtlab.render.folded import folded
from rtlab.render.theme import palette
from rtlab.render.values import plain

_MARKS = {"passed": "✓", "failed": "✗", "not tried": "·"}
_WIDTH = 88
_LINES = 12
_ITEMS = 40
"""Items of a list that are shown: where a client repeats everything there are thousands."""
_HEX = 64
"""Bytes that are shown where they are no frames or lines."""
_STYLE = (
    palette(".rtlab-verdict", "good", "bad", "rule", "soft")
    + """\
.rtlab-verdict{background:var(--paper);color:var(--ink);max-width:60em;
 font:14px/1.5 system-ui,sans-serif}
.rtlab-verdict .good{color:var(--good)}.rtlab-verdict .bad{color:var(--bad)}
.rtlab-verdict .case{border-left:3px solid var(--bad);padding:2px 0 2px 12px;margin:6px 0}
.rtlab-verdict p{margin:3px 0}.rtlab-verdict small,.rtlab-verdict dt{color:var(--soft)}
.rtlab-verdict dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:2px 12px;
 margin:4px 0}
.rtlab-verdict dd{margin:0;min-width:0}
.rtlab-verdict dd pre{margin:0;padding:0;white-space:pre-wrap;overflow-wrap:anywhere;
 word-break:normal;background:none;color:inherit}
.rtlab-verdict dt{font-weight:normal;margin:0;width:auto;white-space:nowrap}
.rtlab-verdict mark{background:none;color:var(--bad);text-decoration:underline}
.rtlab-verdict ul{list-style:none;margin:4px 0;padding:0}
.rtlab-verdict summary{cursor:pointer}
"""
)


def as_text(verdict: Verdict) -> str:
    """Return a verdict as text."""
    first = verdict.first
    parts = [_title(verdict), ""]
    if first is not None:
        parts += [*_full(first), ""]
    parts += [_line(case, first) for case in verdict.cases if case is not first]
    if verdict.printed:
        parts += ["", "it printed:", textwrap.indent(_printed(verdict), "  ")]
    if not verdict.passed:
        parts += ["", _again(verdict)]
    parts += [_wrapped(note) for note in verdict.notes]
    return "\n".join(parts)


def as_html(verdict: Verdict) -> str:
    """Return a verdict as HTML that needs no script but to point at bytes."""
    first = verdict.first
    kind = "good" if verdict.passed else "bad"
    parts = [f"<p><b class='{kind}'>{escape(_title(verdict))}</b> {_bar(verdict)}</p>"]
    if first is not None:
        parts.append(_full_html(first))
    rest = [case for case in verdict.cases if case is not first]
    items = "".join(f"<li>{_line_html(case, first)}</li>" for case in rest)
    parts.append(f"<ul>{items}</ul>" if items else "")
    if verdict.printed:
        printed = f"<pre>{escape(_printed(verdict))}</pre>"
        parts.append(folded("what it printed", printed))
    notes = list(verdict.notes) if verdict.passed else [_again(verdict), *verdict.notes]
    parts += [f"<p><small>{escape(note)}</small></p>" for note in notes]
    return f"<div class='rtlab-verdict'><style>{_STYLE}</style>{''.join(parts)}</div>"


def _title(verdict: Verdict) -> str:
    passed = sum(case.passed for case in verdict.cases)
    mark = _MARKS["passed" if verdict.passed else "failed"]
    level = f", level {verdict.level} of {verdict.levels} reached" if verdict.levels else ""
    return (
        f"{mark} {verdict.exercise}: {passed} of {len(verdict.cases)} cases, "
        f"{verdict.points} of {verdict.possible} points{level}"
    )


def _again(verdict: Verdict) -> str:
    return f"The same inputs again: rtlab.check({verdict.exercise!r}, …, seed={verdict.seed})."


def _bar(verdict: Verdict) -> str:
    scale = f"value='{verdict.points}' max='{verdict.possible}'"
    return f"<progress {scale} aria-hidden='true'></progress>"


# ── the first case that failed ──


def _full(case: Outcome) -> list[str]:
    lines = [f"✗ {_label(case)}", textwrap.indent(_wrapped(case.message), "  ")]
    for name, value in _details(case):
        shown = _value(value) if name in ("expected", "got") else str(value)
        first, *more = shown.split("\n")
        lines.append(f"  {name:9} {first}")
        lines += [f"  {'':9} {line}" for line in more]
    return lines


def _full_html(case: Outcome) -> str:
    rows = "".join(f"<dt>{name}</dt><dd>{_html(case, name, v)}</dd>" for name, v in _details(case))
    return (
        f"<div class='case'><p><b><span class='bad'>✗</span> {escape(_label(case))}</b></p>"
        f"<p>{escape(case.message)}</p><dl>{rows}</dl></div>"
    )


def _details(case: Outcome) -> list[tuple[str, Any]]:
    details: list[tuple[str, Any]] = []
    if case.compared:
        details += [("expected", case.expected), ("got", case.got)]
    details += [
        (name, text) for name, text in (("look at", case.place), ("see", case.clause)) if text
    ]
    return details


def _html(case: Outcome, name: str, value: Any) -> str:
    if name not in ("expected", "got"):
        return escape(str(value))
    if not isinstance(value, bytes):
        return f"<pre>{escape(_value(value))}</pre>"
    other = case.got if name == "expected" else case.expected
    digits = f"<pre>{_hex(value, other if isinstance(other, bytes) else value)}</pre>"
    if case.protocol not in PROTOCOLS:
        return digits
    fields = byte_view.as_html(dissect(value, case.protocol))
    return digits + folded("field by field", fields)


def _hex(value: bytes, other: bytes) -> str:
    """Return bytes in hexadecimal, those marked that are not the same in the other."""
    if not value:
        return "no bytes"
    digits = [
        f"{byte:02x}" if other[at : at + 1] == value[at : at + 1] else f"<mark>{byte:02x}</mark>"
        for at, byte in enumerate(value[:_HEX])
    ]
    rows = [" ".join(digits[at : at + 16]) for at in range(0, len(digits), 16)]
    more = f" … {len(value):,} bytes in all" if len(value) > _HEX else ""
    return "\n".join(rows) + more


def _value(value: Any) -> str:
    """Return a value in a few lines, harmless wherever it is shown."""
    if isinstance(value, bytes):
        more = f" … {len(value):,} bytes in all" if len(value) > _HEX else ""
        digits = value[:_HEX].hex(" ")
        return "\n".join(textwrap.wrap(digits, 16 * 3)) + more if value else "no bytes"
    if isinstance(value, str) and len(value) > 400:
        return f"{_value(value[:400])} … {len(value):,} characters in all"
    if isinstance(value, (list, tuple)) and len(value) > _ITEMS:
        return f"{_value(value[:_ITEMS])} … {len(value):,} items in all"
    lines = pprint.pformat(value, width=_WIDTH - 12, compact=True, sort_dicts=False).split("\n")
    if len(lines) > _LINES:
        lines = [*lines[:_LINES], f"… {len(lines) - _LINES:,} more lines"]
    return "\n".join(plain(line[:400]) for line in lines)


# ── the others ──


def _message(case: Outcome, first: Outcome | None) -> str:
    if first is not None and case.message == first.message:
        return ": the same"
    return f": {case.message}" if case.message else ""


def _line(case: Outcome, first: Outcome | None) -> str:
    message = _message(case, first)
    return _wrapped(f"{_MARKS[case.state]} {_label(case)}{message}", "  ")


def _line_html(case: Outcome, first: Outcome | None) -> str:
    kind = {"passed": "good", "failed": "bad"}.get(case.state, "")
    message = escape(_message(case, first))
    return f"<span class='{kind}'>{_MARKS[case.state]}</span> {escape(_label(case))}{message}"


def _label(case: Outcome) -> str:
    return f"level {case.level}: {case.name}" if case.level else case.name


def _printed(verdict: Verdict) -> str:
    lines = verdict.printed.split("\n")
    left_out = verdict.left_out + sum(len(line) + 1 for line in lines[20:])
    more = [f"… {left_out:,} more characters"] if left_out else []
    return "\n".join([plain(line) for line in lines[:20]] + more)


def _wrapped(text: str, hanging: str = "") -> str:
    return textwrap.fill(
        text, _WIDTH, subsequent_indent=hanging, break_on_hyphens=False, break_long_words=False
    )
