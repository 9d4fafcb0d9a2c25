"""What the directive says; its options are in the README."""

from __future__ import annotations

import dns.exception
import dns.rdataclass
import dns.rdatatype

from wherry.dns.corefile import Directive
from wherry.dns.metrics import RCODES
from wherry.dns.plugins.rewrite.match import KINDS, matcher, pattern
from wherry.dns.plugins.rewrite.rules import (
    AliasRule,
    ClassRule,
    NameRule,
    RcodeRule,
    Replacement,
    Rule,
    TtlRule,
    TypeRule,
)

LONGEST_TTL = 2**32 - 1


def rule(directive: Directive) -> Rule:
    """Read a directive; raises CorefileError."""
    words = list(directive.args)
    for option in directive.options:
        words += [option.name, *option.args]
    go_on = words[:1] == ["continue"]
    if words[:1] in (["continue"], ["stop"]):
        words.pop(0)
    field, *rest = words or [""]
    match field:
        case "name":
            return _name(rest, go_on, directive)
        case "type" if len(rest) == 2:
            return TypeRule(go_on, *(_type(word, directive) for word in rest))
        case "class" if len(rest) == 2:
            return ClassRule(go_on, *(_class(word, directive) for word in rest))
        case "ttl":
            return _ttl(rest, go_on, directive)
        case "rcode":
            kind, name, old, new = _with_kind(rest, 3, directive)
            return RcodeRule(
                go_on, matcher(kind, name, name, directive), _rcode(old, directive), _rcode(new, directive)
            )
        case "cname":
            kind, old, new = _with_kind(rest, 2, directive)
            return AliasRule(go_on, matcher(kind, old, new, directive))
        case "edns0":
            raise directive.error("edns0 is not supported")
    raise directive.error(f"cannot read {' '.join(words)!r}")


def _with_kind(words: list[str], count: int, directive: Directive) -> list[str]:
    """Return a kind of match and the `count` words after it; exact where none is given."""
    if len(words) == count:
        return ["exact", *words]
    if len(words) == count + 1 and words[0] in KINDS:
        return words
    raise directive.error(f"cannot read {' '.join(words)!r}")


def _name(words: list[str], go_on: bool, directive: Directive) -> NameRule:
    kind = words.pop(0) if len(words) > 2 and words[0] in KINDS else "exact"
    if len(words) < 2:
        raise directive.error("name needs what to look for and what to put in its place")
    old, new, *more = words
    if more[:1] == ["metadata"]:
        raise directive.error("metadata is not supported")
    auto, replacements = kind == "exact", []
    while more:
        if more[:2] in (["answer", "auto"], ["answer", "name"]) and (more[1] == "auto" or more[2:3] == ["auto"]):
            auto, more = True, more[2 if more[1] == "auto" else 3 :]
        elif more[0] == "answer" and more[1:2] in (["name"], ["value"]) and len(more) >= 4:
            replacements.append(Replacement(more[1] == "value", pattern(more[2], directive), more[3]))
            more = more[4:]
        else:
            raise directive.error(f"cannot read {' '.join(more)!r}")
    return NameRule(go_on, matcher(kind, old, new, directive), auto, tuple(replacements))


def _ttl(words: list[str], go_on: bool, directive: Directive) -> TtlRule:
    kind, name, bounds = _with_kind(words, 2, directive)
    least, dash, most = bounds.partition("-")
    low, high = (least or "0"), (most or str(LONGEST_TTL)) if dash else least
    if not (low.isdigit() and high.isdigit() and int(low) <= int(high) <= LONGEST_TTL and bounds != "-"):
        raise directive.error(f"{bounds} is neither a TTL nor two with - between")
    return TtlRule(go_on, matcher(kind, name, name, directive), int(low), int(high))


def _type(word: str, directive: Directive) -> int:
    try:
        return int(dns.rdatatype.from_text(word))
    except (dns.exception.DNSException, ValueError) as error:
        raise directive.error(f"{word} is no type") from error


def _class(word: str, directive: Directive) -> int:
    try:
        return int(dns.rdataclass.from_text(word))
    except (dns.exception.DNSException, ValueError) as error:
        raise directive.error(f"{word} is no class") from error


def _rcode(word: str, directive: Directive) -> int:
    if word.isdigit() and int(word) < len(RCODES):
        return int(word)
    if word not in RCODES:
        raise directive.error(f"{word} is no response code")
    return RCODES.index(word)
