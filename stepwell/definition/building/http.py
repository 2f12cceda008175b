"""HTTP requests of the model."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.definition.building.parts import Uses, auth
from stepwell.definition.building.values import Members, optional_duration, optional_template
from stepwell.definition.expression import Template
from stepwell.definition.specs import HttpBody


def http_body(given: Members, connection: Members, uses: Uses) -> HttpBody:
    """`connection` holds `connectTimeout` and `readTimeout`."""
    endpoint = given["endpoint"]
    inline = endpoint if isinstance(endpoint, Mapping) else {"uri": endpoint}
    return HttpBody(
        method=given["method"].upper(),
        uri=Template.of(inline["uri"]),
        auth=auth(inline.get("authentication"), uses),
        headers=optional_template(given, "headers"),
        query=optional_template(given, "query"),
        body=optional_template(given, "body"),
        output=given.get("output", "content"),
        redirect=given.get("redirect", False),
        connect_timeout=optional_duration(connection, "connectTimeout"),
        read_timeout=optional_duration(connection, "readTimeout"),
    )
