from dataclasses import replace

from clinimcl.phantoms.brain.parameters import BRAIN, BRAIN_CHANGE, digest


def test_the_parameters_are_the_ones_fixed_before_any_training():
    assert digest(BRAIN) == "a6c97a4b401e"
    assert digest(BRAIN_CHANGE) == "6aca342559f0"


def test_the_digest_changes_with_a_nested_number():
    other = replace(BRAIN, acquisition=replace(BRAIN.acquisition, rotation=9.0))
    assert digest(other) != digest(BRAIN)
