"""Scores on restorations made by hand, with numbers known beforehand."""

import re

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, gaussian_filter1d

from napari_emrestore.probes import draw_probe
from napari_emrestore.probes.orientation import invented_lines
from napari_emrestore.probes.scores import Case, judge
from napari_emrestore.probes.structure import kept_contrast, left_over_motion
from napari_emrestore.probes.texture import checkerboard, grain, wobble

SIZE_PX = 192


def case(name, restore, motion_px=11.0, noise=0.03, size_px=SIZE_PX):
    probe = draw_probe(name, size_px)
    given = probe.pattern + np.random.default_rng(0).normal(0, noise, probe.pattern.shape)
    return Case(probe, given, np.asarray(restore(probe.pattern.astype(float)), float), motion_px)


def noise(sigma, seed=1, size_px=SIZE_PX):
    return np.random.default_rng(seed).normal(0, sigma, (size_px, size_px))


@pytest.mark.parametrize("period", [2, 4, 8])
def test_a_grid_is_found_with_its_period_and_place(period):
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX]
    grid = 0.02 * np.cos(2 * np.pi * x / period) * np.cos(2 * np.pi * y / period) * (x < SIZE_PX // 2)
    finding = checkerboard(case("blank", lambda image: image + grid + noise(0.02)))
    assert finding.value > 2
    assert finding.detail.startswith(f"{period} px")
    assert float(re.search(r"([\d.]+)%", finding.detail)[1]) == pytest.approx(100 * np.std(grid), rel=0.3)
    assert finding.where[:, :80].mean() > 1.8 * finding.where[:, 112:].mean()


@pytest.mark.parametrize("sigma_px", [0.0, 1.0, 3.0])
def test_white_or_smooth_noise_holds_no_grid(sigma_px):
    smooth = gaussian_filter(noise(0.05), sigma_px)
    assert checkerboard(case("blank", lambda image: image + smooth)).value < 2


def test_what_cannot_be_seen_counts_as_no_grid():
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX]
    assert checkerboard(case("blank", lambda image: image + 1e-5 * ((x + y) % 2))).value == pytest.approx(
        1, abs=0.1
    )


def test_wobble_is_relative_to_the_input():
    blotches = gaussian_filter(noise(1.0), 2.5)
    blotches *= 0.05 / blotches.std()
    finding = wobble(case("spots", lambda image: image + blotches))
    assert finding.value > 3
    assert wobble(case("spots", lambda image: image)).value < 0.2
    assert wobble(case("fine-grating", lambda image: image)) is None, "there is no flat ground"


def test_wobble_ignores_errors_at_edges():
    assert wobble(case("spots", lambda image: gaussian_filter(image, 2.0))).value < 1


def test_grain_is_the_ratio_of_fine_texture():
    assert grain(case("spots", lambda image: image)).value == pytest.approx(1)
    assert grain(case("spots", lambda image: 0.5 + 0.5 * (image - 0.5))).value == pytest.approx(0.5)
    assert grain(case("blank", lambda image: image + noise(0.1))) is None, "no fine detail to compare with"


@pytest.mark.parametrize("angle_deg", [0, 60, 95, 150])
def test_invented_lines_are_found_with_their_direction(angle_deg):
    y, x = np.mgrid[:SIZE_PX, :SIZE_PX]
    angle = np.deg2rad(angle_deg)
    lines = 0.1 * np.cos(2 * np.pi * (x * np.cos(angle) - y * np.sin(angle)) / 12)
    finding = invented_lines(case("lines", lambda image: image + lines))
    found = float(finding.detail.split()[1].rstrip("°"))
    assert finding.value > 10
    assert abs((found - angle_deg + 90) % 180 - 90) <= 8


def test_lines_of_the_pattern_are_not_invented():
    assert invented_lines(case("lines", lambda image: 0.5 + 1.5 * (image - 0.5))).value < 1.1
    assert invented_lines(case("siemens-star", lambda image: image)) is None, "no direction is absent"


def test_motion_is_told_from_isotropic_blur():
    def motion(restore):
        return left_over_motion(case("spots", restore, size_px=256)).value

    assert motion(lambda image: gaussian_filter1d(image, 3.0, axis=0)) < 0.2
    assert motion(lambda image: gaussian_filter1d(image, 0.5, axis=0)) == pytest.approx(0.85, abs=0.02)
    assert motion(lambda image: gaussian_filter(image, 2.0)) == pytest.approx(1, abs=0.1)
    assert motion(lambda image: image + noise(0.05, size_px=256)) == pytest.approx(1, abs=0.05)
    assert left_over_motion(case("spots", lambda image: image, motion_px=0.0)) is None


@pytest.mark.parametrize("name", ["spots", "lines", "crossed-lines", "siemens-star", "dots", "checkerboard"])
@pytest.mark.parametrize("share", [1.0, 0.4, -0.2])
def test_contrast_is_the_share_that_is_kept(name, share):
    shares, lost = kept_contrast(case(name, lambda image: 3.0 + share * image + noise(0.002)))
    assert len(shares) >= 2
    assert shares == pytest.approx(share, abs=0.06)
    assert lost.max() == pytest.approx(max(1 - share, 0), abs=0.06)


def test_one_lost_curve_is_found_where_it_is():
    probe = draw_probe("spots", 256)
    numbers, pixels = np.unique(probe.parts[probe.parts > 0], return_counts=True)
    lost = numbers[pixels.argmax()]
    restored = np.where(probe.parts == lost, probe.ground, probe.pattern).astype(float)
    shares, where = kept_contrast(Case(probe, restored, restored, 11.0))
    assert shares.min() < 0.4
    assert where[probe.parts == lost].mean() > 0.6
    assert np.abs(where[(probe.parts > 0) & (probe.parts != lost)]).mean() < 0.1


def test_verdicts_say_what_was_measured():
    scores = {
        score.artefact: score for score in judge(case("spots", lambda image: gaussian_filter(image, 3.0)))
    }
    assert not scores["grain"].passed
    assert "smoothed away" in scores["grain"].verdict
    assert scores["checkerboard"].passed
    assert scores["checkerboard"].limits == (None, 2.0)
    assert f"{scores['contrast-median'].value:.0%}" in scores["contrast-median"].verdict
