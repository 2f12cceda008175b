"""Which words of jq are harmless, which are heavy, and which are refused. A word that is not here is
guarded.
"""

from __future__ import annotations

from typing import Final

_ENVIRONMENT: Final = "reads the machine's environment"
_INPUTS: Final = "reads other inputs than the data of the workflow"
_OUTPUT: Final = "writes to the engine's own output"
_ENDS: Final = "ends the program that evaluates it"
_MODULES: Final = "loads files"
_ZONE: Final = "depends on the time zone of the machine"
_PLACE: Final = "tells where the program is installed"

REFUSED: Final[dict[str, str]] = {
    "env": _ENVIRONMENT,
    "$ENV": _ENVIRONMENT,
    "$__prog_args": _ENVIRONMENT,
    "input": _INPUTS,
    "inputs": _INPUTS,
    "input_filename": _INPUTS,
    "input_line_number": _INPUTS,
    "debug": _OUTPUT,
    "stderr": _OUTPUT,
    "halt": _ENDS,
    "halt_error": _ENDS,
    "import": _MODULES,
    "include": _MODULES,
    "module": _MODULES,
    "modulemeta": _MODULES,
    "get_search_list": _MODULES,
    "get_prog_origin": _PLACE,
    "get_jq_origin": _PLACE,
    "localtime": _ZONE,
    "strflocaltime": _ZONE,
}
"""Refused at parse time and at run time, with the reason."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


KEYWORDS: Final = _words(
    "and as catch def elif else end foreach if import include label module or reduce then try __loc__"
)
"""Words that are no functions: an expression begins after them."""

STEADY: Final = _words(
    """and catch elif else end if or then try
    abs acos acosh add all any arrays asin asinh ascii_downcase ascii_upcase atan atanh booleans bsearch cbrt
    ceil cos cosh dateadd datesub empty endswith error exp exp10 exp2 explode fabs false finites first flatten
    floor from_entries fromdate fromdateiso8601 fromjson getpath gmtime has implode infinite isfinite
    isinfinite isnan isnormal iterables keys keys_unsorted last length log log10 log2 ltrim ltrimstr max min
    mktime nan normals not now null nulls numbers objects pow rint round rtrim rtrimstr scalars select
    significand sin sinh sort split sqrt startswith strftime strings strptime tan tanh to_entries toboolean
    todate todateiso8601 tojson tonumber tostring trim trimstr true trunc type unique utf8bytelength values
    reverse del join"""
)
"""Their cost grows as the data grows; the result is no larger than a small multiple of it."""

SWEEPS: Final = _words(
    "add all any del explode flatten from_entries fromjson implode join keys keys_unsorted max min reverse "
    "sort split to_entries tojson tostring unique"
)
"""Of those, what goes through all of a value: harmless alone, not inside a loop."""

SQUARE: Final = _words("contains inside in index rindex indices transpose IN")
"""May compare everything with everything, or give a result of that size."""

LOOPS: Final = _words(
    "map map_values with_entries sort_by group_by unique_by max_by min_by isempty add/1 any/1 all/1"
)
"""Evaluate their argument once per element."""

ARGUMENTS: Final[dict[str, int]] = {
    "split": 1,
    "join": 1,
    "first": 0,
    "last": 0,
    "any": 1,
    "all": 1,
    "flatten": 1,
    "IN": 1,
    "error": 1,
}
"""The most arguments with which these words stay harmless."""

SWELLING: Final = 6
"""How much longer a text can become by being escaped (`tojson`, `@html`, `@sh`, `@uri`)."""
