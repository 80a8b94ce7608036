"""Who may do what? Every view declares one permission; a view that declares none is closed to everybody (S10)."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, ParamSpec, TypeVar

from triage.domain.mentions import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")
R = TypeVar("R")

_ATTRIBUTE: Final = "tocsin_permission"


class Permission(StrEnum):
    """What a view asks of the person who calls it."""

    PUBLIC = "public"
    """Nothing: the login page, static files, the probes of a supervisor."""
    SEE = "see"
    """To be logged in."""
    WORK = "work"
    """To move items: claim, close, hand over, note."""
    OPERATE = "operate"
    """To act on the machinery: poll a source now, replay or discard dead work."""


ALLOWED: Final[Mapping[Permission, frozenset[Role]]] = {
    Permission.SEE: frozenset(Role),
    Permission.WORK: frozenset(Role),
    Permission.OPERATE: frozenset({Role.ONCALL, Role.MANAGER, Role.ADMIN}),
}
"""The roles that have each permission. `PUBLIC` needs no role and is not listed."""


def requires(permission: Permission) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare what a view asks for.

    The mark is set on the function itself and read when a request comes in, so that it holds whatever the order of the
    decorators is (another project lost its login to that order, CVE-2026-35490).
    """

    def mark(view: Callable[P, R]) -> Callable[P, R]:
        setattr(view, _ATTRIBUTE, permission)
        return view

    return mark


def permission_of(view: Callable[..., object] | None) -> Permission | None:
    """Return what a view declared, or None."""
    return getattr(view, _ATTRIBUTE, None)


def may(role: Role, permission: Permission) -> bool:
    """Say whether a role has a permission."""
    return permission is Permission.PUBLIC or role in ALLOWED[permission]
