"""The plan of the kernels covers each score once; the package loads little."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emrestore.metrics import kernels
from napari_emrestore.metrics.tiles import plan_tiles, spread

sizes = st.integers(1, 60)


@given(sizes, sizes, st.tuples(sizes, sizes), st.integers(0, 12))
def test_cores_cover_each_score_once(rows, columns, core, overlap):
    shape = (rows + overlap, columns + overlap)
    covered = np.zeros((rows, columns), int)
    for y, x in plan_tiles(shape, core, overlap):
        assert y.stop <= shape[0]
        assert x.stop <= shape[1]
        covered[y.start : y.stop - overlap, x.start : x.stop - overlap] += 1
    assert (covered == 1).all()


@pytest.mark.parametrize("pixels", [1, 1 << 24])
def test_answers_come_in_order(pixels):
    assert spread(lambda job: job * job, range(50), pixels) == [job * job for job in range(50)]


def test_errors_come_out_of_the_threads():
    with pytest.raises(ZeroDivisionError):
        spread(lambda job: 1 / job, range(3), 1 << 24)


def test_the_package_names_what_it_exports_and_loads_no_compiler():
    code = (
        "import sys, napari_emrestore.metrics as m; from napari_emrestore.metrics import *; "
        "assert all(callable(getattr(m, name)) for name in m.__all__); "
        "assert dir(m) == m.__all__; "
        "sys.exit(bool({'numba', 'torch', 'skimage', 'dask'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_without_numba_the_plain_kernels_come_with_a_warning(monkeypatch):
    monkeypatch.setitem(sys.modules, "napari_emrestore.metrics._numba_kernels", None)
    monkeypatch.delattr("napari_emrestore.metrics._numba_kernels", raising=False)
    with pytest.warns(RuntimeWarning, match="numba is not installed"):
        plain = kernels.load_kernels.__wrapped__()
    assert plain.__name__.endswith("_numpy_kernels")
