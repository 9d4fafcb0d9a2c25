from __future__ import annotations

from wherry.objects import definitions, descriptions
from wherry.objects.definitions import Type


def speakers(type_: Type) -> set[str]:
    """Return the short names of the types whose descriptions apply to a type: its own and those it inlines."""
    inlined = (definitions.by_name(field.type[1:]) for field in type_.fields if field.inline)
    return {type_.short}.union(*map(speakers, inlined))


def test_whatever_is_described_exists() -> None:
    known: dict[str, set[str]] = {}
    for type_ in definitions.load().types.values():
        for name in speakers(type_):
            known.setdefault(name, set()).update(type_.json)
    described = {(name, field) for name, said in descriptions.load().items() for field in said.fields}
    assert descriptions.load().keys() <= known.keys()
    assert described <= {(name, field) for name, fields in known.items() for field in fields}


def test_a_description_is_a_sentence_on_one_line() -> None:
    said = [text for each in descriptions.load().values() for text in (each.about, *each.fields.values()) if text]
    assert [text for text in said if not text[0].isupper() or not text.endswith(".") or "\n" in text] == []


def test_the_fields_of_an_inlined_type_are_described_in_those_that_inline_it() -> None:
    volume = descriptions.of(definitions.by_name("io.k8s.api.core.v1.Volume"))
    assert {"name", "hostPath", "emptyDir"} <= volume.fields.keys()
    service = descriptions.of(definitions.by_name("io.k8s.api.core.v1.Service"))
    assert service.fields["apiVersion"] == descriptions.load()["TypeMeta"].fields["apiVersion"]
