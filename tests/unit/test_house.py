"""docs/design.md says what the package is: its tree, its layers and its walks are compared with the code."""

from __future__ import annotations

import ast
import configparser
import importlib
import pkgutil
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import meantime

PACKAGE = Path(meantime.__file__).parent
ROOT = Path(__file__).parents[2]
DESIGN = (ROOT / "docs" / "design.md").read_text(encoding="utf-8")


def _blocks(heading: str) -> list[str]:
    """Return the blocks of code below a heading."""
    below = DESIGN.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return re.findall(r"```\n(.*?)```", below, flags=re.DOTALL)


@cache
def _nodes() -> dict[str, list[ast.AST]]:
    """Return what the files of the package have in them, by their paths."""
    return {
        path.relative_to(PACKAGE).as_posix(): list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
        for path in PACKAGE.rglob("*.py")
    }


TREE = dict(re.findall(r"^  (\S+) +(\S.*)$", _blocks("The tree")[0], flags=re.MULTILINE))


def _packages() -> Iterator[str]:
    for init in PACKAGE.rglob("__init__.py"):
        # Some folders of data are packages only so that they are installed.
        if init.parent != PACKAGE and any(path.name != "__init__.py" for path in init.parent.glob("*.py")):
            yield f"{init.parent.relative_to(PACKAGE).as_posix()}/"


def test_the_tree_has_every_package_and_module_and_no_other() -> None:
    modules = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py"}
    assert sorted(TREE) == sorted({*_packages(), *modules})


@pytest.mark.parametrize("entry", [entry for entry in TREE if entry.endswith("/")])
def test_a_file_that_the_tree_names_in_a_package_is_there(entry: str) -> None:
    named = re.findall(r"\b[\w/]+(?:\.py\b|\.toml\b|/(?= ))", TREE[entry])
    assert [name for name in named if not (PACKAGE / entry / name).exists()] == []


@pytest.mark.parametrize(("figure", "contract"), [(0, "floors"), (1, "statistics")])
def test_the_figures_of_layers_are_the_import_contracts(figure: int, contract: str) -> None:
    linter = configparser.ConfigParser()
    linter.read(ROOT / ".importlinter", encoding="utf-8")
    layers = linter[f"importlinter:contract:{contract}"]["layers"].split("\n")[1:]
    drawn = [re.split(r" {2,}", line)[0] for line in _blocks("Layers")[figure].splitlines()]
    assert drawn == layers


def test_the_classes_and_methods_of_the_walks_are_in_the_code() -> None:
    walks = _blocks("Four walks")[0]
    named = re.findall(r"\b((?:[A-Z][a-z]+)+)(?:\.(\w+))?", walks)
    modules = [module.name for module in pkgutil.walk_packages([str(PACKAGE)], "meantime.")]
    classes = {
        name: kind
        for module in modules
        if module.startswith(("meantime.engine.", "meantime.statistics."))
        for name, kind in vars(importlib.import_module(module)).items()
        if isinstance(kind, type)
    }
    assert {name for name, _ in named} >= {"Engine", "Prepared", "JobStore"}
    assert [(name, method) for name, method in named if not hasattr(classes[name], method or "__name__")] == []


def test_at_most_twenty_words_are_of_our_own() -> None:
    words = DESIGN.partition("\n## Words\n")[2].partition("\n## ")[0]
    assert 0 < len(re.findall(r"^\| (?!word|-)", words, flags=re.MULTILINE)) <= 20


def test_a_public_class_name_stands_for_one_thing() -> None:
    names = Counter(
        node.name
        for nodes in _nodes().values()
        for node in nodes
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    )
    assert [name for name, number in names.items() if number > 1] == []


def test_no_file_and_no_class_is_too_long_to_read() -> None:
    lengths = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")}
    long_files = {name for name, text in lengths.items() if text.count("\n") > 450}
    # Its first paragraph says why.
    assert long_files <= {"statistics/families/classic.py"}
    long_classes = [
        f"{name}: {node.name}"
        for name, nodes in _nodes().items()
        for node in nodes
        if isinstance(node, ast.ClassDef) and (node.end_lineno or 0) - node.lineno >= 300
    ]
    assert long_classes == []


def test_types_to_decode_are_prepared_at_import() -> None:
    # msgspec notes a type at its first use, and another thread that uses it meanwhile crashes: SIGSEGV (msgspec 0.22).
    # A decoder at the module's level is made by one thread, that of the import.
    found = [
        f"{name}:{node.lineno}"
        for name, nodes in _nodes().items()
        for node in nodes
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) == "msgspec.json.decode"
        and any(
            word.arg == "type" and not ast.unparse(word.value).startswith(("dict", "list")) for word in node.keywords
        )
    ]
    assert found == []
