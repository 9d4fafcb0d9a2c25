"""The tables in the README are the ones the code makes; WHERRY_GOLDEN=write writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

from wherry.ingress.features.catalog import ANNOTATIONS, DEFAULTS, SETTINGS
from wherry.ingress.settings import READERS, Settings

README = Path(__file__).parents[2] / "wherry/ingress/README.md"


def annotations_table() -> str:
    rows = [f"| {a.name} | {a.scope.value} | {a.risk.value} | {a.doc} |\n" for _, a in sorted(ANNOTATIONS.items())]
    return "| annotation | scope | risk | what it does |\n| --- | --- | --- | --- |\n" + "".join(rows)


def settings_table() -> str:
    own = {key: getattr(Settings(), key.replace("-", "_")) for key in READERS}
    of_features = {key: DEFAULTS[key] for key in SETTINGS}
    rows = [f"| {key} | {shown(value)} |\n" for key, value in sorted({**own, **of_features}.items())]
    return "| key | default |\n| --- | --- |\n" + "".join(rows)


def shown(value: object) -> str:
    return (
        " ".join(value) if isinstance(value, tuple) else str(value).lower() if isinstance(value, bool) else str(value)
    )


def test_the_tables_are_up_to_date() -> None:
    text = README.read_text()
    fresh = text
    for table in (annotations_table(), settings_table()):
        head = table.split("\n")[0]
        fresh = re.sub(re.escape(head) + r"\n(\|.*\n)*", lambda _, table=table: table, fresh)
    if os.environ.get("WHERRY_GOLDEN") == "write":
        README.write_text(fresh)
        return
    assert text == fresh
