"""What a learner asks for: a check, a hint, the solution, and how far it all is."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

from rtlab.arguments import whole
from rtlab.errors import UsageError
from rtlab.exercises import catalogue, ledger
from rtlab.exercises.exercise import Exercise
from rtlab.exercises.ledger import Entry, Ledger
from rtlab.exercises.pack import fingerprint
from rtlab.exercises.run import at_once, refuse, run
from rtlab.exercises.sheet import Progress, Sheet
from rtlab.exercises.verdict import Verdict
from rtlab.exercises.waiting import Waiting

_ledgers: dict[str, Ledger] = {}


def check(name: str, answer: Any, *, seed: int | None = None) -> Verdict:
    """Run an answer against fresh inputs and real peers, and say what is right and what is not.

    It runs in a process of its own, so that nothing that it does can hurt the notebook; an
    interrupt ends it at once.

    Args:
        name: of the exercise, such as ``"accept-key"``.
        answer: the function, coroutine function, class or value that the exercise asks for.
        seed: of the inputs, to repeat a check; ``None`` takes fresh ones.

    Returns:
        What is right and what is not; it shows itself at the end of a cell.

    Raises:
        UsageError: there is no such exercise, or the answer is not of the kind that it asks for;
            this counts as no try.
    """
    task = catalogue.find(name)
    chosen = random.randrange(10**6) if seed is None else whole("seed", seed)
    refuse(task, answer)
    waiting = Waiting()
    verdict = at_once(_told(task, answer, chosen, waiting))
    mark = fingerprint(answer)
    is_stub = mark == fingerprint(task.load(task.stub))
    book = _book()
    entry = book.change(task.name, lambda entry: _count(entry, verdict, "" if is_stub else mark))
    notes = ["This is the stub as it was given: it counts as no try."] if is_stub else []
    notes += [*_next(task, entry, verdict), *filter(None, [book.note])]
    return dataclasses.replace(verdict, notes=tuple(notes), waiting=waiting)


async def _told(task: Exercise, answer: Any, seed: int, waiting: Waiting) -> Verdict:
    with waiting:
        return await run(task, answer, seed, waiting.say)


def _count(entry: Entry, verdict: Verdict, mark: str) -> None:
    """Count a try, if it is an honest one; an empty mark is none."""
    entry.points = max(entry.points, verdict.points)
    entry.passed = entry.passed or verdict.passed
    if mark and not entry.passed and mark not in entry.tries:
        entry.tries.append(mark)


def _next(task: Exercise, entry: Entry, verdict: Verdict) -> list[str]:
    """What a learner may do next."""
    if verdict.passed:
        return [f"One way to write it: rtlab.solution({task.name!r})."]
    notes = [f"The whole task: rtlab.exercise({task.name!r})."]
    if (left := len(task.hints) - entry.hints) > 0:
        notes.append(f"A hint: rtlab.hint({task.name!r}), {left} left.")
    if entry.tries_left:
        notes.append(f"The solution can be seen after {_tries(entry.tries_left)}.")
    else:
        notes.append(f"The solution may be seen now: rtlab.solution({task.name!r}).")
    return notes


def exercise(name: str) -> Exercise:
    """Return an exercise: what to do, where to begin, and how it is checked.

    Raises:
        UsageError: there is none of that name; the message names the nearest.
    """
    return catalogue.find(name)


def hint(name: str) -> Sheet:
    """Return the next hint of an exercise; after the last, all of them.

    Raises:
        UsageError: there is no such exercise.
    """
    task = catalogue.find(name)
    number, count = 0, len(task.hints)

    def take(entry: Entry) -> None:
        nonlocal number
        number = min(entry.hints, count) + 1
        entry.hints = min(number, count)

    book = _book()
    book.change(task.name, take)
    if number > count:
        lines = [f"{place}. {text}" for place, text in enumerate(task.hints, 1)]
        return Sheet(f"{task.name}: these are all its hints", "\n".join(lines), note=book.note)
    title = f"{task.name}: hint {number} of {count}"
    return Sheet(title, task.hints[number - 1], note=book.note)


def solution(name: str) -> Sheet:
    """Return the solution of an exercise: after success, or after three honest tries.

    Raises:
        UsageError: there is no such exercise, or it is too early; the message says how many tries
            are left.
    """
    task = catalogue.find(name)
    book = _book()
    entry = book.entry(task.name)
    if entry.tries_left:
        raise UsageError(
            f"The solution of {task.name} can be seen after success, or after "
            f"{_tries(entry.tries_left)}: answers that were checked, differ, and are not the stub. "
            f"rtlab.hint({task.name!r}) helps."
        )
    if not entry.seen:
        book.change(task.name, _see)
    title = f"{task.name}: one way to write it"
    return Sheet(title, code=task.solution, note=book.note)


def _see(entry: Entry) -> None:
    entry.seen = True


def progress() -> Progress:
    """Return what was done of the whole course."""
    book = _book()
    entries = book.read()
    rows = [(task, entries.get(task.name, Entry())) for task in catalogue.everything()]
    return Progress(tuple(rows), book.note)


def _tries(count: int) -> str:
    return "one more honest try" if count == 1 else f"{count} more honest tries"


def _book() -> Ledger:
    """The ledger of the folder that the kernel is in."""
    path = ledger.here()
    return _ledgers.setdefault(str(path), Ledger(path))
