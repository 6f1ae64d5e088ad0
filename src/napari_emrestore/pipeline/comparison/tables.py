"""A comparison as a table: headings that say what each number is, texts for people, CSV for programs."""

from __future__ import annotations

import csv
import io
from math import isinf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from napari_emrestore.io.staging import staged

if TYPE_CHECKING:
    from napari_emrestore.pipeline.comparison.numbers import Comparison, Row
    from napari_emrestore.pipeline.comparison.segmentations import SegmentationTable, SegmentedRow

# field of a Row -> (heading against a ground truth, heading against a reference candidate, digits).
# Without a truth no heading carries the name of a score: nothing there tells which image is better.
COLUMNS: dict[str, tuple[str, str, str]] = {
    "ssim": ("SSIM", "similarity to reference", ".4f"),
    "psnr_db": ("PSNR (dB)", "range over rms change (dB)", ".2f"),
    "mse": ("MSE", "mean squared change", ".4g"),
    "mae": ("MAE", "mean absolute change", ".4g"),
    "ssim_matched": ("SSIM, matched", "similarity, matched", ".4f"),
    "psnr_matched_db": ("PSNR (dB), matched", "range over rms change (dB), matched", ".2f"),
    "mse_matched": ("MSE, matched", "mean squared change, matched", ".4g"),
    "mae_matched": ("MAE, matched", "mean absolute change, matched", ".4g"),
    "frc_px": ("FRC (px)", "one-image FRC (px)", ".2f"),
    "frc_nm": ("FRC (nm)", "one-image FRC (nm)", ".3g"),
    "seconds": ("seconds", "seconds", ".2f"),
}
# field of a SegmentedRow -> (heading, digits)
SEGMENTATION_COLUMNS: dict[str, tuple[str, str]] = {
    "error": ("adapted Rand error", ".3f"),
    "gain": ("gain over raw", "+.3f"),
    "precision": ("Rand precision", ".3f"),
    "recall": ("Rand recall", ".3f"),
    "found": ("regions found", "d"),
}
NOTHING = "–"
_SEGMENTED_FACTS = (
    "segmented by",
    "true regions of",
    "true regions",
    "pixels of true regions",
    "membrane (px)",
)
_FACTS = ("candidate", "region", "pixels", "compared with", "data range", "range from")


def headings(comparison: Comparison) -> dict[str, str]:
    """Return the heading of each numeric field of a row, in order."""
    return {name: titles[0 if comparison.is_truth else 1] for name, titles in COLUMNS.items()}


def cell(row: Row, name: str) -> str:
    """Return one number of a row as text for people; a dash where there is none."""
    value: float | None = getattr(row, name)
    if value is None:
        return NOTHING
    if isinf(value):
        return "unresolved" if name.startswith("frc") else "∞"
    return format(value, COLUMNS[name][2])


def caption(comparison: Comparison) -> str:
    """Return what the numbers of a table refer to, in one or two sentences."""
    span = f"Data range {comparison.data_range:.6g} ({comparison.range_source})."
    if comparison.is_truth:
        return f"Compared with the ground truth {comparison.against!r}. {span}"
    return (
        f"No ground truth: change against {comparison.against!r}, which says how much images differ, not "
        f"which is better. {span} FRC of two halves of one image takes smoothing for signal: trust it for "
        "unrestored images only."
    )


def segmented_cell(row: SegmentedRow, name: str) -> str:
    """Return one number of a segmentation as text for people; a dash where there is none."""
    value: float | None = getattr(row, name)
    return NOTHING if value is None else format(value, SEGMENTATION_COLUMNS[name][1])


def segmented_caption(table: SegmentationTable) -> str:
    """Return what the numbers of a table of segmentations mean, in a few sentences."""
    truth = (
        f"True regions: what the same segmentation finds in {table.against!r}."
        if table.is_segmented
        else f"True regions: {table.against!r}; only their pixels count."
    )
    gain = f" A gain above 0 means fewer errors than in {table.raw!r}." if table.raw else ""
    return (
        f"{truth} One segmentation for all images: dark membranes {table.width_px:g} px wide, watershed; "
        f"only differences mean something.{gain} Low precision: regions merged; low recall: regions split."
    )


def to_csv(comparison: Comparison) -> str:
    """Return the table as CSV, full precision, the data range and what was compared with in every row."""
    names = headings(comparison)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    segmented = {} if comparison.segmentation is None else _by_place(comparison.segmentation)
    more = [heading for heading, _ in SEGMENTATION_COLUMNS.values()] if segmented else []
    writer.writerow([*_FACTS, *names.values(), "FRC of", "note", *more, *(_SEGMENTED_FACTS if more else ())])
    kind = "ground truth" if comparison.is_truth else "reference"
    for row in comparison.rows:
        numbers: list[Any] = [getattr(row, name) for name in names]
        facts = [f"{kind}: {comparison.against}", comparison.data_range, comparison.range_source]
        found = segmented.pop((row.candidate, row.region), [])
        writer.writerow(
            [row.candidate, row.region, row.pixels, *facts, *numbers, row.frc_kind, row.note, *found]
        )
    blank = [""] * (len(_FACTS) - 2 + len(names) + 2)
    writer.writerows([name, region, *blank, *found] for (name, region), found in segmented.items())
    return text.getvalue()


def _by_place(table: SegmentationTable) -> dict[tuple[str, str], list[Any]]:
    """Return the cells of each row of a table of segmentations by its name and region."""
    return {
        (row.name, row.region): [
            *(getattr(row, name) for name in SEGMENTATION_COLUMNS),
            row.made_by,
            table.against,
            row.true_regions,
            row.pixels,
            table.width_px,
        ]
        for row in table.rows
    }


def write_csv(comparison: Comparison, path: str | Path) -> Path:
    """Write the table as CSV and return its path.

    Raises
    ------
    InputError, WriteError
        If the folder does not exist or cannot be written.
    """
    target = Path(path)
    with staged(target) as draft:
        draft.write_text(to_csv(comparison), encoding="utf-8")
    return target
