"""Line profiles, edge widths and particle diameters against shapes whose size is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import gaussian_filter
from scipy.special import erf
from skimage.measure import profile_line

from napari_emrestore.core import InputError
from napari_emrestore.metrics import (
    LineProfile,
    edge_width,
    line_profile,
    particle_diameter,
    shared_histograms,
)

SIGMAS_10_TO_90 = 2.5631


def ramp(shape=(31, 44)):
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return 3.0 * rows + 2.0 * columns


def edge(sigma, points=81, step=10.0, centre=40.3):
    x = np.arange(points, dtype=float)
    return LineProfile(x, 5 + step * (1 + erf((x - centre) / sigma / np.sqrt(2))) / 2, 1, 0.5)


def sphere(radius, blur=0.0, depth=-8.0, shape=(91, 121), centre=(45.2, 60.4)):
    """Return the projection of a sphere on a background of 20."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    squared = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2
    image = 20 + depth * np.sqrt(np.clip(1 - squared / radius**2, 0, None))
    return gaussian_filter(image, blur) if blur else image


class TestLineProfile:
    @pytest.mark.parametrize("width", [1, 2, 5])
    def test_a_ramp_is_read_exactly_in_any_direction(self, width):
        profile = line_profile(ramp(), (4.0, 5.0), (25.0, 33.0), width_px=width)
        expected = np.linspace(3 * 4 + 2 * 5, 3 * 25 + 2 * 33, len(profile.distance_px))
        np.testing.assert_allclose(profile.intensity, expected, atol=1e-6)
        assert profile.distance_px[-1] == pytest.approx(np.hypot(21, 28))
        assert np.diff(profile.distance_px).max() <= 1

    @pytest.mark.parametrize(("start", "end"), [((7, 3), (7, 40)), ((2, 9), (28, 9)), ((20, 30), (20, 4))])
    def test_equals_scikit_image_along_the_axes(self, start, end):
        image = np.random.default_rng(0).normal(size=(31, 44))
        ours = line_profile(image, start, end, width_px=3).intensity
        np.testing.assert_allclose(ours, profile_line(image, start, end, linewidth=3, order=1), atol=1e-9)

    def test_outside_of_the_image_nothing_is_measured(self):
        profile = line_profile(ramp(), (10.0, -5.0), (10.0, 50.0))
        inside = (profile.distance_px >= 5) & (profile.distance_px <= 48)
        np.testing.assert_array_equal(np.isfinite(profile.intensity), inside)
        assert profile.measured()[0].size == np.count_nonzero(inside)

    def test_a_width_averages_the_noise_away(self):
        noise = np.random.default_rng(1).normal(size=(200, 200))
        wide = line_profile(noise, (100, 0), (100, 199), width_px=25).intensity
        assert wide.std() == pytest.approx(0.2, rel=0.2)

    def test_lengths_follow_pixels_that_are_not_square(self):
        image = ramp()
        assert line_profile(image, (0, 0), (9, 0), pixel_size_nm=(2.0, 0.5)).nm_per_px == pytest.approx(2.0)
        assert line_profile(image, (0, 0), (0, 9), pixel_size_nm=(2.0, 0.5)).to_nm(4.0) == pytest.approx(2.0)
        assert line_profile(image, (0, 0), (0, 9)).to_nm(4.0) is None

    def test_one_pixel_images_and_nan_come_through(self):
        assert np.isfinite(line_profile([[4.0]], (0, 0), (0, 0.5)).intensity).sum() == 1
        holed = ramp()
        holed[10, 20] = np.nan
        assert np.isnan(line_profile(holed, (10, 0), (10, 43)).intensity).any()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"end": (3, 4)},
            {"width_px": 0},
            {"width_px": 1.5},
            {"pixel_size_nm": (1.0, 0.0)},
            {"image": [1.0]},
        ],
    )
    def test_refuses_what_is_no_line(self, wrong):
        given = {"image": ramp(), "start": (3, 4), "end": (9, 9), **wrong}
        with pytest.raises(InputError):
            line_profile(**given)


class TestEdgeWidth:
    @pytest.mark.parametrize("sigma", [0.8, 2.0, 6.5])
    @pytest.mark.parametrize("step", [10.0, -3000.0])
    def test_finds_a_known_width(self, sigma, step):
        found = edge_width(edge(sigma, step=step))
        assert found.width_px == pytest.approx(SIGMAS_10_TO_90 * sigma, rel=1e-3)
        assert found.width_nm == pytest.approx(found.width_px / 2)
        assert found.centre_px == pytest.approx(40.3, abs=1e-3)
        assert found.step == pytest.approx(step, rel=1e-3)

    def test_states_an_error_that_covers_the_truth(self):
        profile, rng = edge(3.0), np.random.default_rng(2)
        misses = []
        for _ in range(40):
            noisy = LineProfile(profile.distance_px, profile.intensity + rng.normal(0, 1.0, 81))
            found = edge_width(noisy)
            misses.append((found.width_px - SIGMAS_10_TO_90 * 3) / found.width_error_px)
        assert 0.7 < np.std(misses) < 1.4

    def test_a_blurred_image_of_a_slanted_edge(self):
        rows, columns = np.mgrid[:101, :99]
        image = gaussian_filter((columns + 0.3 * rows > 65).astype(float), 2.5)
        across = np.array([0.3, 1.0]) / np.hypot(0.3, 1.0)
        start, end = (50, 50) - 25 * across, (50, 50) + 25 * across
        found = edge_width(line_profile(image, tuple(start), tuple(end), width_px=9))
        assert found.width_px == pytest.approx(SIGMAS_10_TO_90 * 2.5, rel=0.03)

    def test_a_sharp_edge_is_at_most_a_pixel_wide(self):
        x = np.arange(30, dtype=float)
        assert edge_width(LineProfile(x, (x > 14) * 1.0)).width_px < 1

    def test_a_particle_is_no_edge(self):
        with pytest.raises(InputError, match="one blurred step"):
            edge_width(line_profile(sphere(30.0), (45.2, 2.0), (45.2, 118.0)))

    @pytest.mark.parametrize("seed", range(10))
    def test_noise_alone_has_no_edge(self, seed):
        x = np.arange(60, dtype=float)
        with pytest.raises(InputError, match="one step"):
            edge_width(LineProfile(x, np.random.default_rng(seed).normal(size=60)))

    @pytest.mark.parametrize("values", [np.zeros(30), np.arange(4.0), np.full(30, np.nan)])
    def test_refuses_constant_short_and_missing_profiles(self, values):
        with pytest.raises(InputError):
            edge_width(LineProfile(np.arange(values.size, dtype=float), values))


