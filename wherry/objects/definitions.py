"""The types of the Kubernetes API: which fields each has, how they travel in JSON and protobuf, how they merge.

The data is `schema.json`, distilled by scripts/distil-schema from the Go types of k8s.io/api and the published OpenAPI;
it is read on first use (a few milliseconds) and kept.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from functools import cache, cached_property
from pathlib import Path

import msgspec

from wherry.objects import Object
from wherry.objects.memo import Memo

GroupVersionKind = tuple[str, str, str]
"""(group, version, kind); the core group is the empty string."""


SCHEMA_PROPS = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps"

UNIONS = {"schema-or-array": f"[]#{SCHEMA_PROPS}", "schema-or-bool": "bool", "schema-or-strings": "[]string"}
"""What stands in a JSON schema in the place of a schema: an object is one, and all else is of this type."""


class Field(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One field of a type, as a row of schema.json.

    `type` is a type expression: `string`, `bool`, `int32`, `int64`, `double`, `bytes` (base64 in JSON), `quantity`,
    `time`, `microtime`, `intorstring`, `raw` (any object), `fields` (managed fields), `json` and `any` (any value), one
    of `UNIONS`, `#` before a type's name, `[]` before an element, `map:` before a value, `items:` before the element
    of a list that is a protobuf message of its own. `flags`: i inlined into the JSON object, p a pointer in Go (so its
    zero value counts as given), o left out when empty, z left out when zero even if a struct, r required.
    `number` is the protobuf field number (0: not in protobuf); `go` the Go type's name where `type` does not imply it.
    `map_type` is atomic for an object that is owned as a whole, granular for one that is not although its type is;
    `default` what a key of list items is where nobody gave it.
    """

    name: str
    type: str
    number: int = 0
    flags: str = ""
    go: str = ""
    strategy: str = ""
    merge_key: str = ""
    list_type: str = ""
    list_keys: tuple[str, ...] = ()
    map_type: str = ""
    default: str | int | bool | None = None

    @property
    def inline(self) -> bool:
        """Whether the field's own fields stand directly in the JSON object that has it."""
        return "i" in self.flags

    @property
    def pointer(self) -> bool:
        """Whether a zero value differs from an absent one."""
        return "p" in self.flags

    @property
    def omit_empty(self) -> bool:
        """Whether an empty value is left out of JSON."""
        return "o" in self.flags

    @property
    def required(self) -> bool:
        """Whether OpenAPI names the field as required."""
        return "r" in self.flags

    @property
    def strategies(self) -> tuple[str, ...]:
        """The strategic merge directives: merge, replace, retainKeys."""
        return tuple(filter(None, self.strategy.split(",")))


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said about one type: `about` itself, and of its `fields` by JSON name; both may be missing."""

    about: str = ""
    fields: dict[str, str] = {}


class Type(Memo):
    """One struct type: `name` as in OpenAPI, `go` as Go prints it (`v1.ServicePort`), `fields` as declared.

    Its fields refer to others of `types` by name. `said` describes a type that is not Kubernetes' own. `map_type` is
    atomic for objects that are owned and replaced as a whole.
    """

    def __init__(
        self,
        name: str,
        go: str,
        fields: tuple[Field, ...],
        types: Mapping[str, Type],
        said: Description | None = None,
        map_type: str = "",
    ) -> None:
        super().__init__()
        self.name = name
        self.go = go
        self.fields = fields
        self.types = types
        self.said = said
        self.map_type = map_type

    @cached_property
    def json(self) -> Mapping[str, Field]:
        """The fields by JSON name, inlined ones resolved: what a JSON object of this type may hold."""
        result: dict[str, Field] = {}
        for field in self.fields:
            result |= self.types[field.type[1:]].json if field.inline else {field.name: field}
        return result

    @property
    def short(self) -> str:
        """The bare Go name, `ServicePort`."""
        return self.go.rpartition(".")[2]

    def go_type(self, expression: str) -> str:
        """Return the Go spelling of a type expression: `[]v1.ServicePort` of `[]#io.k8s.api.core.v1.ServicePort`."""
        if expression.startswith("[]"):
            return "[]" + self.go_type(expression[2:])
        if expression.startswith("map:"):
            return "map[string]" + self.go_type(expression[4:])
        if expression.startswith("#"):
            return self.types[expression[1:]].go
        return _GO_SCALARS.get(expression, expression)

    def __repr__(self) -> str:
        return f"<Type {self.name}>"


class _Row(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """One type, as a row of schema.json."""

    go: str
    fields: tuple[Field, ...]
    map_type: str = ""


class _File(msgspec.Struct):
    source: str
    kinds: dict[str, dict[str, str]]
    types: dict[str, _Row]


class Definitions:
    """All types by OpenAPI name, and the type of each kind."""

    def __init__(self, data: bytes) -> None:
        file = msgspec.json.decode(data, type=_File)
        self.source = file.source
        self.types: dict[str, Type] = {}
        for name, row in file.types.items():
            self.types[name] = Type(name, row.go, row.fields, self.types, map_type=row.map_type)
        self._kinds = file.kinds

    def of_kind(self, gvk: GroupVersionKind) -> Type | None:
        """Return the type of a kind, or None for one this schema does not know (a custom resource)."""
        group, version, kind = gvk
        name = self._kinds.get(f"{group}/{version}" if group else version, {}).get(kind)
        return self.types[name] if name else None

    def kinds(self) -> Iterator[tuple[GroupVersionKind, str]]:
        """Yield every kind with the name of its type."""
        for api_version, kinds in self._kinds.items():
            group, _, version = api_version.rpartition("/")
            for kind, name in kinds.items():
                yield (group, version, kind), name


_GO_SCALARS = {
    "bytes": "[]uint8",
    "quantity": "resource.Quantity",
    "time": "v1.Time",
    "microtime": "v1.MicroTime",
    "intorstring": "intstr.IntOrString",
    "raw": "runtime.RawExtension",
    "fields": "v1.FieldsV1",
    "any": "interface {}",
    "json": "v1.JSON",
    "double": "float64",
    "schema-or-array": "v1.JSONSchemaPropsOrArray",
    "schema-or-bool": "v1.JSONSchemaPropsOrBool",
    "schema-or-strings": "v1.JSONSchemaPropsOrStringArray",
}


@cache
def load() -> Definitions:
    """Return the definitions, read from the package on the first call."""
    return Definitions(Path(__file__).with_name("schema.json").read_bytes())


def of_kind(gvk: GroupVersionKind) -> Type | None:
    """Return the type of a kind, or None where the schema does not know it."""
    return load().of_kind(gvk)


def by_name(name: str) -> Type:
    """Return the type with that OpenAPI name (`io.k8s.api.core.v1.Pod`); KeyError where there is none."""
    return load().types[name]


def declare(types: Mapping[str, tuple[str, Sequence[Field], Description]]) -> Mapping[str, Type]:
    """Return types of one's own by name, of (Go name, fields, description); they may refer to Kubernetes' too."""
    own: dict[str, Type] = {}
    scope = ChainMap(own, load().types)
    for name, (go, fields, said) in types.items():
        own[name] = Type(name, go, tuple(fields), scope, said)
    return own


def list_of(type_: Type) -> Type:
    """Return the type of a list of objects of a type of one's own, as every kind of Kubernetes has one."""
    meta = "io.k8s.apimachinery.pkg.apis.meta.v1."
    fields = (
        Field("", f"#{meta}TypeMeta", flags="i"),
        Field("metadata", f"#{meta}ListMeta", flags="o"),
        Field("items", f"[]#{type_.name}", flags="r"),
    )
    scope = ChainMap({type_.name: type_}, load().types)
    said = Description(f"A list of {type_.short} objects.", {"items": "The objects."})
    return Type(f"{type_.name}List", f"{type_.go}List", fields, scope, said)


def gvk_of(obj: Object) -> GroupVersionKind:
    """Return the (group, version, kind) an object names in its apiVersion and kind; missing ones are empty."""
    group, _, version = str(obj.get("apiVersion") or "").rpartition("/")
    return group, version, str(obj.get("kind") or "")
