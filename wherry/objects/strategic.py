"""Strategic merge: a patch in the object's own shape whose lists merge by key, as kubectl apply and patch send it.

Directives: `$patch: delete|replace` in an object or a list item; `$retainKeys: [...]` keeps only those fields;
`$deleteFromPrimitiveList/FIELD: [...]` removes plain values; `$setElementOrder/FIELD: [...]` orders a list. Elements
only the server has keep their place relative to one another; elements the patch brings stand before those they cannot
be compared with. Source: k8s.io/apimachinery pkg/util/strategicpatch (patch.go).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from wherry.objects import Object
from wherry.objects.definitions import Field, Type
from wherry.objects.errors import ApiError, BadRequest, Invalid

REJECTED = "the server rejected our request due to an error in our request"
"""What the API server says of a patch that is well formed and cannot be applied."""

_DIRECTIVE = "$patch"
_RETAIN = "$retainKeys"
_DELETE_FROM = "$deleteFromPrimitiveList"
_ORDER = "$setElementOrder"

_BAD_DELETE = "invalid patch format of primitive list"
_BAD_ORDER = "invalid patch format of setElementOrder list"
_BAD_RETAIN = "invalid patch format of retainKeys"


def merge(original: Object, patch: Object, type_: Type | None) -> Object:
    """Return `original` with `patch` merged in, a new object; `type_` None merges maps and replaces every list."""
    if _DIRECTIVE in patch:
        return _directed(patch)
    result = _retained(original, patch) if _RETAIN in patch else dict(original)
    ordered = _set_element_orders(result, patch, type_)
    for key, value in patch.items():
        if key in ordered or key == _RETAIN or key.startswith(_ORDER):
            continue
        if key.startswith(_DELETE_FROM):
            _delete_values(result, _target(key, _BAD_DELETE), value)
        elif value is None:
            result.pop(key, None)
        else:
            _merge_field(result, key, value, type_)
    return result


def _directed(patch: Object) -> Object:
    match patch[_DIRECTIVE]:
        case "replace":
            return {key: value for key, value in patch.items() if key != _DIRECTIVE}
        case "delete":
            return {}
    raise _unknown_directive(patch)


def _unknown_directive(patch: Object) -> ApiError:
    return ApiError(f"unknown patch type: {patch[_DIRECTIVE]} in map: {_go_map(patch)}")


def _merge_field(result: Object, key: str, value: Any, type_: Type | None) -> None:
    current, field, inner = result.get(key), _field(type_, key), _inner(type_, key)
    replaces = field is not None and "replace" in field.strategies
    if isinstance(current, dict) and isinstance(value, dict):
        result[key] = value if replaces else merge(current, value, inner)
    elif isinstance(current, list) and isinstance(value, list):
        result[key] = _merge_list(current, value, field, inner)
    elif isinstance(value, dict) and _DIRECTIVE in value:
        result.pop(key, None)
    else:
        result[key] = _clean(value)


def _merge_list(current: list[Any], patch: list[Any], field: Field | None, inner: Type | None) -> list[Any]:
    if field is None or "merge" not in field.strategies:
        return patch
    if not current and not patch:
        return current
    identity = _identity(field, current, patch)
    if field.merge_key:
        current, patch, merged = _merge_items(current, patch, field.merge_key, inner)
    else:
        merged = _unique(current + patch)
    return _arrange(merged, patch, current, identity)


def _merge_items(
    current: list[Any], patch: list[Any], key: str, inner: Type | None
) -> tuple[list[Any], list[Any], list[Any]]:
    """Return the list without what the patch deletes, the patch without its directives, and both merged by key."""
    plain = [item for item in patch if _DIRECTIVE not in item]
    for item in patch:
        match item.get(_DIRECTIVE):
            case None | "replace":
                pass
            case "delete":
                wanted = _key_of(item, key)
                current = [c for c in current if c.get(key) != wanted]
            case "merge":
                raise ApiError("merging lists cannot yet be specified in the patch")
            case _:
                raise _unknown_directive(item)
    if any(item.get(_DIRECTIVE) == "replace" for item in patch):
        return plain, [], plain
    merged = list(current)
    for item in plain:
        wanted = _key_of(item, key)
        at = next((i for i, m in enumerate(merged) if m.get(key) == wanted), None)
        if at is None:
            merged.append(_clean(item))
        else:
            merged[at] = merge(merged[at], item, inner)
    return current, plain, merged


def _set_element_orders(result: Object, patch: Object, type_: Type | None) -> set[str]:
    """Merge the lists that have a `$setElementOrder` into `result`; return their field names."""
    done = set()
    for directive, order in patch.items():
        if not directive.startswith(_ORDER):
            continue
        name = _target(directive, _BAD_ORDER)
        field, inner = _field(type_, name), _inner(type_, name)
        current, changes = result.get(name), patch.get(name)
        _expect_lists(order, [] if current is None else current, [] if changes is None else changes)
        done.add(name)
        if current is None and changes is None:
            if name in patch:
                result.pop(name, None)
            continue
        identity = _identity(field, current or [], changes or [], order)
        _check_order(changes or [], order, identity, bool(field and field.merge_key))
        if current is None:
            merged = _clean(changes)
        else:
            merged = current if changes is None else _merge_list(current, changes, field, inner)
        result[name] = _arrange(merged, order, current or [], identity)
    return done


def _expect_lists(*values: Any) -> None:
    kinds = {str: "string", bool: "bool", int: "int64", float: "float64", dict: "map[string]interface {}"}
    for value in values:
        if not isinstance(value, list):
            raise ApiError(f"expected a []interface {{}}, but received a {kinds.get(type(value), '<nil>')}")


def _check_order(changes: list[Any], order: list[Any], identity: Callable[[Any], Any], keyed: bool) -> None:
    """The items a patch brings must appear in the order list, in that order."""
    if not changes or not order:
        return
    places = iter(order)
    for item in changes:
        if keyed and _DIRECTIVE in item:
            continue
        if not any(identity(place) == identity(item) for place in places):
            text = (
                f"The order in patch list:\n{_go_value(changes)}\n doesn't match {_ORDER} list:\n{_go_value(order)}\n"
            )
            raise ApiError(text)


def _arrange(merged: Iterable[Any], wanted: list[Any], live: list[Any], identity: Callable[[Any], Any]) -> list[Any]:
    """Put the items named by `wanted` in that order and the others, in the order of `live`, in between.

    An item only the server has goes before the next wanted one it preceded in `live`, and else after.
    """
    wanted_place = _places(wanted, identity)
    live_place = _places(live, identity)
    patched: list[Any] = []
    server_only: list[Any] = []
    for item in merged:
        (patched if identity(item) in wanted_place else server_only).append(item)
    patched.sort(key=lambda item: wanted_place[identity(item)])
    server_only.sort(key=lambda item: live_place.get(identity(item), len(live)))
    result = []
    for item in patched:
        place = live_place.get(identity(item))
        while server_only and place is not None and live_place.get(identity(server_only[0]), len(live)) < place:
            result.append(server_only.pop(0))
        result.append(item)
    return result + server_only


def _places(items: list[Any], identity: Callable[[Any], Any]) -> dict[Any, int]:
    places: dict[Any, int] = {}
    for i, item in enumerate(items):
        places.setdefault(identity(item), i)
    return places


def _identity(field: Field | None, *lists: list[Any]) -> Callable[[Any], Any]:
    """Return what makes list items the same (their merge key, or their value), having checked the items' kinds."""
    kinds = {type(item) for items in lists for item in items}
    if list in kinds:
        raise Invalid(REJECTED)
    if type(None) in kinds:  # upstream panics
        raise Invalid(f"{REJECTED}: a list's element is null")
    if len(kinds) > 1:
        raise ApiError(f"list element types are not identical: {_go_value(list(lists))}")
    if dict not in kinds:
        return lambda item: item
    key = field.merge_key if field else ""
    if not key:
        raise ApiError(f"cannot merge lists without merge key for {field.name if field else 'an unknown field'}")
    return lambda item: _key_of(item, key)


