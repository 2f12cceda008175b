"""Values that people and programs might send where a form asks for something else: the same list for every kind of field."""

from __future__ import annotations

import math

from stepwell.model.base import Json

SHA = "a" * 64
FILE = {"file": SHA, "name": "data.csv", "size": 10, "type": "text/csv"}

SCRIPTS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "javascript:alert(1)", "{{7*7}}", "${7*7}", "${ env }",
    "#{7*7}", "<%= 7*7 %>", "'; DROP TABLE runs; --", "1 OR 1=1", "$(rm -rf /)", "`id`", "| cat /etc/passwd", "%s%s%s%n",
    "<!--#exec cmd='id'-->", "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><a>&x;</a>",
    "=HYPERLINK(\"http://x\")", "@SUM(1+1)", "{\"$ref\": \"#\"}", "\\u0000", "&lt;b&gt;", "</textarea><script>",
]  # fmt: skip
CHARACTERS = [
    "\0", "a\0b", "\x01", "\x1b[31mred\x1b[0m", "\x7f", "\x85", "a\nb", "a\rb", "\t", "\r\n", "\u2028", "\u2029", "\ufeffbom",
    "\u200b", "zero\u200bwidth", "\u200d", "\u00ad", "\u202eevil\u202c", "\u2066x\u2069", "\u0627\u0644\u0639\u0631\u0628\u064a\u0629", "\u05e9\u05dc\u05d5\u05dd", "e\u0301",
    "Z\u0351\u036b\u0343\u036a\u0302", "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\U0001f1e9\U0001f1ea", "\u4e2d\u6587", "\U0010ffff", "\ufffe", "\uffff", "\ufdd0",
    "\u0130", "\u0131", "\u212a", "\u00df", "\u01c6", "\uff11\uff12\uff13", "\u0661\u0662\u0663", "\u0967", "\u00bd", "\u2167", "\ud800", "\udfff", "a\ud800b", "\udc00\ud800",
    "\ud83d", " ", "", " x ", "\u00a0", "\u3000", "\u2003x",
]  # fmt: skip
BIG = [
    "a" * 200_001,
    "a" * 50_000_000,
    "\u00e4" * 200_001,
    "9" * 100_000,
    "\n" * 200_001,
    "a" * 9_999 + "!",
    "a" * 100_000,
]
NUMBERS = [
    0, -0.0, 1, -1, 0.1, 1e-320, 5e-324, 1.5, 2**31, 2**53, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), -(2**63) - 1, 2**64, 2**70,
    10**400, -(10**400), 10**5_000, 1e16, 1e300, 1.7976931348623157e308, 2**1024, float("1e400"), -math.inf, math.nan, True, False,
    "1", "-1", "1.0", "1e5", "1e400", "0x10", "0b1", "1_000", "+1", " 1", "NaN", "Infinity", "-0", "\u0661", "1,5", "00",
]  # fmt: skip
BOMBS = [
    "a" * 5_000 + "!",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!",
    "x" * 5_000,
    "(a+)+$",
    "ab" * 4_000 + "c",
    "-" * 5_000,
    ("a" * 100 + "\n") * 90,
]
TIMES = [
    "2026-11-21T03:42:39Z", "2026-11-21T03:42:39.123456789+01:00", "2026-11-21", "2026-11-21T03:42:39", "2026-02-30T00:00:00Z",
    "2025-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-21T24:00:00Z", "2026-06-30T23:59:60Z", "0000-01-01T00:00:00Z",
    "0001-01-01T00:00:00+23:59", "1000-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-23:59", "2026-11-21T03:42:39+24:00",
    "2026-11-21T03:42:39-00:00", "2026-11-21 03:42:39Z", "2026-11-21t03:42:39z", "20261121T034239Z", "2026-W47-6", "now", "2026-11-21T03:42:39." + "1" * 90 + "Z",
    "2026-11-21T03:42:39.Z", "-2026-11-21T03:42:39Z", "+12026-11-21T03:42:39Z", "2026-11-21T03:42:39Z\n", "\uff12\uff10\uff12\uff16-11-21T03:42:39Z",
    "P", "PT", "P1D", "PT1S", "PT0.000000001S", "PT-1S", "-PT1S", "P1Y2M3W4DT5H6M7S", "PT1M1H", "P1DT", "P999999999999999Y", "P9999Y", "PT1,5S",
    "PT" + "9" * 99 + "S", "P1.5Y", "pt1s", " PT1S", "PT1S ", "PT1S\n", "PT\u0661S", "1h", "PT1e5S",
]  # fmt: skip
REFERENCES = [
    {"ref": "a.b"}, {"ref": "a"}, {"ref": ""}, {"ref": "."}, {"ref": "a.b.c"}, {"ref": "a" * 10_000}, {"ref": 1}, {"ref": None}, {"ref": ["a"]},
    {"ref": {"ref": "a.b"}}, {"ref": "a.b", "x": 1}, {"ref": "../a"}, {"ref": "a.b\n"}, {"ref": "__proto__.x"}, {"ref": "\ud800.x"},
    "step.field", "https://example.com/x?y=1", "file:///etc/passwd", "urn:x:y",
]  # fmt: skip


