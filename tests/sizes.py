"""How large a simulation is: small enough for CI to fail when the feature is gone, or in full."""

import pytest


def sizes(name: str, ci: int, full: int) -> pytest.MarkDecorator:
    """Run a test with one size in CI and with a larger one in ``make test-full`` too."""
    return pytest.mark.parametrize(name, [ci, pytest.param(full, marks=pytest.mark.full)])
