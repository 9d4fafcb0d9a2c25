"""nft transactions as text."""

from __future__ import annotations

import pytest

from wherry.net import nft
from wherry.net.nft import Transaction


def test_a_transaction_is_printed_in_the_order_nft_must_have() -> None:
    """Chains before what jumps to them; deletions before the additions that replace them; chains nobody needs last."""
    transaction = Transaction(
        "ip t",
        prepare=("flush map ip t m",),
        chains={"c": ["accept"]},
        deleted={"m": ["1.1.1.1"]},
        added={"m": {"1.1.1.1": "goto c"}, "s": {"2.2.2.2": None, "3.3.3.3": None}},
        dropped_chains=["old"],
    )
    assert str(transaction).splitlines() == [
        "flush map ip t m",
        "add chain ip t c",
        "flush chain ip t c",
        "add rule ip t c accept",
        "delete element ip t m { 1.1.1.1 }",
        "add element ip t m { 1.1.1.1 : goto c }",
        "add element ip t s { 2.2.2.2, 3.3.3.3 }",
        "flush chain ip t old",
        "delete chain ip t old",
    ]


def test_a_transaction_without_changes_is_false() -> None:
    assert not Transaction("ip t")
    assert str(Transaction("ip t")) == ""


def test_many_elements_are_cut_into_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nft, "BATCH", 2)
    transaction = Transaction("ip t", added={"s": {"a": None, "b": None, "c": None}})
    assert str(transaction).splitlines() == ["add element ip t s { a, b }", "add element ip t s { c }"]


@pytest.mark.kernel
async def test_nfts_complaint_is_kept_short() -> None:
    with pytest.raises(nft.NftError, match="syntax error") as caught:
        await nft.NftCommand().run(f"add nonsense {'x' * 5000}\n")
    assert len(str(caught.value)) < 2000


@pytest.mark.kernel
async def test_a_table_that_is_not_there_is_none_and_no_other_failure_is() -> None:
    assert await nft.NftCommand().list_table("ip no-such-table-of-a-test") is None
    with pytest.raises(nft.NftError, match="syntax error"):
        await nft.NftCommand().list_table("nofamily t")
