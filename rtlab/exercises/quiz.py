"""Exit quizzes: three questions a notebook, with feedback on every choice.

A choice is a line that unfolds: opening it is choosing, and what unfolds says why it is right or
not. That needs no script and no kernel, works with the keyboard alone and on paper, and follows any
theme; ``quiz.answer("b", "a", "c")`` does the same for those who rather type.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from html import escape
from importlib.resources import files

from rtlab.arguments import one_of
from rtlab.errors import UsageError

_FOLDER = files("rtlab.exercises").joinpath("quizzes")
_LETTERS = "abcdef"
_STYLE = """
.rtlab-quiz{max-width:48em;font:14px/1.5 system-ui,sans-serif}
.rtlab-quiz summary{display:list-item;cursor:pointer;padding:2px 4px;border-radius:3px}
.rtlab-quiz summary:focus-visible{outline:2px solid currentColor}
.rtlab-quiz details p{margin:2px 0 6px 22px}.rtlab-quiz ol{padding-left:1.6em}
.rtlab-quiz li{margin-bottom:10px}
"""


@dataclass(frozen=True, slots=True)
class Choice:
    """A possible answer.

    Attributes:
        text: what it says.
        right: whether it is right.
        feedback: why, or why not.
    """

    text: str
    right: bool
    feedback: str

    @property
    def said(self) -> str:
        """The feedback, and whether it is right."""
        return f"{'✓ Right.' if self.right else '✗ Not quite.'} {self.feedback}"


@dataclass(frozen=True, slots=True)
class Question:
    """A question with one right answer.

    Attributes:
        text: what is asked.
        choices: what can be answered.
    """

    text: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Quiz:
    """The questions at the end of a notebook.

    Attributes:
        notebook: which one, such as ``"04"``.
        questions: in order.
    """

    notebook: str
    questions: tuple[Question, ...]

    def answer(self, *letters: str) -> str:
        """Return what there is to say of one letter for each question.

        Raises:
            UsageError: there are more or fewer letters than questions, or one that is no choice.
        """
        if len(letters) != len(self.questions):
            raise UsageError(f"There are {len(self.questions)} questions: give a letter for each.")
        lines = []
        for number, (letter, question) in enumerate(zip(letters, self.questions, strict=True), 1):
            known = _LETTERS[: len(question.choices)]
            place = known.index(one_of(f"choice in question {number}", letter, known))
            lines.append(f"{number}{letter}. {question.choices[place].said}")
        return "\n".join(lines)

    def __repr__(self) -> str:
        lines = [f"Quiz {self.notebook}. Answer with rtlab.quiz({self.notebook!r}).answer(…)", ""]
        for number, question in enumerate(self.questions, 1):
            lines.append(f"{number}. {question.text}")
            choices = zip(_LETTERS, question.choices, strict=False)
            lines += [f"   {letter}) {choice.text}" for letter, choice in choices]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        questions = "".join(
            f"<li><b>{escape(question.text)}</b>{_choices(question)}</li>"
            for question in self.questions
        )
        return (
            f"<div class='rtlab-quiz'><style>{_STYLE}</style>"
            f"<p><small>Open the line that you choose.</small></p><ol>{questions}</ol></div>"
        )


def _choices(question: Question) -> str:
    return "".join(
        f"<details><summary>{escape(choice.text)}</summary><p>{escape(choice.said)}</p></details>"
        for choice in question.choices
    )


def notebooks() -> list[str]:
    """Return the notebooks that have a quiz."""
    names = (path.name for path in _FOLDER.iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


def quiz(notebook: str) -> Quiz:
    """Return the quiz of a notebook.

    Args:
        notebook: its number, such as ``"04"``.

    Raises:
        UsageError: there is none.
    """
    known = notebooks()
    wanted = f"{notebook:02}" if isinstance(notebook, int) else notebook
    name = one_of("quiz", wanted, known)
    content = tomllib.loads(_FOLDER.joinpath(f"{name}.toml").read_text("utf-8"))
    return Quiz(
        name,
        tuple(
            Question(
                question["text"],
                tuple(
                    Choice(choice["text"], choice.get("right", False), choice["feedback"])
                    for choice in question["choice"]
                ),
            )
            for question in content["question"]
        ),
    )
