"""Numbers of regions against images made for the purpose, where every number is known beforehand."""

import math

import dask.array as da
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.metrics import psnr, ssim
from napari_emrestore.overview import region_numbers
from napari_emrestore.overview.region_contrast import ring_around, separation
from napari_emrestore.overview.region_masks import encode_mask
from napari_emrestore.overview.region_numbers import MeasuredImages, measure_region, measure_regions
from napari_emrestore.overview.regions import Region

SHAPE = (61, 83)
BOX = Region(3, "rectangle", "cell", ((19.5, 29.5), (19.5, 49.5), (34.5, 49.5), (34.5, 29.5)))


@pytest.fixture
def scene():
    image = np.full(SHAPE, 100.0)
    image[20:35, 30:50] = 140.0
    return image


def test_size_with_pixels_that_are_not_square(scene):
    numbers = measure_region(BOX, MeasuredImages(scene, pixel_size_nm=(4.0, 2.0)))
    assert (numbers.height_px, numbers.width_px, numbers.area_px, numbers.pixels) == (15, 20, 300, 300)
    assert (numbers.height_nm, numbers.width_nm) == (60, 40)
    assert numbers.area_um2 == pytest.approx(2400e-6)
    assert numbers.diameter_nm == pytest.approx(2 * math.sqrt(2400 / math.pi))


def test_unknown_pixel_size_gives_no_nm(scene):
    numbers = measure_region(BOX, MeasuredImages(scene))
    assert (numbers.height_nm, numbers.area_um2, numbers.diameter_nm) == (None, None, None)


def test_mean_and_contrast_of_a_bright_box(scene):
    noise = np.random.default_rng(1).normal(0, 5, SHAPE)
    numbers = measure_region(BOX, MeasuredImages(scene + noise, scene))
    assert numbers.restored_mean == 140
    assert numbers.restored_contrast == 40
    assert numbers.restored_cnr is None  # the ring does not scatter
    assert numbers.raw_mean == pytest.approx(140, abs=1)
    assert numbers.raw_cnr == pytest.approx(40 / 5, rel=0.15)


def test_a_restoration_that_takes_away_noise_alone(scene):
    noise = np.random.default_rng(2).normal(0, 5, SHAPE)
    numbers = measure_region(BOX, MeasuredImages(scene + noise, scene))
    assert numbers.residual_rms == pytest.approx(5, rel=0.1)
    assert numbers.residual_to_noise == pytest.approx(1, abs=0.25)
    assert abs(numbers.residual_structure) < 0.1


def test_a_restoration_that_adds_a_stripe(scene):
    noise = np.random.default_rng(3).normal(0, 5, SHAPE)
    made = scene.copy()
    made[20:35, 36:43] += 30
    numbers = measure_region(BOX, MeasuredImages(scene + noise, made))
    assert numbers.residual_to_noise > 2
    assert numbers.residual_structure > 0.5


def test_scores_are_those_of_the_metrics_within_the_region(scene):
    truth = scene + np.random.default_rng(4).normal(0, 3, SHAPE)
    made = truth + np.random.default_rng(5).normal(0, 2, SHAPE)
    numbers = measure_region(BOX, MeasuredImages(scene, made, truth, 60.0))
    inside = np.zeros(SHAPE, bool)
    inside[20:35, 30:50] = True
    assert numbers.psnr_db == pytest.approx(psnr(made, truth, data_range=60, mask=inside))
    assert numbers.ssim == pytest.approx(ssim(made, truth, data_range=60, mask=inside))


def test_without_a_restored_image_the_raw_one_is_scored(scene):
    numbers = measure_region(BOX, MeasuredImages(scene + 6, truth=scene, data_range=60.0))
    assert numbers.psnr_db == pytest.approx(20)
    assert numbers.residual_rms is None


def test_a_region_too_small_for_ssim_says_so(scene):
    small = Region(1, "polygon", "cell", ((9.5, 9.5), (9.5, 14.5), (14.5, 14.5), (14.5, 9.5)))
    numbers = measure_region(small, MeasuredImages(scene, scene, scene, 40.0))
    assert numbers.ssim is None
    assert numbers.psnr_db == math.inf
    assert "SSIM" in numbers.note


def test_maps_of_the_mosaic_are_averaged_over_the_region(scene):
    frames = np.zeros(SHAPE)
    frames[20:35, 30:40], frames[20:35, 40:50] = 4, 8
    numbers = measure_region(
        BOX,
        MeasuredImages(
            scene,
            frame_count=frames,
            registration_px=np.full(SHAPE, 0.25),
            confidence=np.where(frames > 5, 0.9, np.nan),
        ),
    )
    assert (numbers.frames, numbers.registration_px) == (6, 0.25)
    assert numbers.confidence == pytest.approx(0.9)


