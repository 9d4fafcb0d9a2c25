"""Seats, queues and turns of one level."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from wherry.apiserver.flowcontrol import weight
from wherry.apiserver.flowcontrol.queueing import Full, Level, Ticket


def arrive(level: Level, flow: str, count: int, width: int = 1) -> list[Ticket]:
    return [level.arrive(flow, width) for _ in range(count)]


def granted(tickets: list[Ticket]) -> int:
    return sum(ticket.granted for ticket in tickets)


def test_a_flow_has_at_most_half_of_the_seats() -> None:
    level = Level(8)
    assert granted(arrive(level, "greedy", 20)) == 4
    assert granted(arrive(level, "modest", 2)) == 2


def test_flows_that_wait_take_turns_however_many_requests_each_has() -> None:
    level = Level(2)
    (running,) = arrive(level, "first", 1)
    (other,) = arrive(level, "other", 1)
    arrive(level, "greedy", 100)
    arrive(level, "modest", 1)
    got = [level.leave(running), level.leave(other)]
    assert [ticket.flow for tickets in got for ticket in tickets] == ["greedy", "modest"]


def test_a_wide_request_is_not_overtaken_for_ever() -> None:
    level = Level(8)
    running = arrive(level, "a", 4) + arrive(level, "b", 3)
    wide = level.arrive("wide", 4)
    late = level.arrive("late", 1)
    assert not wide.granted
    assert not late.granted
    assert [level.leave(ticket) for ticket in running[:2]] == [[], []]
    assert level.leave(running[2]) == [wide, late] or wide.granted


def test_a_request_wider_than_a_flow_may_be_takes_all_that_one_may() -> None:
    ticket = Level(8).arrive("a", 100)
    assert (ticket.granted, ticket.width) == (True, 4)


def test_a_full_queue_and_a_full_level_refuse() -> None:
    level = Level(2, longest=3, most=5)
    arrive(level, "a", 4)
    with pytest.raises(Full):
        level.arrive("a", 1)
    arrive(level, "b", 3)
    with pytest.raises(Full):
        level.arrive("c", 1)
    assert (level.executing, level.waiting) == (2, 5)


def test_a_level_without_queues_refuses_who_would_have_to_wait() -> None:
    level = Level(2, longest=0, most=0)
    (running,) = arrive(level, "a", 1)
    with pytest.raises(Full):
        level.arrive("a", 1)
    level.leave(running)
    assert granted(arrive(level, "a", 1)) == 1


def test_more_seats_are_given_at_once_and_fewer_once_they_are_left() -> None:
    level = Level(2)
    tickets = arrive(level, "a", 3)
    assert granted(tickets) == 1
    assert level.resize(6, 512, 2048) == tickets[1:]
    assert level.resize(2, 512, 2048) == []
    assert (level.taken, [level.leave(ticket) for ticket in tickets]) == (3, [[], [], []])
    assert granted(arrive(level, "a", 2)) == 1


def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    level = Level(2)
    (running,) = arrive(level, "a", 1)
    waiting = arrive(level, "a", 3)
    for ticket in waiting:
        assert level.leave(ticket) == []
    assert level.leave(running) == []
    assert (level.taken, level.executing, level.waiting) == (0, 0, 0)


@pytest.mark.parametrize("seed", range(20))
def test_whatever_comes_and_goes_no_seat_is_lost_none_given_twice_and_none_left_idle(seed: int) -> None:
    chance = random.Random(seed)
    level = Level(chance.choice([1, 2, 3, 8, 32]))
    alive: list[Ticket] = []
    for _ in range(2000):
        if alive and chance.random() < 0.5:
            ticket = alive.pop(chance.randrange(len(alive)))
            for given in level.leave(ticket):
                assert given.granted
                assert given in alive
        else:
            alive.append(level.arrive(chance.choice("abcdef"), chance.choice([1, 1, 1, 2, 10])))
        held = Counter[str]()
        for ticket in alive:
            held[ticket.flow] += ticket.width * ticket.granted
        assert level.taken == sum(held.values()) <= level.seats
        assert level.waiting == len(alive) - granted(alive)
        assert level.executing == granted(alive)
        most = max(level.seats // 2, 1)
        assert max(held.values(), default=0) <= most
        heads = {t.flow: t for t in reversed(alive) if not t.granted}.values()
        due = [t.width for t in heads if held[t.flow] + t.width <= most]
        assert not due or level.taken + max(due) > level.seats
    for ticket in alive:
        level.leave(ticket)
    assert (level.taken, level.executing, level.waiting) == (0, 0, 0)


def test_long_lists_and_large_bodies_weigh_more() -> None:
    assert [weight.of_list(n, "") for n in (0, 99, 100, 350, 10**6)] == [1, 1, 2, 4, 10]
    assert [weight.of_list(10**6, limit) for limit in ("1", "500", "0", "-1", "x", "9" * 50)] == [1, 6, 10, 10, 10, 10]
    assert [weight.of_body(n) for n in (0, 1000, 1 << 18, 1 << 24, None)] == [1, 1, 2, 10, 10]
