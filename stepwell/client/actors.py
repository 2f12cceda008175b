"""Who speaks, as the record may have it."""

from __future__ import annotations

from typing import Final

from stepwell.model.errors import InvalidInput
from stepwell.model.people import Actor, ActorKind

Who = Actor | str
"""A person by name, or somebody with kind, groups and roles."""

_LONGEST_NAME: Final = 200


def known_actor(who: Actor | str) -> Actor:
    """Raises `InvalidInput` for somebody that nobody can be."""
    if not isinstance(who, Actor | str):
        raise InvalidInput("whoever does something is a name, or an Actor", hint='say by="ada"')
    actor = who if isinstance(who, Actor) else Actor(who)
    if not actor.id.strip() or len(actor.id) > _LONGEST_NAME or not actor.id.isprintable():
        raise InvalidInput("whoever does something has a name of 1 to 200 printable characters")
    if actor.kind not in (ActorKind.PERSON, ActorKind.SERVICE):
        raise InvalidInput("nobody can speak for the engine", hint="be a person or a service")
    return actor
