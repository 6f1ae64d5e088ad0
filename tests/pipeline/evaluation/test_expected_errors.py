"""The table of expected against true errors: what is told right looks right in it, and wrong looks wrong."""

import numpy as np
import pytest

from napari_emrestore.core import InputError, Restoration
from napari_emrestore.pipeline.evaluation import expected_errors
from napari_emrestore.pipeline.evaluation.expected_errors import Told, check_expected_error, row_of, tell
from napari_emrestore.pipeline.scenes import CleanImage
from napari_emrestore.restoration import load_restorer


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def told(rng):
    """True errors with deviations that vary over blocks and are told right."""
    expected = np.kron(np.exp(rng.normal(-3, 0.5, (8, 8))), np.ones((16, 16))).astype(np.float32)
    return Told((rng.normal(size=expected.shape) * expected).astype(np.float32), expected)


def test_what_is_told_right_has_the_shares_of_a_gaussian(told):
    row = row_of("known", [told, told])
    assert row.within_one == pytest.approx(0.683, abs=0.015)
    assert row.within_two == pytest.approx(0.954, abs=0.01)
    assert row.rms_error == pytest.approx(row.rms_expected, rel=0.03)
    assert row.correlation > 0.95


def test_half_of_the_true_error_shows(told):
    row = row_of("boasting", [Told(told.error, told.expected / 2)])
    assert row.within_one == pytest.approx(0.383, abs=0.02)
    assert row.rms_expected == pytest.approx(row.rms_error / 2, rel=0.03)


def test_one_error_for_all_does_not_correlate(told, rng):
    shuffled = rng.permutation(told.expected.ravel()).reshape(told.expected.shape)
    assert abs(row_of("blind", [Told(told.error, shuffled)]).correlation) < 0.5


def test_unmeasured_pixels_count_nowhere(told):
    holed = Told(told.error.copy(), told.expected.copy())
    holed.error[:16, :16] = np.nan
    row = row_of("holed", [holed])
    assert np.isfinite([row.rms_error, row.within_one, row.correlation]).all()
    assert holed.blocks().shape == (2, 63)


def test_every_dose_has_a_row_and_strange_inputs_are_marked(monkeypatch):
    """A restorer that does nothing, and knows the noise of its input from its level."""

    class Counter:
        id, frames = "counter", (1, 1)

    def knows(data, restorer, *, expected_error):
        assert expected_error
        scale = np.diff(np.unique(data)).min()  # one electron
        return Restoration(data, None, None, expected_error=np.sqrt(np.maximum(data, scale) * scale))

    monkeypatch.setattr("napari_emrestore.restoration.restore", knows)
    scene = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    rows = check_expected_error(Counter(), [CleanImage("a", scene)], [200, 1000], side_px=64)
    assert [row.kind for row in rows][:3] == ["200 e/px", "1000 e/px", "all doses"]
    assert [row.is_trained for row in rows] == [True, True, True, False, False]
    assert rows[0].within_one == pytest.approx(0.68, abs=0.03)
    assert rows[1].rms_error == pytest.approx(rows[0].rms_error / np.sqrt(5), rel=0.1)
    moved = rows[-1]
    assert moved.kind.startswith("moved")
    assert moved.within_one < 0.5


def test_a_stream_is_registered_and_scored_on_its_own_area(monkeypatch):
    monkeypatch.setattr(
        "napari_emrestore.restoration.restore",
        lambda data, restorer, **_: Restoration(
            data.aligned.mean(0), None, None, expected_error=np.ones(data.aligned.shape[1:])
        ),
    )
    restorer = load_restorer("mean")
    scene = np.random.default_rng(0).random((160, 160)).astype(np.float32)
    degrade = expected_errors._degraded(restorer, 300.0)
    found = tell(restorer, degrade(scene, 96, np.random.default_rng(0)))
    assert found.error.shape == found.expected.shape
    assert 0.01 < np.nanstd(found.error) < 0.5


def test_who_tells_no_error_is_refused():
    scene = np.random.default_rng(0).random((64, 64)).astype(np.float32)
    with pytest.raises(InputError, match="error head"):
        check_expected_error(load_restorer("nlmeans"), [CleanImage("a", scene)], [50], side_px=64)
