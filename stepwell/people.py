"""Who asks, what goes wrong with what they fill in, and procedures as trees of steps: for programs in which people
take part.

    from stepwell.people import Actor, InvalidForm

    await engine.submit_step(run, "valves", {"closed": True}, by=Actor("ada", groups=("stand",)))

Public, as `stepwell` itself is; the verbs are those of `Stepwell` (docs/procedures.md).
"""

from stepwell.definition.nested import from_nested, to_nested
from stepwell.model.errors import InvalidForm, NotLinear
from stepwell.model.people import Actor, ActorKind, Target

__all__ = ["Actor", "ActorKind", "InvalidForm", "NotLinear", "Target", "from_nested", "to_nested"]
