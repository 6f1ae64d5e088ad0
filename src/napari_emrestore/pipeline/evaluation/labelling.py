"""True regions of the clean images, and a protocol that also says what restoring does to finding them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.evaluation.measuring import RAND_ERROR, segmentation_error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_emrestore.pipeline.evaluation.degrading import Instance
    from napari_emrestore.pipeline.evaluation.protocols import PaperProtocol

    Labels = NDArray[np.int32]

_MEMBRANE_PX = 4.0


def load_labels(folder: str, labels_folder: str, *, shrink: int) -> dict[str, Labels]:
    """Return the true regions of each image of a folder, by the image's file name.

    Parameters
    ----------
    folder, labels_folder : str
        Images and labels, as many of each, paired in the natural order of their names. Labels of two values
        are taken as background and foreground, whose connected parts are the regions; else 0 is background.
    shrink : int
        As the images were shrunk; labels are picked, not averaged.

    Raises
    ------
    InputError
        If the numbers differ.
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
        image.name: _regions(str(path))[::shrink, ::shrink]
        for image, path in zip(images, labels, strict=True)
    }


def with_labels(protocol: PaperProtocol, shrink: int) -> PaperProtocol:
    """Return a protocol that also measures the adapted Rand error of the fixed segmentation."""
    width = _MEMBRANE_PX / shrink

    def measure(restored: NDArray[np.float32], instance: Instance) -> Mapping[str, list[float]]:
        values = {**protocol.measure(restored, instance), **segmentation_error(restored, instance, width)}
        return {name: list(numbers) for name, numbers in values.items()}

    note = (
        f"{RAND_ERROR}: membranes by curvature at {width:g} px, watershed, regions against the labels given "
        "(DOI 10.3389/fnana.2015.00142); the same for all rows, so only differences mean something."
    )
    return replace(
        protocol,
        measure=measure,
        measures={**protocol.measures, RAND_ERROR: False},
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


def _regions(path: str) -> Labels:
    from scipy.ndimage import label

    from napari_emrestore.io import open_frames

    with open_frames(path) as stack:
        values = np.asarray(stack.data[0])
    if len(np.unique(values)) > 2:
        return values.astype(np.int32)
    return np.asarray(label(values > values.min())[0], np.int32)
