"""Bits that a seed determines, and that nothing of the product can be given any."""

import ast
from pathlib import Path

import deskbound_audit
import deskbound_client
import deskbound_server
import deskbound_strategies
from deskbound_simulation.seeds import seeded_bytes, seeded_chances, seeded_key, seeded_source

PRODUCT = [
    path
    for package in (deskbound_audit, deskbound_client, deskbound_server, deskbound_strategies)
    for path in Path(package.__path__[0]).rglob("*.py")
]
# Calls through which other bits than the system's could come; how many arguments come before.
TAKES_BITS = {"train": 4, "LatticeOptimizer": 3, "privatise": 2, "add_noise": 2, "draw": 1}


def test_the_same_names_give_the_same_bits_and_others_do_not():
    assert seeded_bytes(1, "a", 2) == seeded_bytes(1, "a", 2)
    assert len({seeded_bytes(*names) for names in ((1, "a"), (1, "b"), (2, "a"), (1, "a", 0))}) == 4
    first, second = seeded_source(3, "noise"), seeded_source(3, "noise")
    assert first(7) + first(9) == second(16)
    assert seeded_key(1, "x").sign(b"") == seeded_key(1, "x").sign(b"")
    assert seeded_chances(1, "x").random() == seeded_chances(1, "x").random()


def test_this_stream_is_what_it_was():
    assert seeded_source(0, "noise", 1)(8).hex() == "bd6270e3ef0fe77c"


def test_nothing_of_the_product_imports_the_simulation():
    for path in PRODUCT:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            assert not any(name.startswith("deskbound_simulation") for name in names), path


def test_no_laptop_hands_bits_to_its_trainer():
    """``learn`` passes on what it was called with; nobody else in the client calls it with any."""
    seen = 0
    for path in PRODUCT:
        if "deskbound_client" not in path.parts or path.parent.name == "learn":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            called = getattr(node.func, "id", getattr(node.func, "attr", ""))
            if called == "train" and isinstance(node.func, ast.Name):
                seen += 1
                assert len(node.args) <= TAKES_BITS["train"], path
            if called in TAKES_BITS:
                assert "source" not in {one.arg for one in node.keywords}, path
            assert "repeatable" not in called, path
    assert seen == 1, "the one place where a laptop trains"
