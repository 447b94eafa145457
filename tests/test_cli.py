from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import rtlab
from rtlab import cli, course
from rtlab.diagnosis import versions
from rtlab.diagnosis.finding import Diagnosis, Finding
from rtlab.errors import UsageError

FAST = ["--messages", "5", "--interval", "0.01", "--period", "0.05"]


def test_compare_prints_a_table_and_writes_json(tmp_path: Path, capsys) -> None:
    file = tmp_path / "figures.json"
    assert cli.main(["compare", *FAST, "--json", str(file)]) == 0
    printed = capsys.readouterr().out
    figures = json.loads(file.read_text())["transports"]
    for name in ("polling", "long_polling", "sse", "websocket"):
        assert name in printed
        assert figures[name]["lost"] == figures[name]["duplicated"] == 0


def test_json_to_standard_output_is_nothing_but_json(capsys) -> None:
    assert cli.main(["compare", *FAST, "--transports", "sse", "--json", "-"]) == 0
    assert list(json.loads(capsys.readouterr().out)["transports"]) == ["sse"]


def test_the_ladder_is_written(tmp_path: Path) -> None:
    file = tmp_path / "ladder.svg"
    assert cli.main(["compare", *FAST, "--transports", "sse", "--ladder", str(file)]) == 0
    assert file.read_text().startswith("<svg")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--transports", "sse,websockets"], "Did you mean 'websocket'"),
        (["--profile", "5g"], "Did you mean '4g'"),
        (["--latency", "-1"], "latency must be 0 or more"),
        (["--latency", "nan"], "latency"),
        (["--messages", "0"], "messages"),
        (["--transports", ""], "There is no transport ''"),
        (["--transports", "ws"], "Did you mean 'websocket'"),
    ],
)
def test_bad_values_are_explained_in_a_line(arguments: list[str], words: str, capsys) -> None:
    assert cli.main(["compare", *arguments]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error


def test_a_file_that_cannot_be_written_is_noticed_before_the_run(capsys) -> None:
    assert cli.main(["compare", *FAST, "--transports", "sse", "--json", "/no/such/f.json"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "/no/such/f.json cannot be written" in printed.err


@pytest.mark.parametrize("arguments", [["compare", "--colour", "red"], ["nonsense"], []])
def test_wrong_usage_exits_with_2(arguments: list[str], capsys) -> None:
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert exit_.value.code == 2


def test_help_names_the_commands() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "from rtlab.cli import main; main(['--help'])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for command in ("rtlab lab", "rtlab compare", "rtlab doctor"):
        assert command in shown


def test_the_doctor_finds_this_machine_well(capsys) -> None:
    assert cli.main(["doctor"]) == 0
    printed = capsys.readouterr().out
    for transport in ("polling", "long_polling", "sse", "websocket"):
        assert f"ok    {transport}" in printed


def test_the_doctor_names_what_is_missing_and_what_to_do(monkeypatch, capsys) -> None:
    monkeypatch.setattr(
        versions.importlib.metadata,
        "requires",
        lambda name: ["no-such-package>=1", "aiohttp>=999"],
    )
    assert cli.main(["doctor"]) == 1
    printed = capsys.readouterr().out
    assert "pip install 'no-such-package>=1'" in printed
    assert "is older than 999" in printed


async def test_the_doctor_can_be_asked_where_a_loop_runs_already() -> None:
    found = rtlab.doctor()
    assert found.well
    assert "websocket: message received" in repr(found)
    assert "The lab works here." in repr(found)
    assert "<table" in found._repr_html_()
    ill = Diagnosis((Finding("bad", "<b>", "do this"),))
    assert not ill.well
    assert "-> do this" in repr(ill)
    assert "<b>" not in ill._repr_html_()


# ── the course ──


def test_the_course_is_copied_and_brought_up_to_date_but_not_over_changes(
    tmp_path: Path, monkeypatch
) -> None:
    shipped, target = tmp_path / "shipped", tmp_path / "target"
    shipped.mkdir()
    for name in ("00_start_here.ipynb", "changed.ipynb", "untouched.ipynb"):
        (shipped / name).write_text("first")
    monkeypatch.setattr(course, "source", lambda: shipped)
    assert course.copy_course(target) == []
    (target / "changed.ipynb").write_text("mine")
    (target / "notes.txt").write_text("mine too")
    for name in ("00_start_here.ipynb", "changed.ipynb", "untouched.ipynb"):
        (shipped / name).write_text("second")
    assert course.copy_course(target) == ["changed.ipynb"]
    assert (target / "changed.ipynb").read_text() == "mine"
    assert (target / "notes.txt").read_text() == "mine too"
    assert (target / "untouched.ipynb").read_text() == "second"
    # Asked again, it still knows that the file is the user's.
    assert course.copy_course(target) == ["changed.ipynb"]


def test_a_file_of_the_users_own_that_was_there_first_is_left_alone(
    tmp_path: Path, monkeypatch
) -> None:
    shipped, target = tmp_path / "shipped", tmp_path / "target"
    shipped.mkdir()
    target.mkdir()
    (shipped / "00_start_here.ipynb").write_text("ours")
    (target / "00_start_here.ipynb").write_text("theirs")
    monkeypatch.setattr(course, "source", lambda: shipped)
    assert course.copy_course(target) == ["00_start_here.ipynb"]
    assert (target / "00_start_here.ipynb").read_text() == "theirs"


def test_a_damaged_manifest_loses_nothing(tmp_path: Path, monkeypatch) -> None:
    shipped, target = tmp_path / "shipped", tmp_path / "target"
    shipped.mkdir()
    (shipped / "00_start_here.ipynb").write_text("ours")
    monkeypatch.setattr(course, "source", lambda: shipped)
    course.copy_course(target)
    (target / ".rtlab-course.json").write_text("{")
    (target / "00_start_here.ipynb").write_text("mine")
    assert course.copy_course(target) == ["00_start_here.ipynb"]


def test_a_folder_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="--directory"):
        course.open_course(str(tmp_path / "file" / "below"), [])


@pytest.mark.parametrize("hub", ["", "JUPYTERHUB_USER", "JUPYTERHUB_SERVICE_PREFIX"])
def test_where_jupyterlab_runs_already_the_course_is_copied_only(
    hub: str, tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    for start in ("execv", "call"):
        monkeypatch.setattr(course.os if start == "execv" else course.subprocess, start, None)
    if hub:
        monkeypatch.setenv(hub, "jane")
    assert cli.main(["lab"] if hub else ["lab", "--copy"]) == 0
    first = Path("rtlab-course", "index.ipynb")
    assert (tmp_path / first).is_file()
    assert f"Open {first} in JupyterLab's file browser." in capsys.readouterr().out


def test_a_copy_that_lies_elsewhere_is_named_in_full(tmp_path: Path, capsys) -> None:
    assert cli.main(["lab", "--copy", "--directory", str(tmp_path / "there")]) == 0
    assert f"Open {tmp_path.resolve() / 'there' / 'index.ipynb'} in" in capsys.readouterr().out


def test_arguments_for_a_jupyterlab_that_is_not_started_are_refused(
    tmp_path: Path, monkeypatch, capsys
) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli.main(["lab", "--copy", "--port", "9000"]) == 2
    assert "--port 9000: --copy starts none" in capsys.readouterr().err
    monkeypatch.setenv("JUPYTERHUB_USER", "jane")
    assert cli.main(["lab", "--port", "9000"]) == 2
    assert "--port 9000: on a hub it runs already" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_graded_sets_are_put_where_a_teacher_wants_them(tmp_path: Path, capsys) -> None:
    target = tmp_path / "course"
    assert cli.main(["classroom", str(target)]) == 0
    assert "nbgrader generate_assignment polling" in capsys.readouterr().out
    assert {path.name for path in target.iterdir()} == {
        *("source", "nbgrader_config.py", ".rtlab-course.json")
    }
    (target / "nbgrader_config.py").write_text("mine")
    assert cli.main(["classroom", str(target)]) == 0
    assert "nbgrader_config.py: left as you have it" in capsys.readouterr().out
    assert (target / "nbgrader_config.py").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="its shells quote otherwise")
def test_the_way_to_the_graded_sets_can_be_pasted(tmp_path: Path, capsys) -> None:
    target = tmp_path / "a b'c"
    assert cli.main(["classroom", str(target)]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("  cd ")]
    shown = subprocess.run(["sh", "-c", f"{line} && pwd"], capture_output=True, text=True)
    assert shown.stdout == f"{target.resolve()}\n"


def test_graded_sets_that_cannot_be_written_are_explained(tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("")
    assert cli.main(["classroom", str(tmp_path / "file" / "below")]) == 2
    assert "cannot be put into" in capsys.readouterr().err


def test_who_has_no_nbgrader_is_told(tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.setattr(course, "find_spec", lambda name: None)
    assert cli.main(["classroom", str(tmp_path / "course")]) == 0
    assert "pip install 'rtlab[classroom]'" in capsys.readouterr().out


def test_lab_hands_further_arguments_to_jupyterlab() -> None:
    shown = subprocess.run(
        [sys.executable, "-c", "from rtlab.cli import main; main(['lab', '--version'])"],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert shown.stdout.strip()[0].isdigit()
