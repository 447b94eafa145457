"""What the doctor found, a line each, and the whole of it."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Literal

from rtlab.render.folded import folded
from rtlab.render.table import html_table

Verdict = Literal["ok", "note", "bad"]
_MARKS = {"ok": "ok  ", "note": "note", "bad": "BAD "}


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Attributes:
        verdict: ``ok``; ``note`` for what only some parts need; ``bad`` for what all need.
        what: what was looked at, and found.
        remedy: what to do; empty if nothing needs doing.
    """

    verdict: Verdict
    what: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{_MARKS[self.verdict]}  {self.what}" + (
            f"\n      -> {self.remedy}" if self.remedy else ""
        )


@dataclass(frozen=True)
class Diagnosis:
    """What works in this place, and what to do about the rest. Show it as a cell's result.

    Attributes:
        findings: one for each thing that was looked at.
    """

    findings: tuple[Finding, ...]

    @property
    def well(self) -> bool:
        """Whether nothing essential is missing."""
        return all(finding.verdict != "bad" for finding in self.findings)

    @property
    def summary(self) -> str:
        """The whole in a sentence."""
        return "The lab works here." if self.well else "Something essential is missing: see BAD."

    def __repr__(self) -> str:
        return "\n".join([*map(str, self.findings), self.summary])

    def _repr_html_(self) -> str:
        wanting = [[f.verdict, f.what, f.remedy] for f in self.findings if f.verdict != "ok"]
        well = [[f.verdict, f.what] for f in self.findings if f.verdict == "ok"]
        table = html_table(("verdict", "what", "what to do"), wanting) if wanting else ""
        return f"<p><strong>{escape(self.summary)}</strong></p>{table}" + folded(
            f"{len(well)} things are as they should be", html_table(("verdict", "what"), well)
        )
