"""What a kind declares. A kind is added by declaring it in `kinds/`, not by writing handlers.

Every hook works on the object in its **storage version** (`resource`); `Conversion`s translate the other served
versions at the edge. Hooks are synchronous, and nothing comes between the last of them and the commit: what they read
through `Context` of other objects, commits under way included, still holds. Objects have passed `schema.typed`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Protocol

from wherry.apiserver.user import User
from wherry.objects import Object, definitions
from wherry.objects.definitions import Type
from wherry.objects.errors import ApiError, FieldError
from wherry.objects.family import Network
from wherry.objects.resource import Resource
from wherry.objects.structural.shape import Shape


class Context(Protocol):
    """What a hook may look at: the current objects, the configuration, the caller."""

    service_cidrs: Sequence[Network]
    node_port_range: range
    user: User
    dry_run: bool
    subresource: str

    def get(self, resource: Resource, name: str, namespace: str | None = None) -> Object | None:
        """Return one current object, or None."""
        ...

    def list(self, resource: Resource, namespace: str | None = None) -> Iterable[Object]:
        """Yield the current objects of a resource."""
        ...

    def claimed(self, kind: Kind, name: str) -> bool:
        """Return whether an object holds the claim `name` of a kind of claims (see `Kind.claims`)."""
        ...

    def warn(self, message: str) -> None:
        """Add a `Warning: ` header to the answer."""
        ...


class Claim(NamedTuple):
    """What only one object may have, as an object of `kind`: its name says what, its `spec.parentRef` who has it."""

    kind: Kind
    object: Object


@dataclass(frozen=True, slots=True)
class Column:
    """One column of `kubectl get`: `priority` 0 always, 1 with `-o wide`. `cell` gets the object in storage version."""

    name: str
    cell: Callable[[Object], Any]
    type: str = "string"
    format: str = ""
    description: str = ""
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Conversion:
    """Translate an object between the storage version and one other served version; both return a new object.

    `error` says what is wrong with an object in storage version in the words of the other.
    """

    to_storage: Callable[[Object], Object]
    from_storage: Callable[[Object], Object]
    error: Callable[[FieldError], FieldError] = lambda error: error


class Converter(Protocol):
    """Translates objects that are stored in whatever version they were written in: custom resources.

    Somebody else may have to be asked; `convert` then only knows what `ready` has fetched. A write that comes across
    something else is begun again once that is fetched (`Unconverted`).
    """

    async def ready(self, objects: Sequence[Object], api_version: str) -> None:
        """See to it that `convert` can translate `objects` to `api_version`; raises `ApiError`."""
        ...

    def convert(self, obj: Object, api_version: str) -> Object:
        """Return an object in another version; raises `Unconverted`, and `InternalError` where that has failed."""
        ...

    async def stored(self, obj: Object) -> Object:
        """Return an object as it is to be stored; raises `ApiError`."""
        ...


class Unconverted(Exception):
    """Somebody has to be asked to translate an object: `ask`, then begin again."""

    def __init__(self, converter: Converter, obj: Object, api_version: str):
        super().__init__(f"nobody has been asked what a {obj['kind']} is in {api_version}")
        self._converter = converter
        self._object = obj
        self._api_version = api_version

    async def ask(self) -> None:
        """Have the object translated; that it cannot be is said by the next `convert`."""
        with suppress(ApiError):
            await self._converter.ready([self._object], self._api_version)


class ScalePaths(NamedTuple):
    """Where an object keeps what its `scale` shows, as `.spec.replicas`; `selector` "": nowhere.

    The `selector` of custom resources is a text; `is_object`: it is a `metav1.LabelSelector`.
    """

    spec: str = ".spec.replicas"
    status: str = ".status.replicas"
    selector: str = ".spec.selector"
    is_object: bool = True


class PartMerge(NamedTuple):
    """How a subresource writes here and there in an object.

    `merge(new, old)` returns the private object to store. `owns` says which fields its writers can own: the steps to
    each, "*" for every entry of a list.
    """

    merge: Callable[[Object, Object], Object]
    owns: Sequence[tuple[str, ...]]


GroupVersion = tuple[str, str]
Described = Type | Shape
"""What objects look like: a type of Kubernetes' own, or the schema of a custom resource."""
Validator = Callable[[Object], list[FieldError]]
UpdateValidator = Callable[[Object, Object], list[FieldError]]  # (new, old)
Check = Callable[[Object, Object | None, str], list[FieldError]]  # (new, old, part)


