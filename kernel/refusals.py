"""Which refusals a function can end in, read from its source: what a document promises is found, not remembered.

Followed are the names that a body mentions and that mean one of our functions or classes, also in another module
and through dependencies. What is only reached by a name made at run time is not found; tests compare each refusal they
meet with the document.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from kernel.errors import Refusal

OURS = ("kernel.", "services.", "gateway.", "contracts.")


def refusals_of(*functions: Callable[..., Any]) -> set[type[Refusal]]:
    """Every Refusal class that one of `functions`, or what it calls, mentions outside an `except`."""
    found: set[type[Refusal]] = set()
    seen: set[Any] = set()
    waiting = list(functions)
    while waiting:
        one = waiting.pop()
        if one in seen:
            continue
        seen.add(one)
        for thing in _mentioned(one):
            if isinstance(thing, type) and issubclass(thing, Refusal):
                # One without words is a family's name, and never raised itself.
                found |= {thing} if thing.detail else set()
            elif thing not in seen:
                waiting.append(thing)
    return found


def _mentioned(thing: Any) -> Iterator[Any]:
    """The functions, classes and refusals of ours that the source of `thing` names."""
    for body in _bodies(thing):
        known = _names(body)
        for path in _paths(body):
            value = known.get(path[0])
            for name in path[1:]:
                value = getattr(value, name, None)
            yield from _ours(value)


def _bodies(thing: Any) -> Iterator[Callable[..., Any]]:
    if inspect.isclass(thing):
        for member in vars(thing).values():
            inner = getattr(member, "__func__", getattr(member, "fget", member))
            if inspect.isfunction(inner):
                yield inner
    elif inspect.isfunction(inner := inspect.unwrap(thing)):
        yield inner


def _names(function: Callable[..., Any]) -> dict[str, Any]:
    closed = inspect.getclosurevars(function)
    return {**function.__globals__, **closed.nonlocals}


@cache
def _paths(function: Callable[..., Any]) -> tuple[tuple[str, ...], ...]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError):
        return ()
    caught = {id(node) for each in ast.walk(tree) if isinstance(each, ast.ExceptHandler) and each.type
              for node in ast.walk(each.type)}  # fmt: skip
    return tuple({path for node in ast.walk(tree) if id(node) not in caught and (path := _path(node))})


def _path(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Name):
        return (node.id,)
    if isinstance(node, ast.Attribute) and (before := _path(node.value)):
        return (*before, node.attr)
    return ()


def _ours(value: Any) -> Iterator[Any]:
    if inspect.ismethod(value) and not inspect.isclass(value.__self__):
        # Of a thing made at import, such as the shape of a list: what its method calls is found through its class.
        value = type(value.__self__)
    if isinstance(value, dict):
        for each in value.values():
            yield from _ours(each)
    elif (inspect.isfunction(value) or inspect.isclass(value)) and (value.__module__ or "").startswith(OURS):
        yield value
