"""Metric math, as far as our alarms use it: arithmetic, comparisons, IF, FILL, and sums of lists.

AWS: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html.
An expression is evaluated for one period at a time, so a term is a number, or None where the metric
has no data point. Imports the standard library only, so that it can be tested without MiniStack.
"""

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["UnsupportedExpressionError", "evaluate"]

# Metric math spells these in its own ways; for the rest of what we use it reads like Python.
_SPELLINGS = {r"\bAND\b|&&": " and ", r"\bOR\b|\|\|": " or "}

_OPERATORS: dict[type[ast.AST], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_OF_LISTS: dict[str, Callable[[list[float]], float]] = {
    "SUM": sum,
    "MAX": max,
    "MIN": min,
    "AVG": lambda values: sum(values) / len(values),
}


class UnsupportedExpressionError(ValueError):
    """The expression uses more of metric math than is understood here."""


def evaluate(expression: str, terms: Mapping[str, float | None]) -> float | None:
    """
    Return the value of an expression in one period; None if it has no data point there.

    Raises
    ------
    UnsupportedExpressionError
        If it cannot be understood, or names a term that is not given.
    """
    for spelling, python in _SPELLINGS.items():
        expression = re.sub(spelling, python, expression)
    try:
        tree = ast.parse(expression.strip(), mode="eval")
    except SyntaxError as error:
        raise UnsupportedExpressionError(expression) from error
    return _value(tree.body, terms)


def _value(node: ast.AST, terms: Mapping[str, float | None]) -> float | None:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.Name(id=name) if name in terms:
            return terms[name]
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            value = _value(operand, terms)
            return None if value is None else -value
        case ast.BinOp(left=left, op=kind, right=right):
            return _combined(kind, _value(left, terms), _value(right, terms))
        case ast.Compare(left=left, ops=[kind], comparators=[right]):
            return _combined(kind, _value(left, terms), _value(right, terms))
        case ast.BoolOp(op=kind, values=operands):
            values = [_value(operand, terms) for operand in operands]
            decide = all if isinstance(kind, ast.And) else any
            return None if None in values else float(decide(values))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]):
            return _called(name, arguments, terms)
    raise UnsupportedExpressionError(ast.unparse(node))


def _combined(kind: ast.AST, left: float | None, right: float | None) -> float | None:
    if type(kind) not in _OPERATORS:
        raise UnsupportedExpressionError(type(kind).__name__)
    # No data point comes of one that is missing, or of a division by zero.
    if left is None or right is None or (isinstance(kind, ast.Div) and right == 0):
        return None
    return float(_OPERATORS[type(kind)](left, right))


def _called(
    name: str, arguments: list[ast.expr], terms: Mapping[str, float | None]
) -> float | None:
    match name, arguments:
        case "IF", [condition, then, otherwise]:
            decided = _value(condition, terms)
            return None if decided is None else _value(then if decided else otherwise, terms)
        case "FILL", [series, filler]:
            value = _value(series, terms)
            return _value(filler, terms) if value is None else value
        case _, [ast.List(elts=members)] if name in _OF_LISTS:
            found = [_value(member, terms) for member in members]
            values = [value for value in found if value is not None]
            return float(_OF_LISTS[name](values)) if values else None
    raise UnsupportedExpressionError(name)
