"""A step's context without an engine."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.model.base import Json


class PlainContext:
    """A `WorkContext` of plain values; keeps what it was told in `reports` and `variables`."""

    def __init__(
        self,
        run_id: str = "run",
        step_id: str = "/do/0/step",
        attempt: int = 1,
        key: str = "run:/do/0/step",
        variables: Mapping[str, Json] | None = None,
    ) -> None:
        self.run_id, self.step_id, self.attempt, self.key = run_id, step_id, attempt, key
        self.variables: dict[str, Json] = dict(variables or {})
        self.attributes: dict[str, Json] = {}
        self.reports: list[Json] = []
        self.cancelled = False

    async def report(self, progress: Json) -> None:
        self.reports.append(progress)

    async def set_variables(self, values: Mapping[str, Json]) -> None:
        self.variables.update(values)

    async def set_attributes(self, values: Mapping[str, Json], remove: Sequence[str]) -> None:
        kept = {name: value for name, value in self.attributes.items() if name not in remove}
        self.attributes = {**kept, **values}

    def variable(self, name: str, default: Json = None) -> Json:
        return self.variables.get(name, default)
