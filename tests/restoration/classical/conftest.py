"""BM3D is an optional package: its rows are tested where it is installed."""

from importlib.util import find_spec

import pytest


@pytest.fixture(autouse=True)
def _bm3d_or_skip(request: pytest.FixtureRequest) -> None:
    if "bm3d" in request.node.name and find_spec("bm3d") is None:
        pytest.skip("the package bm3d is not installed")