def test_a_point_is_measured_in_a_disc(scene):
    numbers = measure_region(
        Region(1, "point", "cell", ((27.0, 40.0),)), MeasuredImages(scene, pixel_size_nm=(1, 1))
    )
    assert (numbers.raw_mean, numbers.height_nm, numbers.diameter_nm) == (140, 0, None)
    assert numbers.pixels == pytest.approx(math.pi * 25, abs=4)


def test_a_label_with_a_hole_counts_its_own_pixels(scene):
    inside = np.zeros((9, 9), bool)
    inside[1:8, 1:8] = True
    inside[3:6, 3:6] = False
    region = Region(1, "label", "cell", mask=encode_mask(inside, (22, 32)))
    numbers = measure_region(region, MeasuredImages(da.from_array(scene, chunks=10)))
    assert (numbers.pixels, numbers.area_px, numbers.raw_mean) == (40, 40, 140)


def test_missing_pixels_are_left_out(scene):
    scene[20:35, 30:40] = np.nan
    numbers = measure_region(BOX, MeasuredImages(scene, scene))
    assert (numbers.pixels, numbers.raw_mean) == (150, 140)
    assert numbers.residual_to_noise is None
    assert "noise" in numbers.note
    nothing = measure_region(BOX, MeasuredImages(np.full(SHAPE, np.nan)))
    assert (nothing.raw_mean, nothing.pixels) == (None, 0)
    assert nothing.note


def test_outside_of_the_overview_there_is_a_size_and_a_reason():
    numbers = measure_region(BOX, MeasuredImages(np.zeros((1, 1)), pixel_size_nm=(1, 1)))
    assert (numbers.height_nm, numbers.raw_mean) == (15, None)
    assert numbers.note


def test_a_very_large_region_is_sampled_evenly_and_says_so(scene, monkeypatch):
    whole = measure_region(BOX, MeasuredImages(scene, scene, scene, 40.0))
    monkeypatch.setattr(region_numbers, "_MOST_PIXELS", 400)
    numbers = measure_region(BOX, MeasuredImages(scene, scene, scene, 40.0))
    assert numbers.every > 1
    assert numbers.raw_mean == whole.raw_mean
    assert numbers.pixels == pytest.approx(whole.pixels / numbers.every**2, rel=0.2)
    assert numbers.ssim is None
    assert "every" in numbers.note


@given(
    st.tuples(st.floats(-30, 90), st.floats(-30, 110)),
    st.floats(0.01, 60),
    st.sampled_from(["point", "rectangle", "polygon"]),
)
def test_any_place_gives_numbers_or_a_reason(place, side, kind):
    y, x = place
    corners = ((y, x), (y, x + side), (y + side, x + side), (y + side, x))
    region = Region(1, kind, "cell", corners[:1] if kind == "point" else corners)
    numbers = measure_region(region, MeasuredImages(np.arange(35.0).reshape(5, 7)))
    assert (numbers.raw_mean is None) == (numbers.pixels == 0)
    assert numbers.pixels or numbers.note


def test_all_regions_are_measured_in_order_and_can_be_stopped(scene):
    other = Region(9, "point", "cell", ((1.0, 1.0),))
    measured = list(measure_regions([BOX, other], MeasuredImages(scene)))
    assert [region.id for region, _ in measured] == [3, 9]

    class Stop:
        def step(self, done, total, note=""):
            if done == 1:
                raise Cancelled

    with pytest.raises(Cancelled):
        list(measure_regions([BOX, other], MeasuredImages(scene), Stop()))


def test_images_that_do_not_fit_are_refused(scene):
    with pytest.raises(InputError, match="confidence"):
        MeasuredImages(scene, confidence=scene[1:])
    with pytest.raises(InputError, match="data range"):
        MeasuredImages(scene, truth=scene)


def test_the_ring_leaves_a_gap_and_the_separation_is_that_of_two_classes():
    inside = np.zeros((9, 9), bool)
    inside[4, 4] = True
    ring = ring_around(inside, 3)
    assert not ring[4, 5]
    assert ring[4, 6]
    assert ring[4, 7]
    assert not ring[4, 8]
    assert not ring_around(np.zeros((3, 3), bool), 3).any()
    assert separation(np.zeros(4), np.ones(4)) == 1
    assert separation(np.array([0, 1]), np.array([1, 0])) == 0
    assert separation(np.array([-1.0, 1]), np.array([1.0, 3])) == pytest.approx(1 / 2)
    assert math.isnan(separation(np.zeros(2), np.zeros(2)))
