"""Patterns: what is drawn, the same every time, averaged over the area of each pixel."""

import numpy as np
import pytest

from napari_emrestore.core import InputError
from napari_emrestore.probes import ARTEFACTS, draw_probe, list_probes
from napari_emrestore.probes.drawing import across, area_mean, canvas, paint_curve, paint_disc
from napari_emrestore.probes.orientation import line_directions
from napari_emrestore.probes.patterns import _drawn


@pytest.mark.parametrize("name", list_probes())
@pytest.mark.parametrize("size_px", [32, 65, 128])
def test_a_probe_is_a_float_image_in_unit_range_and_always_the_same(name, size_px):
    probe = draw_probe(name, size_px)
    _drawn.cache_clear()
    again = draw_probe(name, size_px)
    assert probe.name == name
    assert probe.pattern.shape == (size_px, size_px)
    assert probe.pattern.dtype == np.float32
    assert probe.pattern.min() >= 0
    assert probe.pattern.max() <= 1
    np.testing.assert_array_equal(probe.pattern, again.pattern)
    assert set(probe.judged) <= set(ARTEFACTS)
    if probe.parts is not None:
        assert probe.parts.shape == probe.pattern.shape
        assert probe.parts.max() >= 2


def test_a_disc_covers_its_area_and_no_pixel_beyond():
    fine = canvas(40, 0.0)
    paint_disc(fine, (20.0, 18.5), 7.0, 1.0)
    image = area_mean(fine)
    assert image.sum() == pytest.approx(np.pi * 49, rel=0.01)
    y, x = np.mgrid[:40, :40]
    assert not image[np.hypot(y - 20, x - 18.5) > 8].any()
    np.testing.assert_allclose(
        np.average([y.ravel(), x.ravel()], axis=1, weights=image.ravel()), [20, 18.5], atol=0.05
    )


def test_a_disc_beyond_the_rim_is_left_out():
    fine = canvas(32, 0.5)
    paint_disc(fine, (-30.0, 50.0), 5.0, 1.0)
    assert (fine == 0.5).all()


def test_a_straight_curve_has_its_width():
    fine = canvas(64, 0.0)
    paint_curve(fine, np.array([[10.0, 32.0], [30.0, 32.0], [54.0, 32.0]]), 3.0, 1.0)
    assert area_mean(fine)[20:45].sum(axis=1) == pytest.approx(3.0, rel=0.1)


def test_lines_have_their_spacing_width_and_direction():
    pattern = draw_probe("lines", 256).pattern.astype(float)
    assert (pattern - 0.5).mean() / 0.4 == pytest.approx(3 / 24, rel=0.03)
    power = np.abs(np.fft.fft2((pattern - pattern.mean()) * np.hanning(256)[:, None] * np.hanning(256))) ** 2
    radius = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256))
    peak = np.unravel_index(np.where(radius < 1 / 16, power, 0).argmax(), power.shape)
    assert line_directions(power.shape)[peak] == pytest.approx(25, abs=4)
    assert radius[peak] == pytest.approx(1 / 24, abs=0.004)


def test_angles_count_from_the_vertical():
    assert across(32, 0.0)[0] == pytest.approx(across(32, 0.0)[-1]), "a vertical line is a line of one column"
    assert across(32, 90.0)[:, 0] == pytest.approx(across(32, 90.0)[:, -1])


def test_the_published_spots_are_as_many_as_published():
    assert len(np.unique(draw_probe("spots", 512).parts)) - 1 == pytest.approx(24, abs=2), "some lie outside"


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(InputError, match="spots"):
        draw_probe("stripes")
    with pytest.raises(InputError, match="32 px"):
        draw_probe("blank", 31)
