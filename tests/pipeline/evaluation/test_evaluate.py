"""A whole comparison on procedural images: pairing, tuning on other images, report."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from imageio.v3 import imread, imwrite

from napari_emrestore.core import InputError
from napari_emrestore.metrics import adapted_rand
from napari_emrestore.pipeline.evaluation import EvaluationSettings, evaluate, write_report
from napari_emrestore.pipeline.evaluation.labelling import load_labels
from napari_emrestore.pipeline.evaluation.methods import (
    BEST_CLASSICAL,
    BLUR_FAMILY,
    DENOISED_THEN_DEBLURRED,
    GROUND_TRUTH,
    UNRESTORED,
)
from napari_emrestore.pipeline.evaluation.reporting import SUMMARY_COLUMNS, summarise
from napari_emrestore.training import draw_scene


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Five procedural images and a file that is none."""
    folder = tmp_path_factory.mktemp("clean")
    for k in range(5):
        scene = draw_scene("cells", 160, np.random.default_rng(k))
        imwrite(folder / f"cells_{k}.png", np.round(scene * 65535).astype(np.uint16))
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="module")
def settings(folder):
    return EvaluationSettings(
        str(folder), ("gaussian",), "ede-low", tune=("gaussian", "median"), shrink=1, size_px=64
    )


@pytest.fixture(scope="module")
def evaluation(settings):
    return evaluate(settings)


def test_all_methods_see_the_same_instances(evaluation):
    assert [m.name for m in evaluation.methods] == [UNRESTORED, "gaussian", BEST_CLASSICAL]
    assert {len(values) for values in evaluation.values.values()} == {len(evaluation.sources)} == {6}


def test_images_for_tuning_are_in_no_table(evaluation):
    assert set(evaluation.sources) == {"cells_1.png", "cells_2.png", "cells_3.png"}
    assert any("cells_0.png, cells_4.png" in note for note in evaluation.notes)
    assert any("broken.png" in note for note in evaluation.notes)


def test_the_tuned_method_beats_the_input(evaluation):
    rows = {(row["method"], row["measure"]): row for row in summarise(evaluation)}
    assert rows[BEST_CLASSICAL, "MSE"]["mean"] < rows[UNRESTORED, "MSE"]["mean"]
    assert rows[BEST_CLASSICAL, "MSE"]["baseline high"] < 0
    assert rows[UNRESTORED, "MSE"]["over baseline"] is None
    assert "tuned by squared error on 8 other instances" in rows[BEST_CLASSICAL, "MSE"]["note"]


def test_the_same_seed_gives_the_same_table(settings):
    plain = replace(settings, tune=())
    first, again = evaluate(plain), evaluate(plain)
    np.testing.assert_array_equal(first.values["gaussian", "SSIM"], again.values["gaussian", "SSIM"])
    other = evaluate(replace(plain, seed=1))
    assert not np.array_equal(first.values["gaussian", "SSIM"], other.values["gaussian", "SSIM"])


def test_the_report_holds_every_value_and_its_conditions(evaluation, tmp_path):
    paths = {path.name: path for path in write_report(evaluation, tmp_path / "report")}
    assert set(paths) == {
        "ede-low_summary.csv", "ede-low_values.csv", "ede-low.md", "ede-low_densities.png",
        "ede-low_error_maps.png",
    }  # fmt: skip
    with paths["ede-low_summary.csv"].open() as file:
        summary = list(csv.DictReader(file))
    assert tuple(summary[0]) == SUMMARY_COLUMNS
    assert len(summary) == 3 * 3
    with paths["ede-low_values.csv"].open() as file:
        values = [float(row["value"]) for row in csv.DictReader(file) if row["method"] == "gaussian"]
    assert values[:6] == pytest.approx(evaluation.values["gaussian", "MSE"].tolist())
    table = paths["ede-low.md"].read_text()
    assert "DOI 10.1016/j.ultramic.2019.03.017" in table
    assert "3 images, 2 instances of 64 px each, images shrunk by 1, seed 0" in table
    assert imread(paths["ede-low_densities.png"]).std() > 0
    assert imread(paths["ede-low_error_maps.png"]).std() > 0


def test_error_maps_are_the_mean_absolute_error(settings):
    evaluation = evaluate(replace(settings, tune=(), models=(), repeats=1))
    assert evaluation.error_maps[UNRESTORED].shape == (64, 64)
    assert 0 < evaluation.error_maps[UNRESTORED].mean() < 0.5


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"protocol": "nature"}, "nature"),
        ({"tune": ("mean",)}, "mean came"),
        ({"shrink": 0}, "factor 0"),
        ({"folder": "nowhere"}, "nowhere"),
    ],
)
def test_what_cannot_be_compared_is_refused(settings, changed, said):
    with pytest.raises(InputError, match=said):
        evaluate(replace(settings, **changed))


