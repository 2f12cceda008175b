"""Which expressions may run in the engine's process."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.definition.expression import Deferred, ExpressionError, Risk, evaluate, expression
from stepwell.definition.jq import lexicon

DANGEROUS = [
    "repeat(.)", "[range(1e12)]", "range(3)", '"a"*1000000000', '"a" * .n', ".s * .n", ".n *= .m", "[.[]|.[]|.[]]",
    "def f: f; f", 'test("(a+)+$")', "..", ".. | .a?", ". as [$a,$b] | $a", ".a as $x | [$x, $x]", "recurse",
    "recurse(.[])", "while(true; .)", "until(false; .)", "limit(3; .[])", "first(.[])", "last(.[])", "nth(2; .[])",
    "reduce .[] as $x (0; . + $x)", "foreach .[] as $x (0; . + $x)", "label $f | break $f", 'match("a")',
    'capture("a")', 'scan("a")', 'split("a"; "g")', 'splits("a")', 'sub("a"; "b")', 'gsub("a"; "b")', "combinations",
    "walk(.)", "1, 2", ".a, .b", "f(1, 2)", '.["a", "b"]', "(1, 2) | .", ".[] + .[]", "map(map(.))",
    "any(.[]; .x)", "all(.[]; .x)", "paths", "leaf_paths", "tostream", "input_x", "ascii", "getpath([1,2]) = 1",
    ".[100000000] = 1", "setpath([100000000]; 1)", ".[.n] |= 1", "tojson | tojson | tojson", "[.,.] | " * 12 + ".",
    " + ".join(["."] * 20), ".a | " * 20 + ".", '"' + "x" * 3000 + '" | length', "join(.sep)", "unknown_word",
    "pick(.[100000000])", "ltrimstr(.a, .b)", ".a ?// .b", "(.", "]",
]  # fmt: skip

COMMON = [
    '.colors + ["red"]', '.a == "x"', ".n + 1", "{a: .x, n: (.n + 1)}", ".items | length", '.x // "none"',
    ".a and .b", '"Hello \\(.name)"', ".list | map(.id)", ".[] | select(.ok)", ".a | tostring", ".n * 2", "2 * .n",
    ".n % 2 == 0", ".a | not", ".a?", "if .n > 3 then 1 else 2 end", ".items | map(.price) | add", "to_entries",
    "map(select(.id == $item.id)) | length", ".tags | join(\", \")", ".a.b += 1", "with_entries(.value)",
    "[.items[] | {id, n: .x}]", "$context + {a: 1}", ". + {a: .b}", ".items | sort_by(.n) | first",
    "now | todate", ".a | has(\"b\")", ".a | keys", ".s | split(\",\")", ".s | ascii_downcase", ".a[1:3]",
    ".orderType == \"electronic\"", "$task.input.n >= 18", "@base64 \"x\\(.a)\"", ".a | @json", "try error(\"x\") catch .",
    ".customer.age < 18", "($context.events | length) == 3", ".a // 1",
]  # fmt: skip


@pytest.mark.parametrize("text", DANGEROUS)
def test_dangerous_ones_are_guarded(text):
    assert expression(text).risk is Risk.GUARDED


@pytest.mark.parametrize("text", COMMON)
def test_common_ones_are_plain(text):
    assert expression(text).risk is Risk.PLAIN


words = st.sampled_from(sorted(lexicon.STEADY | lexicon.SQUARE))
terms = st.one_of(
    words,
    st.sampled_from(
        [".", ".a", ".s", ".n", ".l", ".l[]", ".[]", "$v", '"x"', "1", "1e9", "null", "@json", "@html"]
    ),
)


loops = st.sampled_from(sorted(word for word in lexicon.LOOPS if "/" not in word))


@st.composite
def programs(draw, depth=2):
    parts = []
    for _ in range(draw(st.integers(1, 3))):
        form = draw(
            st.sampled_from(
                ["{loop}({inner})", "{word}({inner})", "[{inner}]", "({inner})", "{term}", "{both}"]
            )
        )
        inner = draw(programs(depth=depth - 1)) if depth else draw(terms)
        both = "{a: .l[], b: (" + inner + ")}"
        parts.append(
            form.format(loop=draw(loops), word=draw(words), term=draw(terms), inner=inner, both=both)
        )
    return draw(st.sampled_from([" | ", " + ", " - ", " * ", " // ", ", ", " = ", " |= "])).join(parts)


HEAVY = [
    {"a": {"x": [1] * 100}, "s": "a\"'<" * 150, "n": 5, "l": list(range(150))},
    list(range(500)),
    {"a": 1, "s": "\u0001" * 200, "n": 1e15, "l": [[1, 2]] * 150},
]


@given(programs(), st.sampled_from(HEAVY))
@settings(max_examples=400, deadline=None)
def test_plain_ones_stay_small(text, data):
    """Whatever is run in the engine's process gives a result of a size that one can bear."""
    found = expression(text)
    if found.risk is not Risk.PLAIN or found.refused is not None:
        return
    try:
        result = evaluate(found, data, {"v": data}, 0)
    except (ExpressionError, Deferred):
        return
    assert len(json.dumps(result)) < 20_000_000
