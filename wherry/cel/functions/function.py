"""`Function`: one overload of a function, and what it does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple


class Function(NamedTuple):
    """An overload: `parameters` and `result` are names of types (`string`, `list(dyn)`, `Quantity`).

    The first parameter of a member is what it is called on. `call` raises ValueError for what it cannot take; all
    overloads of a name that differ in opaque types alone share one, as cel-cpp does not tell messages apart.
    """

    name: str
    parameters: Sequence[str]
    result: str
    call: Callable[..., Any]
    is_member: bool = True
