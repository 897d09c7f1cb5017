"""The code of a definition as a text, and the names that it uses.

The text is that of its syntax tree without docstrings, comments and line numbers, so that a better sentence is no
change. `ast.dump` is another text in every Python; this one leaves out what is empty.
"""

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from resources.lake.scopes import Chain, Imported, Scope, is_docstring, type_checking

_SKIPPED = frozenset({"ctx", "type_comment", "type_ignores", "kind"})


@dataclass(frozen=True)
class Definition:
    """A function, a class or a constant: its code, and the names that it uses from outside."""

    text: str
    uses: frozenset[Chain]
    """Of its own module."""
    imports: frozenset[tuple[Chain, Imported]]
    """Names of what it imports itself."""


def read_code(statements: Iterable[ast.stmt], unread: frozenset[str]) -> Definition:
    """Read a definition; decorators called as in `unread` are left out, with all that they are given."""
    reader = _Reader(unread)
    for statement in statements:
        reader.read(statement)
    return Definition("".join(reader.text), frozenset(reader.uses), frozenset(reader.imports))


class _Reader:
    """Writes down code, and the names that it takes from outside."""

    def __init__(self, unread: frozenset[str]) -> None:
        self.text: list[str] = []
        self.imports: set[tuple[Chain, Imported]] = set()
        self._unread = unread
        self._scopes = [Scope(binds=False)]

    @property
    def uses(self) -> set[Chain]:
        """Dotted names of the module that it uses."""
        return self._scopes[0].uses

    def read(self, node: ast.AST) -> None:
        read = _SPECIAL.get(type(node))
        if read is not None:
            read(self, node)
        else:
            self._fields(node)

    def _fields(self, node: ast.AST, without: Sequence[str] = ()) -> None:
        """Write a node with the fields that say something: what is empty is left out, whichever Python lists it."""
        self.text.append(f"{type(node).__name__}(")
        for name in node._fields:
            value = getattr(node, name, None)
            if value is None or value == [] or name in _SKIPPED or name in without:
                continue
            self.text.append(f"{name}=")
            self._value(value)
        self.text.append(")")

    def _value(self, value: object) -> None:
        if isinstance(value, ast.AST):
            self.read(value)
        elif isinstance(value, list):
            for one in value:
                self._value(one)
                self.text.append(",")
        else:
            self.text.append(repr(value))

    def _name(self, node: ast.Name) -> None:
        self.text.append(f"Name({node.id})")
        if isinstance(node.ctx, ast.Load):
            self._use((node.id,))
        else:
            self._scopes[-1].bound.add(node.id)

    def _attribute(self, node: ast.Attribute) -> None:
        """Read a dotted name: `schemas.SAES` uses that attribute alone."""
        chain, inner = [node.attr], node.value
        while isinstance(inner, ast.Attribute):
            chain.append(inner.attr)
            inner = inner.value
        if isinstance(inner, ast.Name):
            self.text.append(f"Name({inner.id}).{'.'.join(reversed(chain))}")
            self._use((inner.id, *reversed(chain)))
        else:
            self._fields(node)

    def _use(self, chain: Chain) -> None:
        self._scopes[-1].uses.add(chain)

    @contextmanager
    def _scope(self, binds: bool = True, takes_walrus: bool = True) -> Iterator[Scope]:
        """Read in a scope of its own; what it does not bind is used by the one around it."""
        scope = Scope(binds, takes_walrus)
        self._scopes.append(scope)
        yield scope
        self._scopes.pop()
        uses, imports = scope.outside()
        self._scopes[-1].uses.update(uses)
        self.imports.update(imports)

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        """Read a function; decorators, defaults and annotations are of the scope around it."""
        self.text.append(f"{type(node).__name__}({node.name}")
        self._scopes[-1].bound.add(node.name)
        self._decorators(node)
        names = self._arguments(node.args)
        self._annotation(node.returns)
        with self._scope() as scope:
            scope.bound.update(names)
            self._body(node.body)
        self.text.append(")")

    def _lambda(self, node: ast.Lambda) -> None:
        self.text.append("Lambda(")
        names = self._arguments(node.args)
        with self._scope() as scope:
            scope.bound.update(names)
            self.read(node.body)
        self.text.append(")")

    def _arguments(self, node: ast.arguments) -> list[str]:
        """Read annotations and defaults; return the names."""
        kinds = {
            "/": node.posonlyargs,
            "": node.args,
            "*": [node.vararg] if node.vararg else [],
            "*,": node.kwonlyargs,
            "**": [node.kwarg] if node.kwarg else [],
        }
        for kind, arguments in kinds.items():
            for one in arguments:
                self.text.append(f"{kind}{one.arg},")
                self._annotation(one.annotation)
        self._fields(node, without=("vararg", "kwarg", "posonlyargs", "args", "kwonlyargs"))
        return [one.arg for arguments in kinds.values() for one in arguments]

    def _class(self, node: ast.ClassDef) -> None:
        self.text.append(f"ClassDef({node.name}")
        self._scopes[-1].bound.add(node.name)
        self._decorators(node)
        self._fields(node, without=("name", "decorator_list", "body"))
        with self._scope(binds=False):
            self._body(node.body)
        self.text.append(")")

    def _decorators(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for one in node.decorator_list:
            called = one.func if isinstance(one, ast.Call) else one
            if not (isinstance(called, ast.Name) and called.id in self._unread):
                self.text.append("@")
                self.read(one)

    def _body(self, body: Sequence[ast.stmt]) -> None:
        for one in body:
            if not is_docstring(one):
                self.read(one)
                self.text.append(";")

    def _annotated(self, node: ast.AnnAssign) -> None:
        self._fields(node, without=("annotation",))
        self._annotation(node.annotation)

    def _annotation(self, node: ast.expr | None) -> None:
        """Read an annotation; a quoted one names code, too."""
        if node is None:
            return
        self.text.append(":")
        self.read(node)
        for quoted in _quoted(node):
            self.read(quoted)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> None:
        """Read a comprehension; its first iterable is of the scope around it."""
        self.text.append(f"{type(node).__name__}(")
        first = node.generators[0]
        self.read(first.iter)
        with self._scope(takes_walrus=False):
            for name in node._fields:
                if name != "generators":
                    self._value(getattr(node, name))
            for one in node.generators:
                self._fields(one, without=("iter",) if one is first else ())
        self.text.append(")")

    def _walrus(self, node: ast.NamedExpr) -> None:
        self.text.append(f"{node.target.id}:=")
        next(scope for scope in reversed(self._scopes) if scope.takes_walrus).bound.add(node.target.id)
        self.read(node.value)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Note an import; from where is no code: what the names stand for is, wherever they are used."""
        self._scopes[-1].add_import(node)

    def _elsewhere(self, node: ast.Global | ast.Nonlocal) -> None:
        self._fields(node)
        self._scopes[-1].elsewhere.update(node.names)

    def _binder(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar | ast.MatchMapping) -> None:
        """Note a name that is bound without being a Name of its own."""
        name = node.rest if isinstance(node, ast.MatchMapping) else node.name
        if name:
            self._scopes[-1].bound.add(name)
        self._fields(node)

    def _condition(self, node: ast.If) -> None:
        self._fields(node, without=("test", "body") if type_checking(node) else ())


def _quoted(node: ast.expr) -> Iterator[ast.expr]:
    """Yield the expressions that strings of an annotation hold; those of a Literal are values."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        try:
            yield ast.parse(node.value, mode="eval").body
        except SyntaxError:
            return
    elif not (isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Literal"):
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.expr):
                yield from _quoted(inner)


_SPECIAL: dict[type[ast.AST], Callable[[_Reader, Any], None]] = {
    ast.Name: _Reader._name,
    ast.Attribute: _Reader._attribute,
    ast.FunctionDef: _Reader._function,
    ast.AsyncFunctionDef: _Reader._function,
    ast.Lambda: _Reader._lambda,
    ast.ClassDef: _Reader._class,
    ast.AnnAssign: _Reader._annotated,
    ast.ListComp: _Reader._comprehension,
    ast.SetComp: _Reader._comprehension,
    ast.DictComp: _Reader._comprehension,
    ast.GeneratorExp: _Reader._comprehension,
    ast.If: _Reader._condition,
    ast.NamedExpr: _Reader._walrus,
    ast.Import: _Reader._import,
    ast.ImportFrom: _Reader._import,
    ast.Global: _Reader._elsewhere,
    ast.Nonlocal: _Reader._elsewhere,
    ast.ExceptHandler: _Reader._binder,
    ast.MatchAs: _Reader._binder,
    ast.MatchStar: _Reader._binder,
    ast.MatchMapping: _Reader._binder,
}
