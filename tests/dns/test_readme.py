"""The README says what there is."""

from pathlib import Path

from wherry.dns import chain


def test_the_table_of_plugins_is_the_chain_in_its_order() -> None:
    text = (Path(chain.__file__).parent / "README.md").read_text()
    rows = [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("| ")]
    assert tuple(rows[2:]) == chain.ORDER


def test_every_plugin_is_a_file_and_every_file_a_plugin() -> None:
    files = {p.stem for p in (Path(chain.__file__).parent / "plugins").glob("*.py")} - {"__init__"}
    assert files == set(chain.ORDER)
    assert not chain.LATER & files