@dataclass(frozen=True, kw_only=True, eq=False)
class Kind:
    """A served kind.

    `resource`: its identity under the storage version. `also`: the other served versions, as (group, version), since
    one store may answer under several groups (Ingress: networking.k8s.io/v1beta1, extensions/v1beta1).
    `types`: (group, version) -> what its objects look like, where that is not in Kubernetes' own schema.
    `converter`: its objects are stored in several versions, and hooks work on the version of the request.
    `variants`: (group, version) -> the kind to take in its place for requests in that version.
    `singular`, `list_kind`: the name of one, by default `kind` in lower case, and of a list, by default `KindList`.
    `default` fills in defaults in place (on a private copy). `prepare(new, old, context)` runs after admission
    and before validation on create (old None) and update, in place: the fields that are not the client's to set.
    `allocate(new, old, context)` comes next: what is drawn from a range and held by `claims`. Both may raise ApiError.
    `columns` excludes Name (first unless `name_column` is False) and Age (added after the last column of priority 0
    unless `age` is False: then the kind shows none, or places its own).
    `has_status`: serves the `status` subresource: plain writes keep the old status, status writes keep the rest.
    `check(new, old, part)`: all checks in one, where what may change depends on what was (`part` as in `parts.merged`).
    `spec_parts`: subresources that write one field of the spec each, and nothing else: name -> field.
    `part_merges`: subresources that write in several places, metadata never: name -> how.
    `status_parts`: as `spec_parts` for the status, and metadata may be written with it: name -> field.
    `status_keeps`: the metadata that a status write cannot change; the rest it can, as any other write.
    `create_on_update`: a PUT creates an object that is not there.
    `unconditional_update`: a PUT need not say from which version it was made.
    `scale`: serves `scale`, whose fields are at `scale_paths`.
    `generation`: metadata.generation counts spec changes; `generation_counts_all`: those of everything but metadata.
    `fields`: selectable fields beyond metadata.name and metadata.namespace: path -> getter.
    `grace_period(obj)`: seconds of graceful deletion (Pods); None deletes at once.
    `deleting(obj)` runs when the deletionTimestamp is set, and replaces parts of `obj` (Namespace: phase Terminating).
    `held(obj)` says that something besides metadata.finalizers keeps a deleted object (Namespace: spec.finalizers); a
    kind that has it keeps its spec in plain writes: only the finalize subresource changes it.
    `claims(obj)`: what only one object may have (a Service's addresses and node ports), of the kinds in `claim_kinds`,
    which are stored, and served only if they are in the catalog too.
    `short_finalizers`: the names of its finalizers need no domain.
    `deprecations`: version -> the text of the `Warning` header on every request through it.
    """

    resource: Resource
    also: Sequence[GroupVersion] = ()
    types: Mapping[GroupVersion, Described] = field(default_factory=dict)
    converter: Converter | None = None
    variants: Mapping[GroupVersion, Kind] = field(default_factory=dict)
    singular: str = ""
    list_kind: str = ""
    short_names: Sequence[str] = ()
    categories: Sequence[str] = ()
    default: Callable[[Object], None] | None = None
    prepare: Callable[[Object, Object | None, Context], None] | None = None
    allocate: Callable[[Object, Object | None, Context], None] | None = None
    validate: Validator | None = None
    validate_update: UpdateValidator | None = None
    check: Check | None = None
    columns: Sequence[Column] = ()
    age: bool = True
    name_column: bool = True
    has_status: bool = False
    spec_parts: Mapping[str, str] = field(default_factory=dict)
    part_merges: Mapping[str, PartMerge] = field(default_factory=dict)
    status_parts: Mapping[str, str] = field(default_factory=dict)
    status_keeps: Sequence[str] = ()
    create_on_update: bool = False
    unconditional_update: bool = True
    scale: bool = False
    scale_paths: ScalePaths = field(default_factory=ScalePaths)
    generation: bool = False
    generation_counts_all: bool = False
    fields: Mapping[str, Callable[[Object], str]] = field(default_factory=dict)
    conversions: Mapping[GroupVersion, Conversion] = field(default_factory=dict)
    grace_period: Callable[[Object, int | None], int | None] | None = None
    deleting: Callable[[Object], None] | None = None
    held: Callable[[Object], bool] | None = None
    claims: Callable[[Object], Iterable[Claim]] | None = None
    claim_kinds: Sequence[Kind] = ()
    deprecations: Mapping[GroupVersion, str] = field(default_factory=dict)
    short_finalizers: bool = False
    name_pattern: str = (
        "dns-subdomain"  # dns-subdomain | dns-label | path-segment (RBAC) | service-name (RFC 1035) | ip-address
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "singular", self.singular or self.resource.kind.lower())
        object.__setattr__(self, "list_kind", self.list_kind or f"{self.resource.kind}List")

    @property
    def kind(self) -> str:
        """`Pod`."""
        return self.resource.kind

    @property
    def plural(self) -> str:
        """`pods`."""
        return self.resource.plural

    @property
    def namespaced(self) -> bool:
        """Whether its objects live in namespaces."""
        return self.resource.namespaced

    @property
    def resources(self) -> list[Resource]:
        """The identity under each served version, the storage version first."""
        others = [replace(self.resource, group=group, version=version) for group, version in self.also]
        return [self.resource, *others]

    @property
    def versions(self) -> list[GroupVersion]:
        """(group, version) of each of `resources`."""
        return [(resource.group, resource.version) for resource in self.resources]

    def looks_like(self, other: Kind) -> bool:
        """Return whether stored objects are the same in `other`'s eyes: perhaps only columns have changed."""
        mine, others = ({gv: getattr(t, "schema", t) for gv, t in kind.types.items()} for kind in (self, other))
        return mine == others

    def type_of(self, resource: Resource) -> Described | None:
        """Return what objects look like in a served version; None: nobody says, and anything goes."""
        own = self.types.get((resource.group, resource.version))
        return own or definitions.of_kind((resource.group, resource.version, resource.kind))
