"""Segmentations of images with known regions, whole and in parts, and what cannot be told."""

import csv
import io
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label

from napari_emrestore.core import Cancelled, InputError
from napari_emrestore.metrics import adapted_rand, segment_membranes
from napari_emrestore.pipeline.comparison import (
    Candidate,
    LabelImage,
    ReportContent,
    compare,
    compare_segmentations,
    write_report,
)
from napari_emrestore.pipeline.comparison.candidates import rectangle
from napari_emrestore.pipeline.comparison.tables import segmented_caption, segmented_cell, to_csv

SHAPE = (97, 120)


@pytest.fixture(scope="module")
def field():
    """A raw image, a better one, the truth, and the regions between its walls."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    walls = (y % 32 < 4) | (x % 40 < 4)
    truth = gaussian_filter(np.where(walls, 40.0, 160.0), 1).astype(np.float32)
    noise = np.random.default_rng(0).normal(0, 1, SHAPE)
    images = [Candidate("raw", truth + 150 * noise), Candidate("better", truth + 10 * noise)]
    return images, Candidate("truth", truth), LabelImage("drawn", label(~walls)[0])


@pytest.fixture(scope="module")
def table(field):
    images, truth, drawn = field
    part = rectangle("part", SHAPE, (0, 40), (0, 60))
    return compare_segmentations(images, truth, true_regions=drawn, raw="raw", regions=[part], width_px=3)


def rows_of(table, region="whole image"):
    return {row.name: row for row in table.rows if row.region == region}


def test_each_image_is_segmented_alike(field, table):
    images, truth, drawn = field
    for one in (*images, truth):
        expected = adapted_rand(segment_membranes(one.image, width_px=3), drawn.labels)
        row = rows_of(table)[one.name]
        assert (row.error, row.precision, row.recall) == (expected.error, expected.precision, expected.recall)
        assert row.gain == rows_of(table)["raw"].error - row.error
    assert rows_of(table)["raw"].true_regions == label(drawn.labels > 0)[1]
    assert rows_of(table)["truth"].error < rows_of(table)["better"].error + 0.01 < rows_of(table)["raw"].error


def test_parts_are_measured_on_the_segmentation_of_the_whole(field, table):
    images, _, drawn = field
    cut = np.s_[:41, :61]
    expected = adapted_rand(segment_membranes(images[0].image, width_px=3)[cut], drawn.labels[cut]).error
    row = rows_of(table, "part")["raw"]
    assert row.error == expected
    assert row.pixels == np.count_nonzero(drawn.labels[cut])


def test_labels_of_others_are_taken_as_they_are(field):
    images, _, drawn = field
    own = LabelImage("own", drawn.labels * 7)
    rows = rows_of(compare_segmentations(images, true_regions=drawn, given=[own]))
    assert (rows["own"].error, rows["own"].made_by) == (0, "labels given")
    assert rows["raw"].gain is None


def test_without_labels_the_truth_is_segmented_and_is_no_row(field):
    images, truth, _ = field
    table = compare_segmentations(images, truth)
    assert set(rows_of(table)) == {"raw", "better"}
    assert "the same segmentation finds in 'truth'" in segmented_caption(table)


def test_gaps_count_in_no_image_and_are_no_edges(field):
    images, truth, drawn = field
    holed = images[1].image.copy()
    holed[40:60, 50:70] = np.nan
    rows = rows_of(compare_segmentations([images[0], Candidate("holed", holed)], truth, true_regions=drawn))
    gone = np.count_nonzero(drawn.labels[40:60, 50:70])
    assert {row.pixels for row in rows.values()} == {np.count_nonzero(drawn.labels) - gone}
    assert rows["holed"].error < 0.1


def test_a_part_without_true_regions_has_no_number(field):
    images, _, _ = field
    empty = LabelImage("empty", np.zeros(SHAPE, int))
    (row, _) = compare_segmentations(images, true_regions=empty, raw="raw").rows
    assert (row.error, row.gain, row.true_regions) == (None, None, 0)
    assert segmented_cell(row, "error") == "–"


def test_what_does_not_fit_is_refused(field):
    images, truth, drawn = field
    with pytest.raises(InputError, match="neither labels nor"):
        compare_segmentations(images)
    with pytest.raises(InputError, match=r"drawn.*shape"):
        compare_segmentations(images, true_regions=LabelImage("drawn", drawn.labels[1:]))
    with pytest.raises(InputError, match="float"):
        compare_segmentations(images, true_regions=LabelImage("drawn", drawn.labels / 2))
    with pytest.raises(InputError, match="different names"):
        compare_segmentations(images, true_regions=drawn, given=[drawn])

    class Stop:
        def step(self, done, total, note=""):
            if done:
                raise Cancelled(note)

    with pytest.raises(Cancelled):
        compare_segmentations(images, truth, true_regions=drawn, monitor=Stop())


def test_files_hold_the_same_numbers(field, table, tmp_path):
    images, truth, _ = field
    numbers = replace(compare(images, truth), segmentation=table)
    rows = list(csv.DictReader(io.StringIO(to_csv(numbers))))
    named = {(row["candidate"], row["region"]): row for row in rows}
    for row in table.rows:
        assert float(named[row.name, row.region]["adapted Rand error"]) == row.error
    assert named["better", "whole image"]["SSIM"]
    assert named["truth", "whole image"]["SSIM"] == ""
    page = write_report(ReportContent(numbers, tuple(images), truth), tmp_path / "page.html").read_text(
        "utf-8"
    )
    assert all(segmented_cell(row, "error") in page for row in table.rows)
