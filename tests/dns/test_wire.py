"""Messages as bytes, compared with dnspython on whatever comes."""

import contextlib

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wherry.dns import names
from wherry.dns.query import Answer, Query
from wherry.dns.wire import question, response
from wherry.dns.wire.record import CNAME, SRV, A, Record

LABEL = st.text("abcXYZ019-", min_size=1, max_size=12)
NAME = st.lists(LABEL, min_size=1, max_size=6).map(".".join)
LINES = st.lists(
    st.sampled_from(
        [
            "A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1", "TXT \"a b\" \"c\"", "MX 10 mail.example.org.",
            "SRV 0 5 80 web.example.org.", "NS ns.example.org.", "SOA ns.example.org. admin.example.org. 1 2 3 4 5",
            "CAA 0 issue \"ca.example\"", "NAPTR 1 2 \"u\" \"sip\" \"!x!y!\" a.example.",
        ]
    ),
    max_size=12,
)  # fmt: skip


def judge(data: bytes) -> bool:
    """Whether dnspython reads a query."""
    try:
        message = dns.message.from_wire(data)
    except dns.exception.DNSException:
        return False
    return len(message.question) == 1 and not message.flags & dns.flags.QR and message.opcode() == 0


@given(name=NAME, type=st.integers(0, 65535), at=st.integers(0, 60), byte=st.integers(0, 255), edns=st.booleans())
def test_a_query_is_read_as_dnspython_reads_it(name: str, type: int, at: int, byte: int, edns: bool) -> None:
    data = bytearray(dns.message.make_query(name, "A", use_edns=0 if edns else None, payload=1232).to_wire())
    data[min(at, len(data) - 1)] = byte
    try:
        read = question.read(bytes(data))
    except question.Unanswerable:
        return
    assert judge(bytes(data))
    theirs = dns.message.from_wire(bytes(data))
    assert names.text(read.name) == theirs.question[0].name.canonicalize().to_text()
    assert (read.type, read.cls) == (theirs.question[0].rdtype, theirs.question[0].rdclass)
    assert (read.edns.payload if read.edns else None) == (theirs.payload if theirs.edns >= 0 else None)


@given(data=st.binary(max_size=80))
def test_no_bytes_whatever_raise_anything_else(data: bytes) -> None:
    with contextlib.suppress(question.Unanswerable):
        question.read(data)
    with contextlib.suppress(response.Malformed):
        response.read(data)


@given(name=NAME, lines=LINES, at=st.integers(0, 300), byte=st.integers(0, 255))
def test_a_response_is_read_as_dnspython_reads_it(name: str, lines: list[str], at: int, byte: int) -> None:
    message = dns.message.make_response(dns.message.make_query(name, "A"))
    for line in lines:
        message.answer.append(dns.rrset.from_text(f"{name}.", 60, "IN", *line.split(" ", 1)))
    data = bytearray(message.to_wire())
    read = response.read(bytes(data))
    theirs = [(r.rdtype, r.to_wire()) for s in message.answer for r in s]
    assert [(r.type, r.data) for r in read.answer] == theirs
    data[at % len(data)] = byte
    with contextlib.suppress(response.Malformed):
        response.read(bytes(data))


@given(name=NAME, lines=LINES, limit=st.integers(100, 2000), turn=st.integers(0, 20))
def test_what_is_written_is_read_the_same_and_fits(name: str, lines: list[str], limit: int, turn: int) -> None:
    records = tuple(
        Record(s.name.to_wire() or b"", int(s.rdtype), s.ttl, r.to_wire())
        for line in lines
        for s in [dns.rrset.from_text(f"{name}.", 60, "IN", *line.split(" ", 1))]
        for r in s
    )
    query = Query.ask(f"{name}.", A)
    pieces = query.render(Answer(answer=records, additional=records, largest=limit))
    assert len(pieces.whole()) + 2 <= min(512, limit) or not pieces.fits
    read = dns.message.from_wire(b"\0\0" + pieces.whole())
    assert bool(read.flags & dns.flags.TC) == (pieces.fits < len(pieces.records))
    turned = (pieces.records * 2)[turn % (len(records) or 1) :][: pieces.fits]
    again = dns.message.from_wire(b"\0\0" + pieces.head + b"".join(turned) + pieces.tail)
    assert again.question == read.question


def test_the_aliases_stay_in_front_and_later_names_point_into_them() -> None:
    query = Query.ask("www.example.org.", A)
    target = names.of_text("edge.cdn.example.net.")
    records = (Record(query.name, CNAME, 60, target), *(Record(target, A, 60, bytes((192, 0, 2, n))) for n in range(3)))
    pieces = query.render(Answer(answer=records))
    assert [len(r) for r in pieces.records] == [16, 16, 16]
    read = dns.message.from_wire(b"\0\0" + pieces.whole())
    assert [s.name.to_text() for s in read.answer] == ["www.example.org.", "edge.cdn.example.net."]


def test_the_target_of_an_srv_record_is_never_compressed() -> None:
    query = Query.ask("_db._tcp.demo.", SRV)
    data = b"\0\0\0\1\0\2" + names.of_text("a.demo.")
    assert query.render(Answer(answer=(Record(query.name, SRV, 5, data),))).records[0].endswith(data)


@pytest.mark.parametrize("loop", [b"\xc0\x0c", b"\1a\xc0\x0c", b"\xc0\x0e\xc0\x0c"])
def test_a_name_that_points_at_itself_comes_to_an_end(loop: bytes) -> None:
    data = bytes(2) + b"\x80\0\0\1\0\0\0\0\0\0" + loop + b"\0\1\0\1"
    with pytest.raises(response.Malformed):
        response.read(data)


@pytest.mark.parametrize(
    ("change", "rcode"),
    [
        ({"opcode": 5}, dns.rcode.NOTIMP),
        ({"edns": 1}, dns.rcode.BADVERS),
        ({"questions": 2}, dns.rcode.FORMERR),
        ({"tsig": True}, dns.rcode.NOTAUTH),
    ],
)
def test_what_nobody_can_answer_gets_its_code(change: dict[str, int], rcode: int) -> None:
    message = dns.message.make_query("a.example.", "A", use_edns=change.get("edns"))
    if "opcode" in change:
        message.set_opcode(change["opcode"])
    if "questions" in change:
        message.question *= 2
    if "tsig" in change:
        message.use_tsig({dns.name.from_text("key."): b"secret"})
    with pytest.raises(question.Unanswerable) as caught:
        question.read(message.to_wire())
    assert caught.value.reply is not None
    assert dns.message.from_wire(caught.value.reply, ignore_trailing=True).rcode() == rcode


def test_the_bits_do_and_cd_come_back() -> None:
    message = dns.message.make_query("a.example.", "A", want_dnssec=True)
    message.flags |= dns.flags.CD
    query = Query.read(message.to_wire(), "127.0.0.1", 1, "udp")
    read = dns.message.from_wire(b"\0\0" + query.render(Answer()).whole())
    assert read.ednsflags & dns.flags.DO
    assert read.flags & dns.flags.CD


def test_the_letters_of_the_question_come_back() -> None:
    query = Query.read(dns.message.make_query("WwW.Example.", "A").to_wire(), "127.0.0.1", 1, "udp")
    pieces = query.render(Answer(answer=(Record(query.name, A, 5, bytes(4)),)))
    read = dns.message.from_wire(b"\0\0" + pieces.whole())
    assert str(read.question[0].name) == str(read.answer[0].name) == "WwW.Example."
