"""The tables in the README are the ones the code makes; WHERRY_GOLDEN=write writes them anew."""

from __future__ import annotations

import os
import re
from pathlib import Path

from click.testing import CliRunner

from wherry.cli.main import main
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


def test_the_gateway_of_the_text_leads_where_it_says(tmp_path: Path) -> None:
    found = re.search(r"^```yaml gateway\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    rules = tmp_path / "gateway.yaml"
    service = "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: %s}\nspec: {ports: [{port: 80}]}\n"
    rules.write_text(found[1] + service % "hello" + service % "hello-next")
    said = CliRunner().invoke(main, ["ingress", "explain", "--file", str(rules), "http://hello.test/beta/x"])
    assert said.exit_code == 0, said.output
    told = re.sub(r"\s+", " ", said.output)
    assert (
        "HTTPRoute default/hello where header x-user is me: rewritten: prefix /; Service default/hello-next/80" in told
    )
    assert "Service default/hello/80 (9 of 10), Service default/hello-next/80 (1 of 10)" in told
