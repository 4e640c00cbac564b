"""`python -m tests.readme_tree`: the README's tree of clinimcl/, from the first lines of its rooms and modules."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
START, END = "```\nclinimcl/\n", "conf/  "
WIDTH = 20


def first_line(module: Path) -> str:
    """Of a module's docstring, without the command that it begins with."""
    said = (ast.get_docstring(ast.parse(module.read_text())) or "").splitlines()[0]
    said = said.partition("`: ")[2] if said.startswith("`python -m ") else said
    return said[0].upper() + said[1:]


def tree_lines(room: Path, depth: int = 1) -> list[str]:
    """Modules at the top, then rooms at any depth."""
    indent = "  " * depth
    modules = sorted(path for path in room.glob("*.py") if path.stem != "__init__") if depth == 1 else []
    rooms = sorted(path.parent for path in room.glob("*/__init__.py"))
    lines = [f"{indent}{path.name:<{WIDTH - len(indent)}}{first_line(path)}" for path in modules]
    for path in rooms:
        name = f"{indent}{path.name}/"
        lines += [f"{name:<{WIDTH}}{first_line(path / '__init__.py')}", *tree_lines(path, depth + 1)]
    return lines


def with_tree(text: str) -> str:
    before, rest = text.split(START)
    after = END + rest.partition(f"\n{END}")[2]
    return before + START + "\n".join(tree_lines(ROOT / "clinimcl")) + "\n" + after


if __name__ == "__main__":
    README.write_text(with_tree(README.read_text()))
