"""loadbalance [round_robin]: shuffles the addresses of an answer, so that clients that take the first spread out."""

from __future__ import annotations

import random

import dns.rdatatype
import dns.rrset

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Answer, Handler, Query, Quiet

SHUFFLED = (dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.MX)


class LoadBalance(Quiet):
    """The plugin."""

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Shuffle what comes back."""
        answer = await next(query)
        if not answer.lasting:
            sections = (answer.message.answer, answer.message.additional)
            for section in sections:
                section[:] = [_shuffled(s) if s.rdtype in SHUFFLED and len(s) > 1 else s for s in section]
        return answer


def _shuffled(rrset: dns.rrset.RRset) -> dns.rrset.RRset:
    records = list(rrset)
    random.shuffle(records)
    return dns.rrset.from_rdata_list(rrset.name, rrset.ttl, records)


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> LoadBalance:
    """Make the plugin."""
    if directive.args not in ((), ("round_robin",)) or directive.options:
        raise directive.error(f"{' '.join(directive.args)} is not supported yet; only round_robin is")
    return LoadBalance()
