"""What a learner asks for: a check, a hint, the solution, and how far it all is."""

from __future__ import annotations

import dataclasses
import random
from typing import Any

from rtlab import loops
from rtlab.arguments import whole
from rtlab.errors import UsageError
from rtlab.exercises import catalogue, ledger
from rtlab.exercises.exercise import Exercise
from rtlab.exercises.ledger import Entry, Ledger
from rtlab.exercises.pack import fingerprint
from rtlab.exercises.run import refuse, run
from rtlab.exercises.sheet import Progress, Sheet
from rtlab.exercises.verdict import Verdict

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
    exercise = catalogue.find(name)
    chosen = random.randrange(10**6) if seed is None else whole("seed", seed)
    refuse(exercise, answer)
    verdict = _run(exercise, answer, chosen)
    book = _book()
    entry = book.entry(exercise.name)
    notes = [book.note, *_count(entry, exercise, answer, verdict)]
    book.write(exercise.name, entry)
    notes += [*_next(exercise, entry, verdict), book.note]
    return dataclasses.replace(verdict, notes=tuple(dict.fromkeys(filter(None, notes))))


def _run(exercise: Exercise, answer: Any, seed: int) -> Verdict:
    thread = loops.LoopThread("rtlab-check").start()
    try:
        return thread.call(run(exercise, answer, seed))
    finally:
        loops.uninterrupted(thread.stop)


def _count(entry: Entry, exercise: Exercise, answer: Any, verdict: Verdict) -> list[str]:
    """Count a try, if it is an honest one; return what there is to say of it."""
    entry.points = max(entry.points, verdict.points)
    entry.passed = entry.passed or verdict.passed
    mark = fingerprint(answer)
    if mark == fingerprint(exercise.load(exercise.stub)):
        return ["This is the stub as it was given: it counts as no try."]
    if not entry.passed and mark not in entry.tries:
        entry.tries.append(mark)
    return []


def _next(exercise: Exercise, entry: Entry, verdict: Verdict) -> list[str]:
    """What a learner may do next."""
    if verdict.passed:
        return [f"One way to write it: rtlab.solution({exercise.name!r})."]
    notes = []
    if left := len(exercise.hints) - entry.hints:
        notes.append(f"A hint: rtlab.hint({exercise.name!r}), {left} left.")
    if entry.tries_left:
        notes.append(f"The solution can be seen after {_tries(entry.tries_left)}.")
    else:
        notes.append(f"The solution may be seen now: rtlab.solution({exercise.name!r}).")
    return notes


def hint(name: str) -> Sheet:
    """Return the next hint of an exercise; after the last, all of them.

    Raises:
        UsageError: there is no such exercise.
    """
    exercise = catalogue.find(name)
    book = _book()
    entry = book.entry(exercise.name)
    number, count = entry.hints + 1, len(exercise.hints)
    if number > count:
        lines = [f"{place}. {text}" for place, text in enumerate(exercise.hints, 1)]
        return Sheet(f"{exercise.name}: these are all its hints", "\n".join(lines))
    entry.hints = number
    book.write(exercise.name, entry)
    title = f"{exercise.name}: hint {number} of {count}"
    return Sheet(title, exercise.hints[number - 1], note=book.note)


def solution(name: str) -> Sheet:
    """Return the solution of an exercise: after success, or after three honest tries.

    Raises:
        UsageError: there is no such exercise, or it is too early; the message says how many tries
            are left.
    """
    exercise = catalogue.find(name)
    book = _book()
    entry = book.entry(exercise.name)
    if entry.tries_left:
        raise UsageError(
            f"The solution of {exercise.name} can be seen after success, or after "
            f"{_tries(entry.tries_left)}: answers that were checked, differ, and are not the stub. "
            f"rtlab.hint({exercise.name!r}) helps."
        )
    if not entry.seen:
        entry.seen = True
        book.write(exercise.name, entry)
    title = f"{exercise.name}: one way to write it"
    return Sheet(title, code=exercise.solution, note=book.note)


def progress() -> Progress:
    """Return what was done of the whole course."""
    book = _book()
    entries = book.read()
    rows = [(exercise, entries.get(exercise.name, Entry())) for exercise in catalogue.everything()]
    return Progress(tuple(rows), book.note)


def _tries(count: int) -> str:
    return "one more honest try" if count == 1 else f"{count} more honest tries"


def _book() -> Ledger:
    """The ledger of the folder that the kernel is in."""
    path = ledger.here()
    return _ledgers.setdefault(str(path), Ledger(path))
