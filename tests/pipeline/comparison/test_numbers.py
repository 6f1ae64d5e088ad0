"""The table against numbers that are known, and what it must never claim."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.pipeline.comparison import (
    Candidate,
    Place,
    Region,
    compare,
    difference_map,
    hide_names,
    shared_field,
)
from napari_emrestore.pipeline.comparison.candidates import label_regions, polygon, rectangle
from napari_emrestore.pipeline.comparison.tables import caption, cell, headings, to_csv, write_csv
from napari_emrestore.restoration.plan import Rect


def rows_of(comparison, region):
    return {row.candidate: row for row in comparison.rows if row.region == region}


class TestCompareWithTruth:
    def test_equals_scikit_image_on_the_whole_image_and_on_a_rectangle(self, candidates, truth):
        part = Region("part", Rect(5, 40, 10, 60))
        table = compare(candidates, truth, regions=[part])
        span = float(np.ptp(truth.image))
        assert table.is_truth
        assert table.data_range == pytest.approx(span)
        for region, cut in (("whole image", np.s_[:]), ("part", part.area.slices)):
            for one in candidates:
                row = rows_of(table, region)[one.name]
                a, b = one.image[cut].astype(float), truth.image[cut].astype(float)
                assert row.psnr_db == pytest.approx(peak_signal_noise_ratio(b, a, data_range=span), abs=1e-4)
                expected = structural_similarity(
                    b, a, data_range=span, gaussian_weights=True, sigma=1.5, use_sample_covariance=False
                )
                assert row.ssim == pytest.approx(expected, abs=2e-3)
                assert row.mae == pytest.approx(np.abs(a - b).mean(), rel=1e-5)
                assert row.pixels == a.size

    def test_the_matched_twin_forgives_a_wrong_grey_scale(self, candidates, truth):
        row = rows_of(compare(candidates, truth), "whole image")["bright"]
        assert row.psnr_db < 10
        assert row.psnr_matched_db > 80
        assert row.ssim_matched == pytest.approx(1, abs=1e-4)

    def test_frc_ranks_noise_and_carries_nm(self, candidates, truth):
        rows = rows_of(compare(candidates, truth, pixel_size_nm=(0.5, 0.5)), "whole image")
        assert rows["better"].frc_px < rows["noisy"].frc_px
        assert rows["better"].frc_nm == pytest.approx(rows["better"].frc_px / 2)
        assert rows["better"].frc_kind == "with the ground truth"
        assert rows["better"].seconds == 1.5
        assert rows["noisy"].seconds is None

    def test_pixels_that_are_not_square_have_no_nm(self, candidates, truth):
        row = compare(candidates, truth, pixel_size_nm=(0.5, 0.6)).rows[0]
        assert row.frc_px is not None
        assert row.frc_nm is None

    def test_a_gap_in_one_image_is_left_out_of_all(self, candidates, truth):
        holed = candidates[0].image.copy()
        holed[:10] = np.nan
        table = compare([replace(candidates[0], image=holed), candidates[1]], truth)
        assert {row.pixels for row in table.rows} == {holed.size - 780}
        assert all("gaps" in row.note and row.frc_px is None for row in table.rows)
        assert table.rows[1].mae == pytest.approx(
            np.abs(candidates[1].image - truth.image)[10:].mean(), rel=1e-5
        )

    def test_polygons_and_labels_take_their_pixels_only(self, candidates, truth):
        triangle = polygon("triangle", truth.image.shape, [(2, 2), (50, 4), (30, 70)])
        labels = np.zeros(truth.image.shape, int)
        labels[20:40, 30:60], labels[3, 3] = 4, 7
        table = compare(candidates[:1], truth, regions=[triangle, *label_regions(labels)])
        error = np.abs(candidates[0].image - truth.image)
        square = rows_of(table, "label 4")["noisy"]
        assert square.mae == pytest.approx(error[20:40, 30:60].mean(), rel=1e-5)
        assert square.frc_px is not None
        dot = rows_of(table, "label 7")["noisy"]
        assert dot.pixels == 1
        assert dot.ssim is None
        assert "SSIM" in dot.note
        assert dot.mae == pytest.approx(error[3, 3], rel=1e-5)
        assert rows_of(table, "triangle")["noisy"].frc_px is None

    def test_says_where_the_data_range_comes_from(self, candidates, truth):
        assert "span of the ground truth" in compare(candidates, truth).range_source
        assert compare(candidates, truth, data_range=255.0).range_source == "as set"

    def test_a_region_alone_leaves_the_whole_out(self, candidates, truth):
        part = Region("part", Rect(5, 40, 10, 60))
        table = compare(candidates, truth, regions=[part], whole=False)
        assert {row.region for row in table.rows} == {"part"}
        assert table.data_range == compare(candidates, truth).data_range

    def test_stops_when_asked(self, candidates, truth, stop_after):
        with pytest.raises(Cancelled):
            compare(candidates, truth, monitor=stop_after(2))


class TestCompareWithoutTruth:
    def test_numbers_are_a_change_and_carry_no_score_name(self, candidates):
        table = compare(candidates, reference="better")
        assert not table.is_truth
        text = " ".join([*headings(table).values(), caption(table)])
        assert "PSNR" not in text
        assert "SSIM" not in text
        assert "'better'" in caption(table)
        assert "reference: better" in to_csv(table)

    def test_the_reference_is_not_compared_with_itself(self, candidates):
        row = rows_of(compare(candidates), "whole image")["noisy"]
        assert row.ssim is None
        assert row.note == "is the reference"
        assert row.frc_kind == "of two halves of one image"
        assert row.frc_px >= 4

    def test_an_unknown_reference_is_refused(self, candidates):
        with pytest.raises(InputError, match="nobody"):
            compare(candidates, reference="nobody")


class TestRefusals:
    @pytest.mark.parametrize("count", [0, 9])
    def test_too_few_and_too_many(self, truth, count):
        with pytest.raises(InputError, match="one to 8"):
            compare([Candidate(str(k), truth.image) for k in range(count)], truth)

    def test_other_shapes_and_doubled_names(self, candidates, truth):
        with pytest.raises(InputError, match="noisy"):
            compare([Candidate("noisy", truth.image[1:])], truth)
        with pytest.raises(InputError, match="different names"):
            compare([candidates[0], candidates[0]], truth)
        with pytest.raises(InputError, match="Regions"):
            compare(candidates, truth, regions=[Region("whole image", Rect(0, 9, 0, 9))])

    @pytest.mark.parametrize("value", [5.0, np.nan])
    def test_a_truth_without_range(self, candidates, value):
        with pytest.raises(InputError, match="must vary"):
            compare(candidates, Candidate("flat", np.full(candidates[0].image.shape, value)))

    def test_regions_beside_the_field(self):
        with pytest.raises(InputError, match="holds none"):
            rectangle("box", (10, 12), (11.0, 15.0), (2.0, 5.0))
        with pytest.raises(InputError, match="holds none"):
            polygon("shape", (10, 12), [(20, 20), (30, 20), (25, 30)])

    def test_one_pixel_images_say_what_is_missing(self):
        table = compare(
            [Candidate("dot", np.array([[3.0]]))], Candidate("t", np.array([[1.0]])), data_range=2.0
        )
        assert table.rows[0].mae == 2
        assert table.rows[0].ssim is None
        assert table.rows[0].frc_px is None


def test_rectangles_take_pixels_by_their_centres():
    assert rectangle("box", (10, 12), (1.2, 4.0), (-3.0, 20.0)).area == Rect(2, 5, 0, 12)


class TestTables:
    def test_csv_has_every_row_in_full(self, candidates, truth, tmp_path):
        table = compare(candidates, truth)
        path = write_csv(table, tmp_path / "numbers.csv")
        read = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        assert [row["candidate"] for row in read] == ["noisy", "better", "bright"]
        assert float(read[0]["SSIM"]) == table.rows[0].ssim
        assert float(read[0]["data range"]) == table.data_range
        assert read[0]["seconds"] == ""

    def test_cells_are_short_and_never_made_up(self, candidates, truth):
        row = replace(compare(candidates, truth).rows[0], frc_px=np.inf, psnr_db=np.inf, seconds=None)
        assert (cell(row, "frc_px"), cell(row, "psnr_db"), cell(row, "seconds")) == ("unresolved", "∞", "–")


class TestMaps:
    def test_differences_are_signed_and_limits_are_even(self, candidates, truth):
        made = difference_map("difference", candidates[0].image, truth.image, data_range=100.0)
        np.testing.assert_allclose(made.image, candidates[0].image - truth.image, atol=1e-4)
        assert made.contrast_limits[0] == -made.contrast_limits[1]

    def test_stretching_shows_fainter_errors(self, candidates, truth):
        high = [
            difference_map(
                "error", candidates[0].image, truth.image, data_range=1.0, stretch=s
            ).contrast_limits
            for s in (1.0, 0.5)
        ]
        assert high[0] == (0.0, pytest.approx(np.abs(candidates[0].image - truth.image).max()))
        assert high[1][1] < high[0][1] / 2

    def test_the_mean_of_the_similarity_map_is_the_score(self, candidates, truth):
        made = difference_map("similarity", candidates[0].image, truth.image, data_range=100.0)
        row = compare(candidates[:1], truth, data_range=100.0).rows[0]
        assert np.nanmean(made.image) == pytest.approx(row.ssim, abs=1e-6)
        assert made.contrast_limits[1] == 1

    @pytest.mark.parametrize("kind", ["difference", "error", "similarity"])
    def test_equal_images_have_limits_too(self, truth, kind):
        low, high = difference_map(kind, truth.image, truth.image, data_range=1.0).contrast_limits
        assert low < high

    def test_refuses_unknown_kinds_and_missing_pixels(self, truth):
        with pytest.raises(InputError):
            difference_map("ratio", truth.image, truth.image, data_range=1.0)
        with pytest.raises(InputError):
            difference_map("error", truth.image * np.nan, truth.image, data_range=1.0)


class TestSharedField:
    @settings(max_examples=40, deadline=None)
    @given(
        st.lists(
            st.tuples(st.integers(-5, 5), st.integers(-5, 5), st.integers(12, 20), st.integers(12, 20)),
            min_size=1,
            max_size=4,
        ),
        st.sampled_from([1.0, 0.37, 31.25]),
    )
    def test_rectangles_show_the_same_pixels_of_the_world(self, cuts, scale):
        world = np.arange(40 * 40).reshape(40, 40)
        images, places = {}, {}
        for k, (y, x, height, width) in enumerate(cuts):
            images[str(k)] = world[10 + y : 10 + y + height, 10 + x : 10 + x + width]
            places[str(k)] = Place((height, width), (scale, scale), (scale * y + 3, scale * x - 7))
        fields = shared_field(places)
        shown = [images[name][rect.slices] for name, rect in fields.items()]
        for other in shown[1:]:
            np.testing.assert_array_equal(other, shown[0])
        heights = [min(y + h for y, _, h, _ in cuts) - max(y for y, *_ in cuts)]
        assert shown[0].shape[0] == heights[0]

    @pytest.mark.parametrize(
        ("other", "says"),
        [
            (Place((9, 9), (1.0, 1.1)), "pixel size"),
            (Place((9, 9), (1.0, 1.0), (0.5, 0.0)), "pixel grid"),
            (Place((9, 9), (1.0, 1.0), (9.0, 0.0)), "no pixel"),
        ],
    )
    def test_refuses_what_does_not_fit(self, other, says):
        with pytest.raises(InputError, match=says):
            shared_field({"one": Place((9, 9)), "two": other})


class TestBlindTest:
    def test_is_drawn_by_the_generator_and_hides_everything(self, candidates):
        first, second = (hide_names(candidates, np.random.default_rng(3)) for _ in range(2))
        assert first.names == second.names
        assert sorted(first.names) == sorted(c.name for c in candidates)
        assert [c.name for c in first.candidates] == ["A", "B", "C"]
        assert all(c.seconds is None and not c.provenance for c in first.candidates)
        pixels = {c.name: c.image for c in candidates}
        for shown in first.candidates:
            np.testing.assert_array_equal(shown.image, pixels[first.reveal()[shown.name]])

    def test_orders_differ_between_draws(self, candidates):
        orders = {hide_names(candidates, np.random.default_rng(seed)).names for seed in range(20)}
        assert len(orders) > 3

    def test_a_vote_names_the_winner(self, candidates):
        test = hide_names(candidates, np.random.default_rng(0))
        vote = test.vote("B")
        assert (vote.letter, vote.name) == ("B", test.names[1])
        assert dict(vote.order) == test.reveal()
        with pytest.raises(InputError):
            test.vote("D")
        with pytest.raises(InputError):
            hide_names(candidates[:1], np.random.default_rng(0))
