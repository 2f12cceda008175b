"""Expressions and templates: the one page that other rooms import.

An `Expression` is one jq expression, judged when it is read: refused, computed natively (PATH), run in this
process (PLAIN), or left to a guard (GUARDED, `Deferred`). A `Template` is a JSON value with expressions in
it.
"""

from stepwell.definition.jq.language import Deferred, evaluate, expression, truth
from stepwell.definition.jq.run import evaluate_source
from stepwell.definition.jq.syntax import syntax_errors
from stepwell.definition.jq.words import Expression, ExpressionError, Risk
from stepwell.definition.template import Template

__all__ = [
    "Deferred",
    "Expression",
    "ExpressionError",
    "Risk",
    "Template",
    "evaluate",
    "evaluate_source",
    "expression",
    "syntax_errors",
    "truth",
]
