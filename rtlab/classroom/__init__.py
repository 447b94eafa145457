"""Grading with nbgrader: a submission runs, and what it does costs its own points, no more.

    from rtlab.classroom import configure     # in nbgrader_config.py

    configure(get_config())

nbgrader trusts a submission in three places; a step of ours stands at each. ``Mend`` comes before
its first look at the cells, of which some are copied, deleted or no longer marked. ``GradeApart``
runs them: a kernel that dies is replaced, and answers are graded outside of it. ``Tame`` leaves
nothing in them that would run in the browser of who reads them.

Students' code can still do what the user can who runs nbgrader: read files, write them, end
processes. Grade strangers in a container.
"""

from __future__ import annotations

from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import Execute
from traitlets.config import Config

from rtlab.classroom.apart import GradeApart
from rtlab.classroom.mend import Mend
from rtlab.classroom.tame import Tame
from rtlab.exercises import ledger


def configure(config: Config) -> None:
    """Set what the graded sets need: call it in ``nbgrader_config.py``.

    Args:
        config: from ``get_config()``; what is set there afterwards comes on top.
    """
    # Above each solution stands the stub, so that nothing need be put in its place.
    config.ClearSolutions.code_stub = {"python": ""}
    config.ClearSolutions.text_stub = "*Your answer.*"
    config.OverwriteCells.add_missing_cells = False  # Mend does, and trips over nothing
    steps = Autograde()
    config.Autograde.sanitize_preprocessors = [Mend, *steps.sanitize_preprocessors]
    config.Autograde.autograde_preprocessors = [
        *(GradeApart if step is Execute else step for step in steps.autograde_preprocessors),
        Tame,  # last: whether an answer is still the stub is known by its text
    ]
    # A student's progress is no part of what is graded, nor of what goes back.
    config.CourseDirectory.ignore = [*CourseDirectory().ignore, f"{ledger.FILE}*"]
