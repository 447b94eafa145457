"""Predict: the reader commits to a number or an order before anything is measured."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, Literal

import traitlets

from rtlab.arguments import MOST, number, one_of
from rtlab.errors import UsageError
from rtlab.render import reconcile
from rtlab.render.reconcile import TIE, Order, Reconciliation, quantity
from rtlab.widgets.base import View

Kind = Literal["number", "order"]
Answer = float | list[str]


@dataclass
class _Commitment:
    """What the reader said to one question, in this kernel."""

    answer: Answer | None = None
    earlier: list[Answer] = field(default_factory=list)
    seen: bool = False
    late: bool = False


_ONE = re.compile(r"^(byte|character|message|request)s\b")
"""Units of which there can be one."""

_said: dict[str, _Commitment] = {}
"""Question to answer: a cell that is run again asks nobody twice."""


class Predict(View, module="predict"):
    """A question whose answer is kept, to be shown beside what is measured.

    It never waits: where nobody answers, as when all cells are run at once, ``answer`` is ``None``
    and everything goes on. Where no form is shown, ``commit`` takes the answer.

    Attributes:
        answer: what the reader committed to: a number, or the choices in order; ``None`` so far.
        earlier: what was committed to before, if the reader thought again.
        seen: whether what was measured has been shown.
        late: whether the answer was given after that.

    Args:
        key: of the question: a question with the same key has the same answer.
        question: what is asked.
        kind: ``"number"``, or ``"order"`` of the choices, the smallest or first on top.
        choices: what to put in order.
        unit: of the number, or of what is measured of the choices.
        least: the smallest number that makes sense: 0, for nearly all that is measured.

    Raises:
        UsageError: there is no such kind, or nothing to put in order.
    """

    key = traitlets.Unicode().tag(sync=True)
    question = traitlets.Unicode().tag(sync=True)
    kind = traitlets.Unicode().tag(sync=True)
    choices = traitlets.List(traitlets.Unicode()).tag(sync=True)
    unit = traitlets.Unicode().tag(sync=True)
    least = traitlets.Float().tag(sync=True)
    answer = traitlets.Any(None, allow_none=True).tag(sync=True)
    earlier: traitlets.List[Answer] = traitlets.List().tag(sync=True)
    seen = traitlets.Bool(False).tag(sync=True)
    late = traitlets.Bool(False).tag(sync=True)

    def __init__(
        self,
        key: str,
        question: str = "",
        *,
        kind: Kind = "number",
        choices: Iterable[str] = (),
        unit: str = "",
        least: float = 0.0,
    ) -> None:
        one_of("kind of prediction", kind, ("number", "order"))
        names = [str(choice) for choice in choices]
        if kind == "order" and (len(names) < 2 or len(set(names)) < len(names)):
            raise UsageError(f"An order needs two choices or more, each once, not {names!r}.")
        least = number("least", least, unit or "any unit", least=-MOST)
        super().__init__(
            key=key, question=question, kind=kind, choices=names, unit=unit, least=least
        )
        said = _said.setdefault(key, _Commitment())
        if said.answer is not None and not self._fits(said.answer):
            said = _said[key] = _Commitment()  # the question is another one now
        self.answer, self.earlier = said.answer, list(said.earlier)
        self.seen, self.late = said.seen, said.late
        self.observe(self._keep, ["answer"])

    # ── answering ──

    def commit(self, answer: float | Sequence[str]) -> Predict:
        """Take an answer in place of the form.

        Args:
            answer: a number, or the choices in order.

        Raises:
            UsageError: it is no answer to this question.
        """
        self.answer = self._prediction(answer)
        return self

    def _fits(self, answer: object) -> bool:
        try:
            self._prediction(answer)
        except UsageError:
            return False
        return True

    @traitlets.validate("answer")
    def _validate(self, proposal: Any) -> Answer | None:
        # What comes from the page passes here as well; only this error puts the old answer back.
        if proposal.value is None:
            return None
        try:
            return self._prediction(proposal.value)
        except UsageError as error:
            raise traitlets.TraitError(str(error)) from error

    def _keep(self, change: Any) -> None:
        if change.old is not None and change.new is not None:
            self.earlier = [*self.earlier, change.old]
        self.late = self.seen
        _said[self.key] = _Commitment(change.new, list(self.earlier), self.seen, self.late)

    def _prediction(self, answer: object) -> Answer:
        return self._checked("Your prediction", answer, self.least)

    def _checked(self, what: str, answer: object, least: float = -MOST) -> Answer:
        if self.kind == "number":
            return self._number(what, answer, least)
        names = list(answer) if isinstance(answer, (list, tuple, Mapping)) else [answer]
        if sorted(map(str, names)) != sorted(self.choices):
            raise UsageError(
                f"{what} must have each of {', '.join(self.choices)} once, in order, "
                f"not {answer!r}."
            )
        return [str(name) for name in names]

    def _number(self, what: str, value: object, least: float = -MOST) -> float:
        return number(what, value, self.unit or "any unit", least=least)

    # ── comparing ──

    def compare(
        self,
        *,
        modelled: float | Order | None = None,
        measured: float | Order | None = None,
        gap: str = "",
        tie: float = TIE,
    ) -> Reconciliation:
        """Show the prediction beside what a model says and what was measured.

        Args:
            modelled: what a formula says: a number in the question's unit, or an order.
            measured: the same, measured. Instead of an order, what was measured of each choice,
                ``{"sse": 81.0, "polling": 590.0}``: the smallest comes first.
            gap: what lies between model and measurement, if that is known.
            tie: values of an order that differ by a smaller share than this count as equal.

        Raises:
            UsageError: ``modelled`` or ``measured`` is no answer to the question.
        """
        model, result = self._given("modelled", modelled), self._given("measured", measured)
        if result is not None:
            self.seen = _said[self.key].seen = True
        notes = self._history() + ([gap] if gap else [])
        shared: dict[str, Any] = {"unit": self.unit, "title": self.question, "notes": notes}
        answer: Any = self.answer
        if self.kind == "number":
            return reconcile.numbers(answer, model, result, **shared)
        return reconcile.orders(answer, model, result, tie=tie, **shared)

    def _given(self, name: str, value: object) -> Any:
        if value is None:
            return None
        checked = self._checked(name, value)
        if not isinstance(value, Mapping):
            return checked
        return {str(key): self._number(f"{name}[{key!r}]", of) for key, of in value.items()}

    def _history(self) -> list[str]:
        notes = []
        if self.earlier:
            before = ", then ".join(self._words(answer) for answer in self.earlier)
            notes.append(f"You changed your mind: before, you said {before}.")
        if self.late:
            notes.append("You committed to this after the measurement was shown.")
        return notes

    # ── without a form ──

    def _words(self, answer: Answer) -> str:
        if isinstance(answer, list):
            return ", ".join(answer)
        unit = _ONE.sub(r"\1", self.unit) if answer == 1 else self.unit
        return quantity(answer, unit)

    def as_text(self) -> str:
        """Return the question and the answer."""
        if self.answer is not None:
            return f"{self.question}\nYou predicted {self._words(self.answer)}."
        example = repr(self.choices[::-1]) if self.kind == "order" else "40"
        unit = f", a number of {self.unit}" if self.unit and self.kind == "number" else ""
        how = f"where no form is shown, call commit({example}) on it{unit}."
        return f"{self.question}\nYou did not predict yet: {how}"

    def as_html(self) -> str:
        """Return the same as HTML."""
        question, _, answer = self.as_text().partition("\n")
        return f"<p><strong>{escape(question)}</strong></p><p>{escape(answer)}</p>"
