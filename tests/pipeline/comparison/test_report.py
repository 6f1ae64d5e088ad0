"""Curves, plots and the page: what is drawn is what was measured."""

import re
from datetime import UTC, datetime

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.ndimage import gaussian_filter

from napari_emrestore.core import InputError
from napari_emrestore.metrics import shared_histograms
from napari_emrestore.pipeline.comparison import (
    Candidate,
    ReportContent,
    compare,
    measure_profiles,
    measure_spectra,
    plots,
    write_report,
)
from napari_emrestore.pipeline.comparison.report import pixels_sha256


def texts(figure: Figure) -> str:
    shown = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    for axes in figure.axes:
        shown += [t.get_text() for t in axes.texts] + [axes.get_xlabel(), axes.get_ylabel()]
    return "\n".join(shown)


class TestCurves:
    def test_edges_and_particles_are_measured_or_say_why_not(self):
        step = np.repeat(gaussian_filter((np.arange(60) > 30) * 100.0, 2)[None], 40, axis=0)
        noise = np.random.default_rng(0).normal(size=step.shape)
        found = measure_profiles(
            [Candidate("step", step), Candidate("noise", noise)], (20, 0), (20, 59), pixel_size_nm=(2.0, 2.0)
        )
        assert found["step"].edge.width_nm == pytest.approx(2 * 2.563 * 2, rel=0.05)
        assert found["noise"].edge is None
        assert "step" in found["noise"].no_edge
        assert found["noise"].no_particle

    def test_the_raw_image_limits_what_was_measured(self, candidates, truth):
        own = measure_spectra(candidates, raw="noisy")
        assert (own.limit_of, own.against_truth) == ("noisy", False)
        assert own.limit_per_px == own.correlations["noisy"].limit_per_px <= 0.25
        with_truth = measure_spectra(candidates, truth)
        assert with_truth.limit_per_px == max(c.limit_per_px for c in with_truth.correlations.values())
        assert "truth" in with_truth.power
        assert "truth" not in with_truth.correlations

    def test_without_raw_and_truth_no_limit_is_claimed(self, candidates):
        assert measure_spectra(candidates).limit_per_px is None

    def test_gaps_are_problems_with_a_name(self, candidates):
        holed = candidates[0].image.copy()
        holed[0, 0] = np.nan
        found = measure_spectra([Candidate("holed", holed), candidates[1]])
        assert "holed" in found.problems
        assert list(found.correlations) == ["better"]


class TestPlots:
    def test_each_draws_every_candidate_and_can_be_drawn_again(self, candidates, truth):
        figure = plots.new_figure()
        everyone = [*candidates, truth]
        images = {one.name: one.image for one in everyone}
        for _ in range(2):
            plots.draw_histograms(figure, shared_histograms(images), truth="truth")
            assert len(figure.axes[0].patches) == 4
            plots.draw_power(figure, measure_spectra(candidates, truth), truth="truth")
            assert len(figure.axes[0].lines) == 4
            assert "truth" in texts(figure)

    def test_the_range_that_was_not_measured_is_shaded(self, candidates):
        figure = plots.new_figure()
        spectra = measure_spectra(candidates, raw="noisy")
        plots.draw_correlations(figure, spectra)
        assert "not measured" in texts(figure)
        shade = figure.axes[0].patches[0]
        assert shade.get_extents().transformed(figure.axes[0].transData.inverted()).x0 == pytest.approx(
            spectra.limit_per_px
        )
        plots.draw_correlations(figure, measure_spectra(candidates))
        assert "not measured" not in texts(figure)

    def test_a_profile_carries_its_widths(self, candidates):
        image = np.repeat(gaussian_filter((np.arange(60) > 30) * 100.0, 2)[None], 40, axis=0)
        figure = plots.new_figure()
        profiles = measure_profiles([Candidate("step", image)], (20, 0), (20, 59), pixel_size_nm=(2.0, 2.0))
        plots.draw_profiles(figure, profiles)
        assert re.search(r"step: edge 10\.\d\d ± 0\.00 nm$", texts(figure), re.M)
        assert "distance (nm)" in texts(figure)

    @pytest.mark.parametrize(("suffix", "head"), [(".png", b"\x89PNG"), (".svg", b"<?xml")])
    def test_plots_are_written_whole(self, candidates, tmp_path, suffix, head):
        figure = plots.new_figure()
        plots.draw_histograms(figure, shared_histograms({"noisy": candidates[0].image}))
        path = plots.save_figure(figure, tmp_path / f"plot{suffix}")
        assert path.read_bytes().startswith(head)
        assert list(tmp_path.iterdir()) == [path]
        with pytest.raises(InputError):
            plots.save_figure(figure, tmp_path / "plot.bmp")


class TestReport:
    @pytest.fixture
    def page(self, candidates, truth, tmp_path):
        figure = plots.new_figure()
        plots.draw_histograms(figure, shared_histograms({"noisy": candidates[0].image}))
        content = ReportContent(
            compare(candidates, truth), tuple(candidates), truth, {"Histogram": figure}, {"line": [1, 2]}
        )
        path = write_report(content, tmp_path / "report.html", when=datetime(2026, 5, 4, tzinfo=UTC))
        return path.read_text(encoding="utf-8")

    def test_stands_alone(self, page):
        assert not re.search(r"(src|href)=\"(?!data:)", page)
        assert page.count("data:image/png;base64,") == 3

    def test_states_numbers_hashes_settings_and_versions(self, page, candidates, truth):
        row = compare(candidates, truth).rows[1]
        for fact in (f"{row.ssim:.4f}", pixels_sha256(candidates[1].image), "numpy", "2026-05-04", "SSIM"):
            assert fact in page

    def test_without_truth_it_never_says_psnr(self, candidates, tmp_path):
        path = write_report(ReportContent(compare(candidates), tuple(candidates)), tmp_path / "r.html")
        text = re.sub(r"base64,[^\"]*", "", path.read_text(encoding="utf-8"))
        assert "PSNR" not in text
        assert "Absolute change" in text

    def test_names_cannot_break_the_page(self, scene, tmp_path):
        nasty = [Candidate("<script>", scene), Candidate("b", scene + 1)]
        path = write_report(ReportContent(compare(nasty), tuple(nasty)), tmp_path / "r.html")
        assert "<script>" not in path.read_text(encoding="utf-8")

    def test_a_missing_folder_is_refused_and_leaves_nothing(self, candidates, tmp_path):
        with pytest.raises(InputError):
            write_report(ReportContent(compare(candidates), tuple(candidates)), tmp_path / "no" / "r.html")
        assert list(tmp_path.iterdir()) == []


def test_hashes_follow_pixels_not_memory(scene):
    assert pixels_sha256(scene) == pixels_sha256(np.asfortranarray(scene))
    assert pixels_sha256(scene) != pixels_sha256(scene + 1)
