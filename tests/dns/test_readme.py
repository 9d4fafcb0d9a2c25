"""The READMEs say what there is."""

import re
from pathlib import Path

import pytest

from wherry.dns import order

ROOM = Path(order.__file__).parent


def test_the_table_of_plugins_is_the_chain_in_its_order() -> None:
    text = (ROOM / "README.md").read_text()
    assert tuple(re.findall(r"^\| \[(\w+)\]\(plugins/\1/README.md\)", text, re.MULTILINE)) == order.ORDER


def test_every_plugin_is_a_folder_and_every_folder_a_plugin() -> None:
    folders = {p.parent.name for p in (ROOM / "plugins").glob("*/__init__.py")}
    assert folders == set(order.ORDER)
    assert not order.NOT_HERE & folders


@pytest.mark.parametrize("name", order.ORDER)
def test_every_plugin_has_a_readme_that_names_its_options(name: str) -> None:
    readme = (ROOM / "plugins" / name / "README.md").read_text()
    assert readme.startswith(f"# {name}: ")
    code = "".join(p.read_text() for p in (ROOM / "plugins" / name).glob("*.py"))
    for options in re.findall(r'^ +case \(?"([a-z_"| ]+)"(?: as \w+|\)|,)', code, re.MULTILINE):
        for option in re.findall(r"[a-z_]+", options):
            assert option in readme
