"""Nothing that a submission holds runs where somebody reads it, and what is honest stays."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import markdown2html
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from nbgrader.server_extensions.formgrader import handlers
from traitlets.config import Config

from rtlab.classroom.outputs import NOT_SHOWN, harmless, node
from rtlab.classroom.tame import Tame
from tests.classroom.course import SOLVED, Course

pytestmark = [
    pytest.mark.filterwarnings("default", "ignore::sqlalchemy.exc.SAWarning"),
    pytest.mark.timeout(300),
]


class Attacks(HTMLParser):
    """Finds what would run, be fetched or be followed; each attack of these tests says so."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.inside = tag
        self.found += [f"{tag} {name}={value}" for name, value in attrs if "attack" in str(value)]

    def handle_data(self, data: str) -> None:
        if self.cdata_elem and "attack" in data:  # in a script or a style
            self.found.append(f"{self.cdata_elem}: {data}")


def tamed(*cells: NotebookNode) -> list[NotebookNode]:
    notebook, _ = Tame().preprocess(new_notebook(cells=list(cells)), {})
    return notebook.cells


def written(text: str, **attachments: Any) -> str:
    """What a page shows of a written answer."""
    cell = new_markdown_cell(text)
    if attachments:
        cell.attachments = {f"{name}.png": data for name, data in attachments.items()}
    [cell] = tamed(cell)
    assert "attachments" not in cell
    return str(markdown2html(cell.source))


MARKUP = [
    "<img src=x onerror=attack()>",
    "It is *faster*. <script>attack()</script>",
    "<svg onload='attack()'></svg>",
    "<svg><script>attack()</script></svg>",
    "<math><mtext><img src=x onerror='attack()'></mtext></math>",
    "<iframe srcdoc='<script>attack()</script>'></iframe>",
    "<details open ontoggle=attack()>x</details>",
    "<form action='/attack'><button>Full credit</button></form>",
    "<style>body{background:url(/attack)}</style>",
    "<p style='background:url(/attack)'>",
    "<a href='/attack'>", "<a href='//attack.example'>", "<a href=' javascript:attack()'>",
    "<a href='data:text/html,attack'>",
    "<div class='attack' id='attack'>",
    "<img src='https://attack.example/x.png'>",
    "<img src='data:image/svg+xml;base64,attack'>",
    '<img src="data:image/png;base64,&quot; onerror=attack() x=&quot;">',
    "</div></div></div><img src=x onerror=attack()>",
    "&lt;img src=x onerror=attack()&gt;",
    "<!-- --><img src=x onerror=attack()><!-- -->",
]  # fmt: skip
MARKDOWN = [
    "[x](javascript:attack())",
    "[x](JavaScript&colon;attack())",
    "[x](java&#115;cript:attack())",
    "[x][1]\n\n[1]: javascript:attack()",
    "<javascript:attack()>",
    "![x](https://attack.example/x.png)",
    "![x](/attack)",
    "[x](/attack)",
    "[x](attack.html)",
    "```mermaid\n</pre><img src=x onerror=attack()>\n```",
    "```x onerror=attack()\n</code><img src=x onerror=attack()>\n```",
    "$$<img src=x onerror=attack()>$$",
    "$x$ $<img src=x onerror=attack()>$",
    "# <img src=x onerror=attack()>",
    "    code\n\n    <img src=x onerror=attack()>\n\n[x](javascript:attack())",
    "`[x](javascript:attack())`\n\n\n`<img src=x onerror=attack()>`",
    "a\n\n<p>\n\n[x](javascript:attack())\n\n</p>",
    "a\u2028\u2028[x](javascript:attack())\x0b\x0b<img src=x onerror=attack()>",
    "| a |\n|---|\n| <img src=x onerror=attack()> |",
]


@pytest.mark.parametrize("text", [*MARKUP, *MARKDOWN])
def test_a_written_answer_is_only_read(text: str) -> None:
    assert Attacks(str(markdown2html(text))).found or "&lt;" in text or "`" in text or "$" in text
    shown = written(text)
    assert not Attacks(shown).found
    assert shown.strip().startswith("<div>")
    assert shown.strip().endswith("</div>")


@pytest.mark.parametrize(
    "data",
    [
        {"image/svg+xml": "attack"},
        {"text/html": "<script>attack()</script>"},
        {"image/png;base64,\" onerror='attack()'": ""},
        {"image/png": "' onerror='attack()"},
        {},
    ],
)
def test_a_picture_that_is_none_is_not_shown(data: Any) -> None:
    assert not Attacks(written("![x](attachment:a.png)", a=data)).found


def test_what_is_honest_stays() -> None:
    shown = written(
        "Polling asks *every* second, **5 < 7 && 3 > 2**, `a<b>&amp;`, $x^2 < 3$.\n\n"
        "> quoted\n\n- one\n- two\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n"
        "```\nif a < b:\n\n\n    pass\n```\n\n"
        "[the lesson](https://example.com/?a=1&b=2) ![drawing](attachment:a.png) <b>so</b>\n",
        a={"image/png": "iVBORw0KGgo="},
    )
    for part in (
        "<em>every</em>",
        "<strong>5 &lt; 7 &amp;&amp; 3 &gt; 2</strong>",
        "<code>a&lt;b&gt;&amp;amp;</code>",
        "$x^2 &lt; 3$",
        "<blockquote>",
        "<li>one</li>",
        "<td>2</td>",
        '<a href="https://example.com/?a=1&amp;b=2">the lesson</a>',
        'src="data:image/png;base64,iVBORw0KGgo="',
        "<b>so</b>",
    ):
        assert part in shown, part
    assert "if a &lt; b:\n\n\n    pass" in shown.replace("&#10;", "\n")
    assert written("![x](attachment:gone.png)").count("attachment:gone.png") == 1


