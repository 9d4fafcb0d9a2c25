"""Pure: API objects and the rules over them (metadata, selectors, quantities, patches, schema). No I/O of any kind.

An API object is a plain JSON-shaped ``dict[str, Any]`` (alias `Object`) exactly as it travels on the wire. Objects that
came from a client, an informer or a store are shared and must never be changed in place: copy first
(`wherry.objects.metadata.copy`).
"""

from typing import Any, TypeAlias

Object: TypeAlias = dict[str, Any]
"""A Kubernetes API object as JSON: shared by everybody who holds it, so read-only by convention."""
