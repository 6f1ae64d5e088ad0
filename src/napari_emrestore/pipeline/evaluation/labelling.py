"""True regions of the clean images, and a protocol that also says what restoring does to finding them."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.evaluation.measuring import (
    RAND_ERROR,
    RAND_PRECISION,
    RAND_RECALL,
    segmentation_error,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.pipeline.evaluation.degrading import Instance
    from napari_emrestore.pipeline.evaluation.protocols import PaperProtocol
    from napari_emrestore.pipeline.scenes import CleanImage

    Labels = NDArray[np.int32]

LabelKind = Literal["regions", "inside", "membranes"]
LABEL_KINDS: tuple[LabelKind, ...] = get_args(LabelKind)
_MEMBRANE_PX = 4.0
_MOST_PARTS = 10  # of one region in one section; classes of pixels have hundreds


def load_labels(
    folder: str, labels_folder: str, *, shrink: int, kind: LabelKind | None = None
) -> dict[str, Labels]:
    """Return the true regions of each image of a folder, by the image's file name.

    Parameters
    ----------
    folder, labels_folder : str
        Images and labels, as many of each, paired in the natural order of their names.
    shrink : int
        As the images were shrunk; labels are picked, not averaged.
    kind : {"regions", "inside", "membranes"}, optional
        What the labels hold: a number per region and 0 for none; high values inside of regions, whose
        connected parts are the regions; or high values on membranes, the regions lying between them.
        ``None``: ``"inside"`` for a file of two values, else ``"regions"``.

    Raises
    ------
    InputError
        If the numbers differ, or numbers stand for classes of pixels instead of regions.
    """
    from napari_emrestore.io import find_inputs

    images, labels = find_inputs(folder), find_inputs(labels_folder)
    if len(images) != len(labels):
        raise InputError(
            "Every image needs its labels",
            item=labels_folder,
            came=f"holds {len(labels)} for {len(images)} images",
            remedy="Give the files of both folders names that sort alike.",
        )
    return {
        image.name: _regions(str(path), kind)[::shrink, ::shrink]
        for image, path in zip(images, labels, strict=True)
    }


def check_labels(labels: Mapping[str, Labels], images: Sequence[CleanImage]) -> list[str]:
    """Return how many true regions there are; refuse those that lie on the dark side.

    Raises
    ------
    InputError
        If the regions are darker than what lies between them in most images: the fixed segmentation looks
        for dark membranes, so the labels are the wrong way round, or it is the wrong segmentation.
    """
    steps = [step for image in images if (step := _brightness_step(image, labels[image.name])) is not None]
    if steps and float(np.median(steps)) < 0:
        raise InputError(
            "True regions are brighter than the membranes between them",
            item="the labels",
            came=f"they are darker by {-float(np.median(steps)):.3g} of the grey range",
            remedy="If high values mark membranes, say so: --label-kind membranes.",
        )
    count = sum(len(np.unique(labels[image.name][labels[image.name] != 0])) for image in images)
    return [f"The labels hold {count} true regions in {len(images)} images."]


def with_labels(protocol: PaperProtocol, shrink: int) -> PaperProtocol:
    """Return a protocol that also measures the adapted Rand error of the fixed segmentation."""
    width = _MEMBRANE_PX / shrink

    def measure(restored: NDArray[np.float32], instance: Instance) -> Mapping[str, list[float]]:
        values = {**protocol.measure(restored, instance), **segmentation_error(restored, instance, width)}
        return {name: list(numbers) for name, numbers in values.items()}

    note = (
        f"{RAND_ERROR}: membranes by curvature at {width:g} px, watershed, regions against the labels given, "
        "over the pixels of true regions only (DOI 10.3389/fnana.2015.00142). Cheng 2023 trained a network "
        "on clear images for this; here the segmentation is fixed and the same for all rows, so only "
        "differences mean something. Low precision: regions merged; low recall: regions split."
    )
    return replace(
        protocol,
        measure=measure,
        measures={**protocol.measures, RAND_ERROR: False, RAND_PRECISION: True, RAND_RECALL: True},
        segmentation=(RAND_ERROR, RAND_PRECISION, RAND_RECALL),
        notes=(*protocol.notes, note),
    )


def attach_labels(instance: Instance, labels: Labels, protocol: str) -> Instance:
    """Return an instance with the true regions of the place that it shows.

    Raises
    ------
    InputError
        If the protocol moves or turns images, or the labels do not have the size of the image.
    """
    if instance.place is None:
        raise InputError(
            "Labels need a protocol that leaves the image where it is",
            came=f"protocol {protocol} moves or turns it",
            remedy="Take sgpn or kat.",
        )
    regions = labels[instance.place]
    if regions.shape != instance.truth.shape:
        raise InputError(
            "Labels have the size of their image", came=f"labels of shape {labels.shape} are smaller"
        )
    return replace(instance, labels=regions)


def _regions(path: str, kind: LabelKind | None) -> Labels:
    from scipy.ndimage import label

    from napari_emrestore.io import open_frames

    if kind is not None and kind not in LABEL_KINDS:
        raise InputError(f"Labels hold one of {', '.join(LABEL_KINDS)}", came=f"{kind!r} came")
    with open_frames(path) as stack:
        values = np.asarray(stack.data[0])
    kind = kind or ("inside" if len(np.unique(values)) <= 2 else "regions")
    if kind == "regions":
        _refuse_classes(values, path)
        return values.astype(np.int32)
    high = values > (float(values.min()) + float(values.max())) / 2
    return np.asarray(label(high if kind == "inside" else ~high)[0], np.int32)


def _refuse_classes(values: NDArray[Any], path: str) -> None:
    """Raise `InputError` where numbers stand for kinds of pixels."""
    measure: Any = import_module("skimage.measure")
    numbers = len(np.unique(values[values != 0]))
    parts = int(measure.label(values, background=0, connectivity=1).max())
    if numbers and parts > _MOST_PARTS * numbers:
        raise InputError(
            "Labels hold a number of its own for each true region",
            item=path,
            came=f"its {numbers} numbers lie in {parts} separate parts, as classes of pixels do",
            remedy="Give regions, or a file of two values with --label-kind inside or membranes.",
        )


def _brightness_step(image: CleanImage, labels: Labels) -> float | None:
    """Return how much brighter regions are than the rest; None where labels leave no rest."""
    rows, columns = (min(pair) for pair in zip(image.image.shape, labels.shape, strict=True))
    pixels, inside = image.image[:rows, :columns], labels[:rows, :columns] != 0
    if inside.all() or not inside.any():
        return None
    return float(pixels[inside].mean() - pixels[~inside].mean())
