"""The answers kept as bytes: what stays, what goes, and when."""

import dns.message
import pytest

from wherry.dns import kept
from wherry.dns.kept import Answers, Kept, Store
from wherry.dns.metrics import Seen
from wherry.dns.query import Answer, Keep, Query
from wherry.dns.wire.record import SRV, A, Record

counted: list[Kept] = []
SEEN = Seen("dns://:53", ".", "udp", A, 0, 20, 40, dnssec=False)


def made(name: str, *tags: str, crowd: bool = False, count: int = 1, **times: float) -> Kept:
    query = Query.ask(name, A)
    records = tuple(Record(query.name, A, 60, bytes((192, 0, 2, n))) for n in range(count))
    keep = Keep(tags, crowd=crowd, **times)  # type: ignore[arg-type]
    return Kept.of(query, Answer(answer=records, keep=keep, rotate=count > 1), keep, SEEN, counted.append)


def addresses(wire: bytes | None) -> list[str]:
    return [r.to_text() for s in dns.message.from_wire(b"\0\0" + (wire or b"")).answer for r in s]


def ttl(wire: bytes | None) -> int:
    return int(dns.message.from_wire(b"\0\0" + (wire or b"")).answer[0].ttl)


def test_a_change_drops_what_was_made_of_it_and_nothing_else() -> None:
    store = Store(10, counted.append)
    for name, tags in (("a.", ("x", "y")), ("b.", ("y",)), ("c.", ("z",))):
        store.put(name.encode(), made(name, *tags))
    store.forget(("y", "unknown"))
    assert [bool(store.get(n)) for n in (b"a.", b"b.", b"c.")] == [False, False, True]
    store.forget(("x", "z"))
    assert not len(store)
    assert not store._by_tag


def test_what_is_asked_for_stays_when_there_is_no_more_place() -> None:
    store = Store(3, counted.append)
    for name in (b"a.", b"b.", b"c."):
        store.put(name, made(name.decode()))
    for n in range(50):
        hot = store.get(b"a.")
        assert hot is not None
        hot.take()
        store.put(f"junk{n}.".encode(), made(f"junk{n}."))
    assert store.get(b"a.")
    assert len(store) == 3


def test_names_anybody_can_make_up_push_out_none_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "MOST_CROWD", 5)
    answers = Answers(counted.append)
    answers.put(b"real", made("real."))
    for n in range(1000):
        answers.put(f"{n}".encode(), made(f"no{n}.", crowd=True))
    assert answers.find(b"real")
    assert len(answers.crowd) == 5


def test_records_begin_with_another_each_time() -> None:
    rotating = made("a.", count=3)
    firsts = [addresses(rotating.take())[0] for _ in range(6)]
    assert sorted(firsts) == sorted(["192.0.2.0", "192.0.2.1", "192.0.2.2"] * 2)
    assert all(sorted(addresses(rotating.take())) == ["192.0.2.0", "192.0.2.1", "192.0.2.2"] for _ in range(3))


def test_a_cut_answer_shows_every_record_in_its_turn() -> None:
    rotating = made("a.", count=100)
    seen = {address for _ in range(100) for address in addresses(rotating.take())}
    assert len(seen) == 100


def test_records_of_different_lengths_are_turned_too() -> None:
    query = Query.ask("a.", SRV)
    records = tuple(Record(query.name, SRV, 5, b"\0\0\0\1\0\2" + bytes((n,)) + b"x" * n + b"\0") for n in (1, 9, 3))
    keep = Keep()
    turning = Kept.of(query, Answer(answer=records, keep=keep, rotate=True), keep, SEEN, counted.append)
    assert {tuple(sorted(addresses(turning.take()))) for _ in range(3)} == {tuple(sorted(addresses(turning.take())))}


def test_ttls_count_down_and_come_to_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    aging = made("a.", stored=100.0, until=110.0)
    found = []
    for now in (100.0, 100.9, 101.0, 105.5, 109.9):  # noqa: B007 - the clock
        found.append(ttl(aging.take()))
    assert found == [60, 60, 59, 55, 51]
    now = 110.0
    assert aging.take() is None


def test_whoever_keeps_it_hears_how_often_it_was_given() -> None:
    store = Store(10, counted.append)
    counted.clear()
    one = made("a.")
    store.put(b"a.", one)
    for _ in range(3):
        one.take()
    store.drop(b"a.")
    assert counted == [one]
    assert one.hits == 3
