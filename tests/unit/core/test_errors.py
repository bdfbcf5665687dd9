import pytest

from mainspring import errors
from mainspring.errors import Conflict, InvalidDag, InvalidInput, InvalidParams, MainspringError, Problem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem(pointer="", message="no tasks"), "/: no tasks"),
        (Problem(pointer="/tasks/a", message="bad", line=7), "line 7, /tasks/a: bad"),
        (Problem(pointer="/x", message="bad", hint="did you mean 'y'?"), "/x: bad (did you mean 'y'?)"),
    ],
)
def test_a_problem_reads_as_place_fault_and_cure(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_an_invalid_input_keeps_every_problem_and_says_all_of_them() -> None:
    problems = [Problem(pointer="/a", message="one"), Problem(pointer="/b", message="two")]
    error = InvalidDag(problems)
    assert error.problems == tuple(problems)
    assert str(error) == "/a: one; /b: two"


def test_callers_can_catch_by_what_they_can_do() -> None:
    assert issubclass(InvalidDag, InvalidInput)
    assert issubclass(InvalidParams, InvalidInput)
    assert not issubclass(Conflict, InvalidInput)


def test_the_tree_in_the_docstring_names_every_error() -> None:
    classes = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, Exception)]
    assert {one.__name__ for one in classes} == {name for name in errors.__all__ if name != "Problem"}
    assert all(issubclass(one, MainspringError) and one.__name__ in (errors.__doc__ or "") for one in classes)