def nested(depth: int, kind: type) -> Json:
    found: Json = []
    for _ in range(depth):
        found = [found] if kind is list else {"a": found}
    return found


SHAPES = [
    [], {}, [[]], [{}], {"": ""}, {"a": 1}, [None], [True], [1, 2], ["a"], ["a", "a"], ["a", 1], ["a", None], [["a"]], [{"a": []}], ["b"] * 2_000,
    ["\ud800"], ["a\0"], [math.nan], [math.inf], {"__proto__": 1}, {"constructor": 1}, {"file": None}, nested(100_000, list), nested(100_000, dict),
    [nested(50_000, list)], {"file": nested(50_000, dict), "name": [], "size": {}, "type": None}, [""], [" "], {"length": 1}, [[], [[]]],
]  # fmt: skip
NAMES = [
    "../../etc/passwd", "..\\..\\windows\\system32", "/etc/passwd", "C:\\x.csv", "..", ".", "...", "a/b.csv", "a\\b.csv", "a\0.csv", "a.csv\0.exe",
    "CON", "NUL.csv", "a.csv ", "a.csv.", ".csv", "a.CSV", "a.c\u017fv", "a.\u212asv", "\u202evsc.exe", "a\nb.csv", "a" * 256, "a" * 251 + ".csv",
    "", " ", "~/x.csv", "-rf.csv", "$(id).csv", "<b>.csv", "%2e%2e%2fx.csv", "\ud800.csv", "\u6587\u4ef6.csv",
]  # fmt: skip
FILES: list[Json] = [
    *({**FILE, "name": name} for name in NAMES),
    *({**FILE, "name": name} for name in (1, None, [], True)),
    *({**FILE, "size": size} for size in (50 * 2**20, 0, -1, 1.0, 1.5, True, "10", None, math.nan, math.inf, 10**400, 2**63)),
    *({**FILE, "type": type} for type in ("", "text", "text/", "/csv", "text/csv; x=y", "TEXT/CSV", "text/html", "a" * 200 + "/b", "x/y/z", 1, None, "text/\ud800")),
    *({**FILE, "file": digest} for digest in ("", "a", "A" * 64, "g" * 64, "../" * 21 + "a", "a" * 65, "a" * 63 + "\n", 1, None, "\uff41" * 64)),
    FILE, {**FILE, "path": "/etc/passwd"}, {"file": SHA}, {**FILE, "__class__": "x"}, [FILE], [FILE, FILE], [FILE] * 3_000, [FILE, None], [{**FILE, "name": ".."}],
]  # fmt: skip

HOSTILE: list[Json] = [
    *SCRIPTS, *CHARACTERS, *BIG, *NUMBERS, *BOMBS, *TIMES, *REFERENCES, *SHAPES, *FILES,
]  # fmt: skip
"""JSON-like values (NaN and infinities among them), about 300."""
