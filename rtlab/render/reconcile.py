"""Predicted, modelled and measured side by side, and the gap between them in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from itertools import combinations, pairwise

from rtlab.render.table import html_table, text_table

TIE = 0.05
"""Measured values that differ by a smaller share than this are as good as equal."""

NOT_PREDICTED = "you did not predict"
_ABSENT = {"predicted": NOT_PREDICTED, "modelled": "no model", "measured": "not measured yet"}
_BAR = 24  # characters of the longest bar
_FILLINGS = {  # so that no bar is told from another by its colour
    "predicted": ("░", "border:1px dashed currentColor"),
    "modelled": ("▒", "background:repeating-linear-gradient(45deg,currentColor 0 1px,#0000 0 5px)"),
    "measured": ("█", "background:currentColor"),
}

Order = Sequence[str] | Mapping[str, float]
"""Names in order, or what was measured of each: the smallest comes first."""


@dataclass(frozen=True, repr=False)
class Reconciliation:
    """A prediction beside what a model says and what was measured. Show it as a cell's result.

    Attributes:
        text: the table and the gap, as text.
        html: the same as HTML.
        gap: what separates them, in sentences.
    """

    text: str
    html: str
    gap: tuple[str, ...]

    def __repr__(self) -> str:
        return self.text

    def _repr_html_(self) -> str:
        return self.html


def quantity(value: float, unit: str = "") -> str:
    """Return a number with the digits that mean something, and its unit."""
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


# ── numbers ──


def numbers(
    predicted: float | None,
    modelled: float | None,
    measured: float | None,
    *,
    unit: str = "",
    title: str = "",
    notes: Iterable[str] = (),
) -> Reconciliation:
    """Put three numbers side by side.

    Args:
        predicted: what the reader committed to; ``None`` if nothing.
        modelled: what a formula says, if there is one.
        measured: what was measured, if it was.
        unit: of all of them.
        title: what they are about.
        notes: sentences to add: what the gap is made of, or how the prediction came about.
    """
    values = {"predicted": predicted, "modelled": modelled, "measured": measured}
    known = [value for value in values.values() if value is not None]
    longest = max(known, default=0) if min(known, default=0) >= 0 else 0
    rows = [
        (
            name,
            _ABSENT[name] if value is None else quantity(value, unit),
            value / longest if value is not None and longest else 0.0,
        )
        for name, value in values.items()
    ]
    gap = []
    if measured is not None:
        gap += [_apart(measured, predicted, unit, "you predicted")] if predicted is not None else []
        gap += [_apart(measured, modelled, unit, "the model says")] if modelled is not None else []
    bars = [(name, shown, _FILLINGS[name][0] * round(share * _BAR)) for name, shown, share in rows]
    return _page(title, text_table(("", "", ""), bars).strip("\n"), _bars(rows), [*gap, *notes])


def _bars(rows: Sequence[tuple[str, str, float]]) -> str:
    lines = "".join(
        f"<tr><th scope='row' style='text-align:left'>{name}</th>"
        f"<td style='text-align:left;white-space:nowrap'>{escape(shown)}</td>"
        "<td style='width:50%'>"
        f"<div style='height:.8em;width:{share:.1%};{_FILLINGS[name][1] if share else ''}'></div>"
        "</td></tr>"
        for name, shown, share in rows
    )
    columns = ("who", "value", "as a bar")
    head = "".join(f"<th scope='col' style='text-align:left'>{name}</th>" for name in columns)
    return (
        f"<table style='width:100%;max-width:36em'><thead><tr>{head}</tr></thead>"
        f"<tbody>{lines}</tbody></table>"
    )


def _apart(measured: float, other: float, unit: str, whose: str) -> str:
    """Say how far what was measured is from what somebody said."""
    here = f"Measured: {quantity(measured, unit)}"
    if quantity(measured) == quantity(other):
        return f"{here}, just as {whose}."
    way = "more" if measured > other else "less"
    if unit == "%":  # a share of a share would be two different percentages in one sentence
        return f"{here}, {quantity(abs(measured - other))} points {way} than {whose}."
    ratio = measured / other if other > 0 else 0.0
    if 2 / 3 < ratio < 3 / 2:
        share = f" ({_percent(ratio)})"
    else:
        share = f" ({quantity(ratio)} times as much)" if ratio > 0 else ""
    return f"{here}, {quantity(abs(measured - other), unit)} {way} than {whose}{share}."


def _percent(ratio: float) -> str:
    percent = abs(ratio - 1) * 100
    return f"{percent:.0f} %" if percent >= 1 else "less than 1 %"


# ── orders ──


def orders(
    predicted: Sequence[str] | None,
    modelled: Order | None,
    measured: Order | None,
    *,
    unit: str = "",
    title: str = "",
    notes: Iterable[str] = (),
    tie: float = TIE,
) -> Reconciliation:
    """Put three orders side by side.

    Args:
        predicted: names in the order that the reader committed to; ``None`` if nothing.
        modelled: the order that a formula says, or its values.
        measured: the order that was measured, or what was measured of each.
        unit: of values.
        title: what they are about.
        notes: sentences to add.
        tie: measured values that differ by a smaller share are as good as equal, and either order
            of the two is right.
    """
    given: dict[str, Order | None] = {
        "predicted": predicted,
        "modelled": modelled,
        "measured": measured,
    }
    columns = {name: order for name, order in given.items() if order is not None}
    length = max(map(len, columns.values()), default=0)
    rows = [
        [f"{place + 1}.", *(_cell(order, place, unit) for order in columns.values())]
        for place in range(length)
    ]
    missing = [name for name in ("predicted", "measured") if name not in columns]
    gap = [f"{_ABSENT[name].capitalize()}." for name in missing]
    if measured is not None:
        for whose, order in (("your order", predicted), ("the model's order", modelled)):
            gap += [] if order is None else [_swapped(order, measured, tie, whose)]
        gap += _ties(measured, tie)
    header = ["place", *columns]
    return _page(title, text_table(header, rows), html_table(header, rows), [*gap, *notes])


def _names(order: Order) -> list[str]:
    return sorted(order, key=lambda name: order[name]) if isinstance(order, Mapping) else [*order]


def _cell(order: Order, place: int, unit: str) -> str:
    names = _names(order)
    if place >= len(names):
        return ""
    name = names[place]
    return f"{name} ({quantity(order[name], unit)})" if isinstance(order, Mapping) else name


def _equal(first: str, second: str, measured: Order, tie: float) -> bool:
    if not isinstance(measured, Mapping):
        return False
    low, high = sorted((measured[first], measured[second]))
    return high - low <= tie * abs(high)


def _swapped(said: Order, measured: Order, tie: float, whose: str) -> str:
    """Say which pairs stand the other way round than they were measured."""
    place = {name: place for place, name in enumerate(_names(measured))}
    every = list(combinations(_names(said), 2))
    # Of two that it holds for equal, a model does not say which comes first.
    pairs = [pair for pair in every if not (isinstance(said, Mapping) and _level(said, *pair))]
    level = len(every) - len(pairs)
    if not pairs:
        return f"In {whose} all are equal."
    what = "pair is" if level == 1 else "pairs are"
    equal = f" {level} more {what} equal in it." if level else ""
    wrong = [
        (first, second)
        for first, second in pairs
        if place[first] > place[second] and not _equal(first, second, measured, tie)
    ]
    if not wrong:
        many = f"All {len(pairs)} pairs of {whose} are as measured."
        return (many if len(pairs) > 1 else f"{whose.capitalize()} is as measured.") + equal
    named = ", ".join(f"{second} before {first}" for first, second in wrong[:3])
    if len(pairs) == 1:
        return f"{whose.capitalize()} is the other way round: measured was {named}.{equal}"
    more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
    right = len(pairs) - len(wrong)
    found = f"Measured was {named}{more}."
    return f"{right} of {len(pairs)} pairs of {whose} are as measured. {found}{equal}"


def _level(values: Mapping[str, float], first: str, second: str) -> bool:
    return values[first] == values[second]


def _ties(measured: Order, tie: float) -> list[str]:
    names = _names(measured)
    close = [
        f"{first} and {second}"
        for first, second in pairwise(names)
        if _equal(first, second, measured, tie)
    ]
    if not close:
        return []
    return [f"As good as equal, so that either may come first: {', '.join(close)}."]


# ── both ──


def _page(title: str, text: str, table: str, gap: Sequence[str]) -> Reconciliation:
    heading = f"<p><strong>{escape(title)}</strong></p>" if title else ""
    sentences = "".join(f"<p style='margin:.2em 0'>{escape(sentence)}</p>" for sentence in gap)
    return Reconciliation(
        "\n".join(filter(None, [title, text, *gap])),
        f"<div style='overflow-x:auto'>{heading}{table}{sentences}</div>",
        tuple(gap),
    )
