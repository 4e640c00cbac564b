"""What imports what: one direction between files, and between rooms."""

import ast
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts): path
    for path in (ROOT / "clinimcl").rglob("*.py")
    if path.stem != "__init__"
}


def imported(path: Path) -> set[str]:
    """Modules of ours that a file imports at any place, but for its annotations alone."""
    tree = ast.parse(path.read_text())
    annotated = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    ]
    left_out = {id(inner) for node in annotated for inner in ast.walk(node)}
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in left_out:
            names |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return names & set(FILES)


def room(name: str) -> str:
    return name.rpartition(".")[0]


def assert_one_direction(graph: dict[str, set[str]]) -> None:
    TopologicalSorter(graph).prepare()  # raises CycleError with the circle


def test_no_file_imports_itself_by_way_of_others():
    assert_one_direction({name: imported(path) for name, path in FILES.items()})


def nested(one: str, other: str) -> bool:
    """Whether one room lies in the other."""
    return one == other or one.startswith(f"{other}.") or other.startswith(f"{one}.")


def test_no_room_imports_itself_by_way_of_others():
    graph: dict[str, set[str]] = {}
    for name, path in FILES.items():
        others = {room(other) for other in imported(path)}
        graph.setdefault(room(name), set()).update(other for other in others if not nested(room(name), other))
    assert_one_direction(graph)