def test_text_of_the_teacher_is_left_as_it_is() -> None:
    cell = new_markdown_cell("<details><summary>more</summary>text</details>")
    marks = {"grade_id": "x", "locked": True, "grade": False, "solution": False}
    cell.metadata["nbgrader"] = NotebookNode(marks)
    cell.metadata["tags"] = ["attack"]
    [same] = tamed(cell)
    assert same.source == cell.source
    assert same.metadata == {"nbgrader": marks}


def test_of_outputs_text_and_pictures_of_dots_stay() -> None:
    page = "<script>attack()</script>"
    kinds = ("text/html", "image/svg+xml", "text/markdown", "text/latex", "application/javascript")
    data = dict.fromkeys([*kinds, "text/plain"], page) | {"image/png": "iVBO\n' onerror='a"}
    widget = {"application/vnd.jupyter.widget-view+json": {"model_id": page}}
    isolated = {"text/html": {"isolated": True}}
    shown = harmless(new_output("display_data", data, metadata=isolated))
    assert shown.data == {"text/plain": page, "image/png": "iVBOonerror=a"}
    assert shown.metadata == {}
    assert harmless(new_output("display_data", data | widget)) == shown
    shown = harmless(node(output_type="execute_result", data=widget, execution_count=page))
    assert shown.data == {"text/plain": NOT_SHOWN}
    assert shown.execution_count is None
    shown = harmless(node(output_type="display_data", data={"text/plain": {"not": "text"}}))
    assert isinstance(shown.data["text/plain"], str)
    # What a page escapes.
    for output in (
        new_output("stream", name="stdout", text=page),
        new_output("error", ename=page, evalue=page, traceback=[page, "\x1b[31mred\x1b[0m"]),
    ):
        assert harmless(output) == output


def test_of_a_cell_nothing_stays_but_what_it_says() -> None:
    page = "<script>attack()</script>"
    raw = new_raw_cell(page, metadata={"raw_mimetype": "text/html", "tags": [page]})
    [raw] = tamed(raw)
    assert raw.source == "&lt;script&gt;attack()&lt;/script&gt;"
    assert raw.metadata == {}


ATTACKS = {
    "which-and-why": "I do not know. <img src=x onerror=\"attack('<script>attack()</script>')\">",
    "crossover-answer": SOLVED["crossover-answer"] + """
from IPython.display import HTML, SVG, Javascript, Markdown, display
page = "<script>attack()</script><img src=x onerror=attack()>"
display(HTML(page), Javascript("attack()"), Markdown(page))
display(SVG("<svg xmlns='http://www.w3.org/2000/svg' onload='attack()'></svg>"))
display({"text/html": page}, raw=True, metadata={"text/html": {"isolated": True}})
display({"application/vnd.jupyter.widget-view+json": {"model_id": page}}, raw=True)
kernel = get_ipython().kernel
kernel.session.send(kernel.iopub_socket, "execute_input", {"code": "", "execution_count": page},
    parent=kernel.get_parent())
print(page)
import rtlab.exercises.grading as grading
class Parcel:
    def __init__(self, parcel):
        self.parcel = parcel
    def as_text(self):
        display(HTML(page), display_id="verdict")
        return self.parcel.as_text()
original = grading.hand_in
grading.hand_in = lambda name, answer: Parcel(original(name, answer))
""",
    "long-poll-client-answer": "def client(*given):\n    raise ValueError(page)",
}  # fmt: skip
LATER = """
from IPython.display import update_display
update_display({"text/plain": "5", "text/html": page}, display_id="verdict", raw=True)
raise ValueError(page)
"""


def formgrader(path: Path) -> str:
    """The page of Formgrader on which a teacher grades a notebook."""
    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    names = ("notebook_id", "assignment_id", "submission_id", "student", "notebook_path")
    told: dict[str, Any] = dict.fromkeys(names, "x") | {"base_url": "", "index": 0, "total": 1}
    page, _ = HTMLExporter(config=config).from_filename(str(path), resources=told)
    return str(page)


def test_no_attack_reaches_who_grades_or_who_reads_the_feedback(tmp_path: Path) -> None:
    course = Course(tmp_path / "course")
    course.generate("polling")

    def edit(notebook: NotebookNode) -> None:
        notebook.metadata.language_info = {"name": "x", "pygments_lexer": "'><script>attack()"}
        notebook.metadata.widgets = {"application/vnd.jupyter.widget-state+json": "attack"}
        for cell in notebook.cells:
            cell.metadata["tags"] = ["'><script>attack()</script>"]
        place = [cell.id for cell in notebook.cells].index("crossover")
        notebook.cells.insert(place + 1, new_code_cell(LATER))
        notebook.cells.append(new_markdown_cell("<script>attack()</script>"))
        notebook.cells.append(new_raw_cell("<script>attack()</script>"))

    course.submit("attacks", "polling", ATTACKS, edit)
    course.autograde("polling")
    scores = course.scores("attacks", "polling")
    assert scores["crossover"] == 5
    feedback = course.feedback("polling", "attacks", "long_polling")
    graded = course.root / "autograded/attacks/polling/long_polling.ipynb"
    grading = formgrader(graded)
    for page in (feedback, grading):
        assert not Attacks(page).found
        assert "I do not know. &lt;img" in page
        assert "5 of 5 points" in page
    [answer] = [
        cell for cell in course.graded("attacks", "polling", "long_polling").cells
        if cell.id == "which-and-why"
    ]  # fmt: skip
    assert "<img" not in answer.source
    assert re.search(r'class="score[^"]*" id="which-and-why"', grading)
