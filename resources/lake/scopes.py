"""Which names a piece of code takes from outside, and what its imports stand for."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

Chain = tuple[str, ...]
"""A dotted name: ('schemas', 'SAES')."""


@dataclass(frozen=True)
class Imported:
    """What an import gives a name to: a module, or one of its attributes."""

    module: str
    attribute: str | None = None


@dataclass(frozen=True)
class Scope:
    """The names of a module, a class, a function or a comprehension, as they are read."""

    binds: bool
    """Whether what is inside sees the names bound here: not those of a class body, and a module's are definitions."""
    takes_walrus: bool = True
    """Whether `:=` binds here; a comprehension's binds in the function around it."""
    bound: set[str] = field(default_factory=set)
    elsewhere: set[str] = field(default_factory=set)
    """Declared global or nonlocal."""
    imports: dict[str, list[Imported]] = field(default_factory=dict)
    uses: set[Chain] = field(default_factory=set)

    def add_import(self, node: ast.AST) -> None:
        """Note what a statement imports."""
        for local, target in imported_names(node, ""):
            self.imports.setdefault(local, []).append(target)

    def outside(self) -> tuple[set[Chain], set[tuple[Chain, Imported]]]:
        """Return the names that come from around it, and those of its own imports with what they stand for."""
        imported = {chain for chain in self.uses if chain[0] in self.imports}
        own = self.bound - self.elsewhere if self.binds else set[str]()
        found = {(chain, target) for chain in imported for target in self.imports[chain[0]]}
        return {chain for chain in self.uses - imported if chain[0] not in own}, found


def imported_names(node: ast.AST, package: str) -> Iterator[tuple[str, Imported]]:
    """Yield local name and target of every import in a statement of a module of this package.

    `import a.b` binds `a`, and `a.b` is then an attribute of it. Imports under an `if` or a `try` are among them, those
    for type checkers alone are not.
    """
    for inner in _imports(node):
        if isinstance(inner, ast.Import):
            for alias in inner.names:
                top = alias.name.partition(".")[0]
                yield alias.asname or top, Imported(alias.name if alias.asname else top)
            continue
        parents = package.split(".")[: package.count(".") + 2 - inner.level] if inner.level else []
        source = ".".join([*parents, *([inner.module] if inner.module else [])])
        for alias in inner.names:
            yield alias.asname or alias.name, Imported(source, alias.name)


def _imports(node: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield node
        return
    bodies = ("orelse",) if type_checking(node) else ("body", "orelse", "finalbody", "handlers")
    for inner in (one for name in bodies for one in getattr(node, name, ())):
        yield from _imports(inner)


def type_checking(node: ast.AST) -> bool:
    """Whether a statement is `if TYPE_CHECKING:`, which never runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def is_docstring(node: ast.AST) -> bool:
    """Whether a statement is a string alone: a docstring, of a constant or an attribute too."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
