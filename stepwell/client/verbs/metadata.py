"""What people call a run and file it under: read and changed apart from its state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from stepwell.client.verbs.base import Verbs
from stepwell.client.verbs.look import LookVerbs
from stepwell.client.views import View
from stepwell.model import commands as c
from stepwell.model import metadata
from stepwell.model.events import SAME, Same

Unchanged = Literal[Same.SAME]


class MetadataVerbs(Verbs, LookVerbs):
    """Title, description, labels, properties, archived."""

    async def set_metadata(
        self,
        run_id: str,
        *,
        title: str | Unchanged | None = SAME,
        description: str | Unchanged | None = SAME,
        labels: Sequence[str] | Unchanged = SAME,
        properties: Mapping[str, str] | Unchanged = SAME,
        archived: bool | Unchanged = SAME,
    ) -> View:
        """Change what is given, also of a run that has ended, and leave the rest as it is; None and what is empty take
        away. `labels` and `properties` are all that there are then; `archived` runs are not found by searches unless
        asked for. Gives what there is now. Raises `InvalidInput`, `NotFound`."""
        command = c.SetMetadata(
            title if title is SAME else metadata.title(title),
            description if description is SAME else metadata.description(description),
            labels if labels is SAME else metadata.labels(labels),
            properties if properties is SAME else metadata.properties(properties),
            archived if archived is SAME else metadata.archived(archived),
        )
        with self.hints():
            await self.engine.command(run_id, command)
        return await self.metadata(run_id)
