"""Which components are said not to start."""

import time

from wherry.cluster.reports import Report, fatal


def test_one_that_ended_once_may_come_up_yet() -> None:
    assert fatal([Report("a", 1, "x"), Report("b", 2, "y")]) is None


def test_one_that_ended_three_times_in_a_row_does_not_start() -> None:
    assert fatal([Report("a", 1, "x"), Report("b", 3, "y")]) == Report("b", 3, "y")


def test_one_that_says_that_nothing_will_change_is_believed_the_first_time() -> None:
    hopeless = Report("a", 1, "no store", hopeless=True, settled=time.time() + 5)
    assert fatal([hopeless]) == hopeless
