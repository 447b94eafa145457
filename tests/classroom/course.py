"""A course of nbgrader in a folder of its own: what a teacher and students do with the sets."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.converters import Autograde, GenerateAssignment, GenerateFeedback
from nbgrader.converters.base import BaseConverter
from nbgrader.coursedir import CourseDirectory
from nbgrader.plugins import CsvExportPlugin
from traitlets.config import Config
from traitlets.config.loader import PyFileConfigLoader

from rtlab.exercises import catalogue
from tests.classroom.sets import SETS

EXERCISES = Path(__file__).parents[2] / "notebooks" / "exercises"
SOLVED = {f"{task.name}-answer": task.solution for task in catalogue.everything()}
"""The right answer for each cell that asks for one."""


class Course:
    """A course folder, made from the sets of the repository.

    Args:
        root: where it is to be.
        options: more of nbgrader's configuration.
    """

    def __init__(self, root: Path, options: Config | None = None) -> None:
        self.root = root
        shutil.copytree(EXERCISES / "source", root / "source")
        shutil.copy(EXERCISES / "nbgrader_config.py", root)
        self.config: Config = PyFileConfigLoader("nbgrader_config.py", str(root)).load_config()
        self.config.merge(options or Config())
        self.config.CourseDirectory.root = str(root)

    def generate(self, name: str) -> None:
        """Make the students' version of a set."""
        self._start(GenerateAssignment, name)

    def submit(
        self,
        student: str,
        name: str,
        answers: Mapping[str, str],
        edit: Callable[[NotebookNode], None] = lambda notebook: None,
    ) -> None:
        """Hand in what was released, with other text in cells of these ids.

        The answer to an exercise stands in a cell that is called after it, ``accept-key-answer``.
        Where there are answers, notebooks without any are not handed in; the others are edited.
        """
        folder = self.root / "submitted" / student / name
        folder.mkdir(parents=True)
        for part in SETS[name]:
            notebook = nbformat.read(self.released(name, part.name), as_version=4)
            for cell in notebook.cells:
                cell.source = answers.get(cell.id, cell.source)
            if not answers or answers.keys() & {cell.id for cell in notebook.cells}:
                edit(notebook)
                nbformat.write(notebook, folder / f"{part.name}.ipynb")

    def released(self, name: str, notebook: str) -> Path:
        """Return where the students' version of a notebook is."""
        return self.root / "release" / name / f"{notebook}.ipynb"

    def autograde(self, name: str, student: str = "*") -> None:
        """Grade what was submitted of a set, again if it was graded before."""
        self._start(Autograde, name, student)

    def feedback(self, name: str, student: str, notebook: str) -> str:
        """Return the page that a student gets back."""
        self._start(GenerateFeedback, name)
        page = self.root / "feedback" / student / name / f"{notebook}.html"
        return page.read_text(encoding="utf-8")

    def scores(self, student: str, name: str) -> dict[str, float]:
        """Return the automatic score of each graded cell, by its id."""
        with self._gradebook() as gradebook:
            submission = gradebook.find_submission(name, student)
            return {
                grade.name: grade.auto_score
                for notebook in submission.notebooks
                for grade in notebook.grades
            }

    def graded(self, student: str, name: str, notebook: str) -> NotebookNode:
        """Return a notebook after it was graded, as Formgrader and the feedback show it."""
        path = self.root / "autograded" / student / name / f"{notebook}.ipynb"
        return nbformat.read(path, as_version=4)

    def export(self) -> str:
        """Return all grades as nbgrader exports them."""
        exporter = CsvExportPlugin(config=self.config)
        exporter.to = str(self.root / "grades.csv")
        with self._gradebook() as gradebook:
            exporter.export(gradebook)
        return (self.root / "grades.csv").read_text(encoding="utf-8")

    def _start(self, step: type[BaseConverter], name: str, student: str = "") -> None:
        course = CourseDirectory(config=self.config)
        course.assignment_id = name
        course.student_id = student or course.student_id
        step(coursedir=course, config=self.config, force=True).start()

    def _gradebook(self) -> Gradebook:
        return Gradebook(CourseDirectory(config=self.config).db_url, "rtlab")
