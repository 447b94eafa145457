"""Sec-WebSocket-Extensions (RFC 6455 §9.1), and what permessage-deflate allows in it (RFC 7692 §7).

permessage-deflate; server_max_window_bits=10, permessage-deflate
╰── an offer, and one parameter of it ──────╯  ╰ if not, this ──╯
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from rtlab.dissect.field import Field
from rtlab.dissect.handshake_remarks import REMARKS
from rtlab.dissect.http1_lines import Header, is_token
from rtlab.dissect.parts import part

DEFLATE = "permessage-deflate"
SIZES = [str(bits) for bits in range(8, 16)]  # RFC 7692 §7.1.2: no zeros before the number
CLAUSES = {
    "server_no_context_takeover": "RFC 7692 §7.1.1.1",
    "client_no_context_takeover": "RFC 7692 §7.1.1.2",
    "server_max_window_bits": "RFC 7692 §7.1.2.1",
    "client_max_window_bits": "RFC 7692 §7.1.2.2",
}
"""The parameters of permessage-deflate, and what defines each."""

# A separator, and what follows up to the next; one in quotes does not count. Quotes that are never
# closed take the rest.
_ELEMENT = re.compile(r'([,;]?)((?:"(?:\\.|[^"\\])*"|[^,;"])*(?:".*)?)', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


class Parameter(NamedTuple):
    """A parameter as it was read; ``value`` is ``None`` if it has none."""

    name: str
    value: str | None
    place: Field


class Extension(NamedTuple):
    """An extension that was offered or agreed."""

    name: str
    place: Field
    parameters: list[Parameter]

    def get(self, name: str) -> Parameter | None:
        """Return the first parameter of a name."""
        return next((each for each in self.parameters if each.name == name), None)


# ── reading ──


def read(headers: Sequence[Header]) -> list[Extension]:
    """Take the values of Sec-WebSocket-Extensions apart; what is not in its grammar gets errors."""
    found: list[Extension] = []
    for header in headers:
        whole = header.place.value == header.value and not header.place.children
        # Where a line is folded or has invalid bytes, which is an error already, the value is not
        # on the wire as one piece: its parts are read, but not shown.
        _read(header.value, header.place if whole else Field("value", 0, 0), found)
        if not header.value:
            header.place.wrong("no extension is named", "RFC 6455 §9.1")
    return found


def _read(text: str, field: Field, found: list[Extension]) -> None:
    elements = _ELEMENT.findall(text)[:-1]  # the last one is the empty end
    if not elements or elements[0][0]:
        elements.insert(0, ("", ""))  # nothing stands before the first separator
    for separator, element in elements:
        if separator == ";":
            extension = found[-1]
            _take(extension.place, "semicolon", separator)
            extension.parameters.append(_parameter(extension.place, element))
        else:
            _take(field, "comma", separator)
            found.append(_extension(field, element))
        found[-1].place.stop = found[-1].place.children[-1].stop


def _extension(field: Field, text: str) -> Extension:
    place = part(field, "extension", 0, text.strip(" \t"), REMARKS)
    name = _word(place, "extension name", text)
    if not is_token(name.value):
        name.wrong("an extension has a name, which is a token", "RFC 6455 §9.1")
    _explain(place, name.value)
    return Extension(name.value, place, [])


def _parameter(extension: Field, text: str) -> Parameter:
    place = _word(extension, "parameter", text)
    name, equals, value = (piece.strip(" \t") for piece in place.value.partition("="))
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    if not is_token(name) or (equals and not is_token(value)):
        place.wrong("a parameter is a token, or a token = a token", "RFC 6455 §9.1")
    _explain(place, name)
    return Parameter(name, value if equals else None, place)


def _word(field: Field, name: str, text: str) -> Field:
    """Take a word and the whitespace around it."""
    word = text.strip(" \t")
    before, _, after = text.partition(word) if word else (text, "", "")
    _take(field, "whitespace", before)
    taken = part(field, name, len(word), word, REMARKS)
    _take(field, "whitespace", after)
    return taken


def _take(field: Field, name: str, text: str) -> None:
    if text:
        part(field, name, len(text), text, REMARKS)


def _explain(field: Field, value: str) -> None:
    remark = REMARKS.get(f"{field.name}: {value}")
    if remark is not None and not field.error:
        field.note, field.reference = remark


def parse(text: str) -> list[Extension]:
    """Read a value that is not on the wire as text, such as that of a compressed header."""
    found: list[Extension] = []
    _read(text, Field("value", 0, 0), found)
    return found


def negotiated(sender: str, extensions: Sequence[Extension]) -> dict[str, Any]:
    """Return the options of ``websocket.grammar`` for what a server agreed to."""
    deflate = next((extension for extension in extensions if extension.name == DEFLATE), None)
    return {
        "sender": sender,
        "deflate": deflate is not None,
        "takeover": deflate is None or deflate.get(f"{sender}_no_context_takeover") is None,
        "window_bits": _window_bits(deflate and deflate.get(f"{sender}_max_window_bits")),
    }


def _window_bits(limit: Parameter | None) -> int:
    """Return how many bits a sender's window has; as many as it can where nothing valid is said."""
    return int(limit.value) if limit and limit.value in SIZES else 15


