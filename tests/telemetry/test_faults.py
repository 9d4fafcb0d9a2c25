"""Exceptions in a log are short, and told once."""

from __future__ import annotations

from wherry.telemetry import faults
from wherry.telemetry.faults import Faults


def deep(depth: int, text: str) -> None:
    if depth:
        deep(depth - 1, text)
    raise ValueError(text)


def raised(depth: int = 0, text: str = "why") -> BaseException:
    try:
        deep(depth, text)
    except ValueError as error:
        return error
    raise AssertionError


def endless(text: str = "why") -> BaseException:
    try:
        deep(10_000, text)
    except RecursionError as error:
        return error
    raise AssertionError


def chained(count: int) -> BaseException:
    error = raised()
    for _ in range(count):
        try:
            raise KeyError("x" * 2000) from error
        except KeyError as again:
            error = again
    return error


def test_a_traceback_is_short_and_says_where_it_happened_and_what() -> None:
    for error, said in (
        (raised(), "ValueError: why"),
        (raised(500), "ValueError: why"),
        (raised(5, "x" * 50_000), "(50012 characters)"),
        (endless(), "RecursionError"),
        (chained(100), "KeyError"),
        (BaseExceptionGroup("all", [raised(20) for _ in range(500)]), "ValueError: why"),
    ):
        text = faults.short(error)
        assert len(text) < faults.MOST_BYTES + 100
        assert said in text
        assert "test_faults.py" in text


def test_the_same_fault_is_told_whole_once_and_then_counted_once_a_minute() -> None:
    seen = Faults()
    assert [seen.note("a", second) for second in (0, 1, 2, 59)] == [0, None, None, None]
    assert seen.note("b", 59) == 0
    assert seen.note("a", 61) == 4
    assert seen.note("a", 62) is None
    assert seen.note("a", 200) == 2


def test_faults_are_told_apart_by_type_and_place_and_not_by_what_they_say() -> None:
    assert faults.place(raised(0, "a")) == faults.place(raised(3, "b"))
    assert faults.place(raised()) != faults.place(endless())
    assert faults.place(ExceptionGroup("all", [ValueError("a")])) != faults.place(
        ExceptionGroup("all", [KeyError("a")])
    )


def test_what_is_remembered_has_an_end() -> None:
    seen = Faults()
    assert {seen.note(number, 0) for number in range(10_000)} == {0}
    assert seen.note(9_999, 1) is None
    assert len(seen._seen) == faults.MEMORY
