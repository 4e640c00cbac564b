"""The codes of how three axes can lie."""

from itertools import permutations, product

OPPOSITE = (("L", "R"), ("P", "A"), ("I", "S"))  # toward less, toward more, along x, y, z
CODES = frozenset("".join(letters) for axes in permutations(OPPOSITE) for letters in product(*axes))  # 48