def test_tuning_needs_a_second_image(settings, tmp_path):
    imwrite(tmp_path / "one.png", np.arange(100 * 120, dtype=np.uint16).reshape(100, 120))
    with pytest.raises(InputError, match="at least two images"):
        evaluate(replace(settings, folder=str(tmp_path)))


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    """Two honeycombs with their regions, as a black-and-white and as a numbered file."""
    folder, labels = (tmp_path_factory.mktemp(name) for name in ("images", "labels"))
    y, x = np.mgrid[:160, :160]
    walls = (y % 40 < 1) | (x % 40 < 1)
    for k in range(2):
        imwrite(folder / f"comb_{k}.png", np.where(walls, 9000, 50000).astype(np.uint16))
    imwrite(labels / "regions_0.png", np.where(walls, 0, 255).astype(np.uint8))
    numbered = np.where(walls, 0, 1 + y // 40 * 4 + x // 40)
    imwrite(labels / "regions_1.png", numbered.astype(np.uint8))
    return str(folder), str(labels)


def test_labels_add_what_restoring_does_to_a_segmentation(labelled, tmp_path):
    folder, labels = labelled
    settings = EvaluationSettings(
        folder, ("gaussian-calibrated",), "kat", tune=(), repeats=1, shrink=1, size_px=160, labels=labels
    )
    evaluation = evaluate(settings)
    raw = evaluation.values[UNRESTORED, "adapted Rand error"].mean()
    assert 0 <= evaluation.values["gaussian-calibrated", "adapted Rand error"].mean() < raw <= 1
    table = next(p for p in write_report(evaluation, tmp_path) if p.suffix == ".md").read_text()
    assert "only differences mean something" in table
    assert "The labels hold 32 true regions in 2 images." in table
    assert "| ground truth |" in table
    assert "particle diameter (true 48.0)" in table
    with pytest.raises(InputError, match="protocol plos moves"):
        evaluate(replace(settings, protocol="plos", size_px=128))


def test_the_truth_is_segmented_beside_raw_and_restored(labelled):
    folder, labels = labelled
    settings = EvaluationSettings(
        folder, ("gaussian-calibrated",), "sgpn", tune=(), repeats=1, shrink=1, size_px=160, labels=labels
    )
    evaluation = evaluate(settings)
    assert [method.name for method in evaluation.methods] == [UNRESTORED, "gaussian-calibrated", GROUND_TRUTH]
    assert evaluation.values[GROUND_TRUTH, "adapted Rand error"].mean() < 0.05
    for measure in ("Rand precision", "Rand recall"):
        assert evaluation.values[GROUND_TRUTH, measure].mean() > 0.95
    assert (GROUND_TRUTH, "PSNR") not in evaluation.values
    assert GROUND_TRUTH not in evaluation.error_maps


def test_white_membranes_give_the_regions_that_white_insides_give(labelled, tmp_path):
    folder, labels = labelled
    for path in Path(labels).iterdir():
        imwrite(tmp_path / path.name, np.where(imread(path) == 0, 255, 0).astype(np.uint8))
    regions = load_labels(folder, labels, shrink=1)
    turned = load_labels(folder, str(tmp_path), shrink=1, kind="membranes")
    for name, found in regions.items():
        assert adapted_rand(turned[name], found).error == 0
    settings = EvaluationSettings(
        folder, (), "kat", tune=(), repeats=1, shrink=1, size_px=160, labels=str(tmp_path)
    )
    with pytest.raises(InputError, match=r"darker by .* --label-kind membranes"):
        evaluate(settings)
    with pytest.raises(InputError, match="'walls' came"):
        load_labels(folder, labels, shrink=1, kind="walls")


def test_classes_of_pixels_are_no_regions(labelled, tmp_path):
    classes = np.random.default_rng(0).integers(0, 3, (160, 160)).astype(np.uint8)
    for k in range(2):
        imwrite(tmp_path / f"classes_{k}.png", classes)
    with pytest.raises(InputError, match=r"2 numbers lie in .* parts"):
        load_labels(labelled[0], str(tmp_path), shrink=1)


_DATA = Path(__file__).parents[4] / "shared" / "data"
_NO_DATA = not (_DATA / "labels" / "isbi2012_sstem").is_dir()


@pytest.mark.skipif(_NO_DATA, reason="the public stack is not here")
def test_public_sections_segment_better_without_damage(tmp_path):
    folder, labels = tmp_path / "images", tmp_path / "labels"
    for kind, made in (("em", folder), ("labels", labels)):
        made.mkdir()
        for path in sorted((_DATA / kind / "isbi2012_sstem").glob("*.png"))[::12]:
            (made / path.name).symlink_to(path)
    evaluation = evaluate(
        EvaluationSettings(str(folder), ("gaussian",), "sgpn", tune=(), repeats=1, labels=str(labels))
    )
    errors = {
        method.name: evaluation.values[method.name, "adapted Rand error"].mean()
        for method in evaluation.methods
    }
    assert errors[GROUND_TRUTH] < 0.3
    assert errors[GROUND_TRUTH] < errors[UNRESTORED] - 0.05


def test_every_image_needs_its_labels(labelled, tmp_path):
    folder, labels = labelled
    imwrite(tmp_path / "alone.png", imread(next(Path(labels).glob("*_1.png"))))
    settings = EvaluationSettings(folder, (), "kat", tune=(), shrink=1, size_px=160, labels=str(tmp_path))
    with pytest.raises(InputError, match="holds 1 for 2 images"):
        evaluate(settings)


def test_memory_is_counted(evaluation):
    assert evaluation.peak_mib[UNRESTORED] == 0
    assert evaluation.peak_mib["gaussian"] >= 1.0  # one float32 frame of 512 x 512 at least


def test_a_method_told_the_blur_has_a_row_where_there_is_blur(settings, folder):
    pytest.importorskip("bm3d")
    told = replace(settings, tune=(BLUR_FAMILY,), models=(), repeats=1)
    found = evaluate(replace(told, protocol="sgpn"))
    assert [m.name for m in found.methods] == [UNRESTORED, DENOISED_THEN_DEBLURRED]
    assert "told the true blur" in found.methods[1].note
    means = {name: found.values[name, "PSNR"].mean() for name in (UNRESTORED, DENOISED_THEN_DEBLURRED)}
    assert means[DENOISED_THEN_DEBLURRED] > means[UNRESTORED]
    with pytest.raises(InputError, match="protocol that blurs"):
        evaluate(told)
