from tests.evaluation.change.conftest import given  # noqa: F401  # inputs of health change