# ── judging ──


def judge(extensions: Sequence[Extension], *, offered: bool) -> None:
    """Say what is wrong with the parameters, and with a second permessage-deflate in an answer."""
    deflates = [extension for extension in extensions if extension.name == DEFLATE]
    for extension in deflates:
        names: set[str] = set()
        for parameter in extension.parameters:
            _judge_parameter(parameter, names, offered)
            names.add(parameter.name)
    if not offered:
        for second in deflates[1:]:
            second.place.wrong("a second one: both would use RSV1", "RFC 7692 §5")


def _judge_parameter(parameter: Parameter, earlier: set[str], offered: bool) -> None:
    name, value, place = parameter
    clause = CLAUSES.get(name)
    if clause is None:
        place.wrong("permessage-deflate has no such parameter", "RFC 7692 §7")
    elif name in earlier:
        place.wrong("the same parameter twice", "RFC 7692 §7")
    elif name.endswith("takeover"):
        if value is not None:
            place.wrong("this parameter has no value", clause)
    elif value is None:
        if not (offered and name == "client_max_window_bits"):
            place.wrong("a number from 8 to 15 is missing", clause)
    elif value not in SIZES:
        place.wrong("the window has 8 to 15 bits, as a plain number", clause)


def compare(offers: Sequence[Extension], agreed: Sequence[Extension]) -> None:
    """Say what was agreed to that was not offered."""
    by_name: dict[str, list[Extension]] = {}
    for offer in offers:
        by_name.setdefault(offer.name, []).append(offer)
    for extension in agreed:
        same = by_name.get(extension.name, [])
        if not same:
            extension.place.wrong("the client did not offer this", "RFC 6455 §9.1")
        elif extension.name == DEFLATE and not extension.place.errors:
            # Which of several offers was accepted is not said: one that fits is enough.
            misfits = [_misfit(offer, extension) for offer in same]
            if all(misfits) and misfits[0] is not None:
                place, error, clause = misfits[0]
                place.wrong(error, clause)


def _misfit(offer: Extension, agreed: Extension) -> tuple[Field, str, str] | None:
    """Return where, how and by which clause an answer does not fit an offer; ``None`` if it does.

    The client may always be told to forget its window (RFC 7692 §7.1.1.2), and a server may always
    limit itself.
    """
    if offer.place.errors:
        return agreed.place, "an offer with an error must be declined", "RFC 7692 §7"
    for name in ("server_no_context_takeover", "server_max_window_bits"):
        if offer.get(name) and not agreed.get(name):
            return agreed.place, f"who accepts {name} repeats it", CLAUSES[name]
    for name in ("server_max_window_bits", "client_max_window_bits"):
        wanted, given = offer.get(name), agreed.get(name)
        if given and wanted and wanted.value and int(given.value or 0) > int(wanted.value):
            return given.place, f"more than the {wanted.value} of the offer", CLAUSES[name]
        if given and not wanted and name == "client_max_window_bits":
            return given.place, "the client did not say that it can limit itself", CLAUSES[name]
    return None