class TestParticleDiameter:
    @settings(max_examples=15, deadline=None)
    @given(st.floats(8, 32), st.sampled_from([-8.0, 500.0]))
    def test_finds_a_known_diameter(self, radius, depth):
        profile = line_profile(
            sphere(radius, depth=depth), (45.2, 2.0), (45.2, 118.0), pixel_size_nm=(0.4, 0.4)
        )
        found = particle_diameter(profile)
        assert found.diameter_px == pytest.approx(2 * radius, rel=0.01)
        assert found.diameter_nm == pytest.approx(0.4 * found.diameter_px)
        assert found.centre_px == pytest.approx(58.4, abs=0.2)
        assert found.depth == pytest.approx(depth, rel=0.03)
        assert abs(found.edge_width_px) < 0.6

    def test_blur_widens_the_edge_and_hardly_the_sphere(self):
        found = [
            particle_diameter(line_profile(sphere(28.0, blur), (45.2, 2.0), (45.2, 118.0)))
            for blur in (0.0, 2.0)
        ]
        assert found[1].diameter_px == pytest.approx(56, rel=0.02)
        assert found[1].edge_width_px > found[0].edge_width_px + 0.7

    def test_the_error_covers_the_noise(self):
        rng = np.random.default_rng(3)
        image = sphere(24.0)
        misses = []
        for _ in range(30):
            noisy = image + rng.normal(0, 2.0, image.shape)
            found = particle_diameter(line_profile(noisy, (45.2, 2.0), (45.2, 118.0), width_px=5))
            misses.append((found.diameter_px - 48) / found.diameter_error_px)
        assert np.std(misses) < 2.5
        assert abs(np.mean(misses)) < 1.5

    @pytest.mark.parametrize("seed", range(5))
    def test_noise_alone_is_no_particle(self, seed):
        x = np.arange(90, dtype=float)
        with pytest.raises(InputError):
            particle_diameter(LineProfile(x, np.random.default_rng(seed).normal(size=90)))

    def test_an_edge_is_no_particle(self):
        with pytest.raises(InputError, match="both sides"):
            particle_diameter(edge(2.0))

    def test_refuses_what_is_not_round(self):
        x = np.arange(90, dtype=float)
        hollow = np.where(abs(x - 45) < 20, 5 + (x - 45) ** 2 / 80, 0.0)
        with pytest.raises(InputError, match="rounded"):
            particle_diameter(LineProfile(x, hollow))

    @pytest.mark.parametrize("values", [np.zeros(40), np.arange(5.0), np.full(40, np.nan)])
    def test_refuses_constant_short_and_missing_profiles(self, values):
        with pytest.raises(InputError):
            particle_diameter(LineProfile(np.arange(values.size, dtype=float), values))


class TestHistograms:
    def test_share_one_set_of_bins_and_count_everything(self):
        rng = np.random.default_rng(4)
        made = shared_histograms({"a": rng.normal(0, 1, (40, 51)), "b": rng.normal(3, 2, (7, 9))}, bins=32)
        assert made.edges.shape == (33,)
        for name in ("a", "b"):
            assert made.shares[name].sum() + made.outside[name] == pytest.approx(1)
            assert made.outside[name] <= 0.05

    def test_a_hot_pixel_does_not_squeeze_the_rest(self):
        image = np.random.default_rng(5).normal(size=(60, 60))
        image[3, 4] = 1e6
        made = shared_histograms({"hot": image})
        assert np.ptp(made.edges) < 20
        assert made.outside["hot"] > 0

    @pytest.mark.parametrize("bins", [7, 32, 400])
    def test_counts_make_no_comb(self, bins):
        counts = np.arange(200).repeat(9).reshape(40, 45)
        made = shared_histograms({"counts": counts, "smooth": counts + 0.2}, bins=bins, tail=0)
        assert np.ptp(made.shares["counts"][:-1]) == pytest.approx(0)
        assert made.shares["counts"].sum() == pytest.approx(1)
        assert made.outside["smooth"] <= 0.01
        assert len(made.edges) <= bins + 2

    @pytest.mark.parametrize("image", [np.full((5, 3), 7), [[2.0]], [[np.nan, 1.0]]])
    def test_constant_tiny_and_holed_images(self, image):
        assert shared_histograms({"it": image}).shares["it"].sum() == pytest.approx(1)

    def test_refuses_nothing_and_nan_alone(self):
        with pytest.raises(InputError):
            shared_histograms({})
        with pytest.raises(InputError):
            shared_histograms({"nan": np.full((3, 3), np.nan)})
