"""The table of what modes do is the one the cases make; WHERRY_GOLDEN=write writes it anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

from tests.proxy.cases import CASES
from wherry.proxy.modes import _MODES

README = Path(__file__).parents[2] / "wherry/proxy/modes/README.md"


def table() -> str:
    head = f"| case | {' | '.join(_MODES)} |\n|{' --- |' * (len(_MODES) + 1)}\n"
    return head + "".join(f"| {c.name} | {' | '.join(str(c.expected_in(mode)) for mode in _MODES)} |\n" for c in CASES)


def test_the_table_is_up_to_date() -> None:
    text = README.read_text()
    head = table().split("\n")[0]
    fresh = re.sub(re.escape(head) + r"\n(\|.*\n)*", lambda _: table(), text)
    if os.environ.get("WHERRY_GOLDEN") == "write":
        README.write_text(fresh)
        return
    assert text == fresh
    assert table() in text
