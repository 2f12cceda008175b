"""Authentication policies. Basic and bearer can run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stepwell.definition.rules.common import LITERAL, TEMPLATE, URI, among, referring
from stepwell.definition.rules.nouns import (
    Anything,
    Examiner,
    Many,
    NotYet,
    Record,
    Scope,
    Shape,
    Special,
    Text,
)
from stepwell.model.base import Json


def _secret(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    secrets = checker.used("secrets")
    if value not in secrets:
        message = f"the secret `{value}` is not declared"
        checker.complain(
            "unknown-reference", message, pointer, f"add it to the list `use.secrets`: [{value}]"
        )


_BY_SECRET: Final = Record({"use": Text(hook=_secret)}, required=("use",))


def _policy(shape: Record) -> Special:
    """The members of a policy, or `use:` with the name of a secret that holds them."""

    def hook(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
        by_secret = isinstance(value, Mapping) and "use" in value
        checker.push(_BY_SECRET if by_secret else shape, value, pointer, scope)

    return Special(hook)


_PASSWORD: Final = Record({"username": TEMPLATE, "password": TEMPLATE}, required=("username", "password"))
_TOKEN: Final = Record({"token": TEMPLATE}, required=("token",))
_TOKEN_GIVEN: Final = Record({"token": TEMPLATE, "type": TEMPLATE}, required=("token", "type"))
_OPENID: Final[dict[str, Shape]] = {
    "authority": URI,
    "grant": among(
        "authorization_code",
        "client_credentials",
        "password",
        "refresh_token",
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ),
    "client": Record(
        {
            "id": TEMPLATE,
            "secret": TEMPLATE,
            "assertion": TEMPLATE,
            "authentication": among(
                "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"
            ),
        }
    ),
    "request": Record(
        {"encoding": among("application/x-www-form-urlencoded", "application/json")}, others=Anything()
    ),
    "issuers": Many(TEMPLATE),
    "scopes": Many(TEMPLATE),
    "audiences": Many(TEMPLATE),
    "username": TEMPLATE,
    "password": TEMPLATE,
    "subject": _TOKEN_GIVEN,
    "actor": _TOKEN_GIVEN,
}
_ENDPOINTS: Final = Record(
    {"token": LITERAL, "revocation": LITERAL, "introspection": LITERAL}, others=Anything()
)
_REQUIRED: Final = ("authority", "grant")

_POLICIES: Final[dict[str, Shape]] = {
    "basic": _policy(_PASSWORD),
    "bearer": _policy(_TOKEN),
    "digest": NotYet("digest authentication", _policy(_PASSWORD)),
    "oauth2": NotYet(
        "OAuth2 authentication", _policy(Record({**_OPENID, "endpoints": _ENDPOINTS}, required=_REQUIRED))
    ),
    "oidc": NotYet("OpenID Connect authentication", _policy(Record(_OPENID, required=_REQUIRED))),
    "certificate": NotYet("certificate authentication", Anything()),
}

POLICY: Final = Record(_POLICIES, one_of=tuple(_POLICIES))
AUTHENTICATION: Final = Record(
    {"use": referring("authentication", "authentications"), **_POLICIES}, one_of=("use", *_POLICIES)
)