def _key_of(item: Object, key: str) -> Any:
    if key not in item:
        raise ApiError(f"map: {_go_map(item)} does not contain declared merge key: {key}")
    if isinstance(item[key], dict | list):
        raise Invalid(f"{REJECTED}: merge key {key} of a list's element is no plain value")
    return item[key]


def _retained(original: Object, patch: Object) -> Object:
    keep = patch[_RETAIN]
    if not isinstance(keep, list):
        raise BadRequest(_BAD_RETAIN)
    for key, value in patch.items():
        if value is not None and not key.startswith("$") and key not in keep:
            raise BadRequest(_BAD_RETAIN)
    return {key: value for key, value in original.items() if key in keep}


def _delete_values(result: Object, name: str, values: Any) -> None:
    current = result.get(name)
    if isinstance(current, list) and isinstance(values, list):
        result[name] = [item for item in current if item not in values]


def _target(directive: str, complaint: str) -> str:
    prefix, _, name = directive.partition("/")
    if not name or prefix not in (_DELETE_FROM, _ORDER):
        raise BadRequest(complaint)
    return name


def _clean(value: Any) -> Any:
    """Return what a patch value that meets nothing stands for: itself without nulls and directives."""
    if isinstance(value, dict):
        return {
            k: _clean(v)
            for k, v in value.items()
            if v is not None and not k.startswith("$") and not (isinstance(v, dict) and _DIRECTIVE in v)
        }
    if isinstance(value, list):
        return [_clean(v) for v in value if not (isinstance(v, dict) and _DIRECTIVE in v)]
    return value


def _unique(items: list[Any]) -> list[Any]:
    return list(dict.fromkeys(items))


def _field(type_: Type | None, name: str) -> Field | None:
    return type_.json.get(name) if type_ else None


def _inner(type_: Type | None, name: str) -> Type | None:
    """Return the struct type of a field or of its elements; None for maps and plain values."""
    field = _field(type_, name)
    inner = field.type.removeprefix("[]") if field else ""
    return type_.types[inner[1:]] if type_ and inner.startswith("#") else None


def _go_map(value: Object) -> str:
    """Return a map as Go prints it: sorted, without quotes."""
    return "map[" + " ".join(f"{k}:{_go_value(v)}" for k, v in sorted(value.items())) + "]"


def _go_value(value: Any) -> str:
    if isinstance(value, dict):
        return _go_map(value)
    if isinstance(value, list):
        return "[" + " ".join(map(_go_value, value)) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return "<nil>" if value is None else str(value)
