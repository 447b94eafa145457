from __future__ import annotations

import pytest

import rtlab
from rtlab.errors import UsageError
from rtlab.exercises.quiz import notebooks


def test_every_notebook_has_one():
    assert notebooks() == [f"{number:02}" for number in range(9)]


@pytest.mark.parametrize("name", notebooks())
def test_three_questions_with_one_right_choice_and_feedback_on_each(name):
    quiz = rtlab.quiz(name)
    assert len(quiz.questions) == 3
    for question in quiz.questions:
        assert len(question.choices) == 3
        assert sum(choice.right for choice in question.choices) == 1
        assert all(choice.text and choice.feedback for choice in question.choices)


def test_the_right_choice_is_not_always_in_the_same_place():
    places = [
        [choice.right for choice in question.choices].index(True)
        for name in notebooks()
        for question in rtlab.quiz(name).questions
    ]
    assert all(places.count(place) >= 7 for place in range(3))


def test_answers_get_their_feedback():
    quiz = rtlab.quiz("04")
    letters = [
        "abc"[[choice.right for choice in question.choices].index(True)]
        for question in quiz.questions
    ]
    assert quiz.answer(*letters).count("✓") == 3
    wrong = ["abc"[("abc".index(letter) + 1) % 3] for letter in letters]
    assert quiz.answer(*wrong).count("✗") == 3


def test_bad_answers_and_names():
    quiz = rtlab.quiz("04")
    with pytest.raises(UsageError, match="3 questions"):
        quiz.answer("a")
    with pytest.raises(UsageError, match="no choice in question 2 'z'"):
        quiz.answer("a", "z", "a")
    with pytest.raises(UsageError, match="There is no quiz '44'"):
        rtlab.quiz("44")
    assert rtlab.quiz(4).notebook == "04"


def test_as_html_it_needs_no_script_and_folds_every_feedback():
    quiz = rtlab.quiz("03")
    html = quiz._repr_html_()
    assert "<script" not in html and "http" not in html.replace("HTTP", "")
    assert html.count("<details>") == 9
    assert "✓" in html and "✗" in html
    assert "a)" in repr(quiz) and "✓" not in repr(quiz)
