from __future__ import annotations

from rtlab.exercises.verdict import Outcome, Verdict
from rtlab.render.verdict import as_html, as_text

OK = Outcome("the first", "passed", 1)
BAD = Outcome(
    "the <second>",
    "failed",
    2,
    message="Not <b>so</b>.",
    expected=b"\x81\x00",
    got=b"\x81\x05Hello",
    compared=True,
    place="line 3, in f: return </script>",
    clause="RFC 6455 §5.2",
    protocol="websocket",
)
REST = Outcome("the third", "not tried", 1, message="Not tried.")


def verdict(*cases: Outcome, **more) -> Verdict:
    return Verdict("an-exercise", cases, 7, **more)


def test_a_pass_is_short():
    text = as_text(verdict(OK, notes=("Well done.",)))
    assert text.splitlines()[0] == "✓ an-exercise: 1 of 1 cases, 1 of 1 points"
    assert "seed" not in text
    assert "Well done." in text


def test_the_first_failure_in_full_and_the_others_as_a_list():
    same = Outcome("the fourth", "failed", 1, message=BAD.message)
    text = as_text(verdict(OK, BAD, REST, same))
    assert text.splitlines()[0] == "✗ an-exercise: 1 of 4 cases, 1 of 5 points"
    assert text.index("✗ the <second>") < text.index("✓ the first")
    assert "expected  81 00" in text
    assert "got       81 05 48 65 6c 6c 6f" in text
    assert "see       RFC 6455 §5.2" in text
    assert "· the third: Not tried." in text
    assert "✗ the fourth: the same" in text
    assert "seed=7" in text


def test_html_escapes_and_shows_bytes_as_frames():
    html = as_html(verdict(OK, BAD, printed="<img src=x>"))
    assert "<b>so</b>" not in html
    assert "&lt;img src=x&gt;" in html
    assert "return &lt;/script&gt;" in html
    assert html.count("field by field") == 2
    assert "81 <mark>05</mark> <mark>48</mark>" in html
    assert "81 <mark>00</mark>" in html
    assert "payload length" in html


def test_long_values_are_cut():
    long = Outcome("x", "failed", 1, expected=list(range(10_000)), got="y" * 100_000, compared=True)
    assert len(as_text(verdict(long))) < 4_000
    assert "10,000 items in all" in as_text(verdict(long))
    deep = Outcome("x", "failed", 1, expected=[], got=["y" * 70] * 30, compared=True)
    assert "more lines" in as_text(verdict(deep))
    big = Outcome("x", "failed", 1, expected=b"", got=bytes(10_000), compared=True)
    assert "10,000 bytes in all" in as_text(verdict(big))
    assert "no bytes" in as_text(verdict(big))


def test_control_characters_do_no_harm():
    bad = Outcome("x", "failed", 1, expected="a", got="\x1b[2J", compared=True)
    assert "\x1b" not in as_text(verdict(bad, printed="\x1b[31mred"))


def test_levels():
    cases = [
        Outcome("a", "passed", 1, 1),
        Outcome("b", "failed", 1, 2),
        Outcome("c", "passed", 1, 3),
    ]
    assert verdict(*cases).level == 1
    assert "level 1 of 3 reached" in as_text(verdict(*cases))
    assert verdict(cases[0], cases[2]).level == 3
