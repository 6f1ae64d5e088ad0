"""The comparison itself: the same instances for every method, one value per instance, method and measure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from napari_emrestore.core import SILENT, InputError
from napari_emrestore.pipeline.evaluation.labelling import (
    LabelKind,
    attach_labels,
    check_labels,
    load_labels,
    with_labels,
)
from napari_emrestore.pipeline.evaluation.measuring import tiles
from napari_emrestore.pipeline.evaluation.methods import (
    BLUR_FAMILY,
    GROUND_TRUTH,
    Method,
    baselines,
    load_method,
    tuned_rows,
)
from napari_emrestore.pipeline.evaluation.physical import PhysicalCheck, check_lengths
from napari_emrestore.pipeline.evaluation.protocols import PaperProtocol, find_protocol
from napari_emrestore.pipeline.scenes import CleanImage, load_clean_images

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from napari_emrestore.core import Monitor
    from napari_emrestore.pipeline.evaluation.degrading import Instance

TUNED_BY_DEFAULT = (
    "gaussian",
    "wiener",
    "wavelet",
    "tv-chambolle",
    "nlmeans",
    "bm3d-calibrated",
    BLUR_FAMILY,
)
_CALIBRATION_SHARE = 4
_CALIBRATION_PX = 256
_CALIBRATION_INSTANCES = 8
_SIZE_STEP_PX = 32


@dataclass(frozen=True, slots=True)
class EvaluationSettings:
    """What is compared, on what.

    Attributes
    ----------
    folder : str
        Clean images.
    models : tuple of str
        Models and untuned classical methods.
    protocol : str
        Key of `PROTOCOLS`.
    tune : tuple of str
        Classical methods whose best is a row of its own, tuned on every fourth image, which then is in no
        table; empty for no such row. ``"bm3d-then-wiener"``, which is told the true blur, has its own row
        where a protocol blurs.
    repeats : int
        Instances per image.
    shrink : int
        Area mean of the clean images, which makes them cleaner.
    size_px : int, optional
        Side of an instance; ``None``: that of the protocol, or what the smallest image allows.
    seed : int
        Of all drawing.
    labels : str, optional
        Folder of true regions, one file per image: adds the adapted Rand error of a fixed segmentation.
    label_kind : {"regions", "inside", "membranes"}, optional
        What the files of `labels` hold; see `load_labels`. ``None``: ``"inside"`` for files of two values,
        else ``"regions"``.
    device, precision : str
        See `load_restorer`.
    """

    folder: str
    models: tuple[str, ...]
    protocol: str
    tune: tuple[str, ...] = TUNED_BY_DEFAULT
    repeats: int = 2
    shrink: int = 2
    size_px: int | None = None
    seed: int = 0
    labels: str | None = None
    label_kind: LabelKind | None = None
    device: str = "auto"
    precision: str = "auto"


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """A finished comparison.

    Attributes
    ----------
    settings : EvaluationSettings
        As they came.
    protocol : PaperProtocol
        What was done.
    size_px : int
        Side of an instance.
    methods : tuple of Method
        Rows, in order.
    sources : tuple of str
        Source image of each value.
    values : mapping of (str, str) to ndarray, shape (K,)
        Value of every tile or image, by method and measure; a ground truth has those of a segmentation only.
    error_maps : mapping of str to ndarray, shape (Y, X)
        Mean absolute error per pixel over instances, or over the tiles of a protocol that measures
        tiles, by method.
    seconds : mapping of str to float
        Wall time per frame of 512 x 512 pixels, by method.
    peak_mib : mapping of str to float
        Most memory held at once for such a frame, by method; see `Method.peak_mib`.
    lengths : tuple of PhysicalCheck
        Known lengths read off restored scenes, for a protocol that asks for them.
    notes : tuple of str
        What a reader must know.
    """

    settings: EvaluationSettings
    protocol: PaperProtocol
    size_px: int
    methods: tuple[Method, ...]
    sources: tuple[str, ...]
    values: Mapping[tuple[str, str], NDArray[np.float64]]
    error_maps: Mapping[str, NDArray[np.float64]]
    seconds: Mapping[str, float]
    peak_mib: Mapping[str, float]
    lengths: tuple[PhysicalCheck, ...]
    notes: tuple[str, ...]


def evaluate(settings: EvaluationSettings, *, monitor: Monitor = SILENT) -> Evaluation:
    """Return the comparison of all methods on the same degraded images.

    Parameters
    ----------
    settings : EvaluationSettings
        What to compare.
    monitor : Monitor
        Stepped per instance and method.

    Raises
    ------
    InputError
        If a name is unknown, no image can be used, or too few are left beside those for tuning.
    ModelError, DeviceError
        If a model cannot be loaded.
    """
    protocol = find_protocol(settings.protocol)
    images, notes = load_clean_images(settings.folder, shrink=settings.shrink, monitor=monitor)
    labels: dict[str, NDArray[np.int32]] = {}
    if settings.labels is not None:
        protocol = with_labels(protocol, settings.shrink)
        labels = load_labels(
            settings.folder, settings.labels, shrink=settings.shrink, kind=settings.label_kind
        )
        notes += check_labels(labels, images)
    tested, kept_for_tuning = _split(images, tune=bool(settings.tune))
    size = settings.size_px or _fitting_size(protocol.size_px, images)
    methods = baselines(protocol.frames)
    methods += [
        load_method(model, settings.device, settings.precision, protocol.frames) for model in settings.models
    ]
    if settings.tune:
        calibration = _calibrate(protocol, kept_for_tuning, min(size, _CALIBRATION_PX), settings.seed)
        tuned, missing = tuned_rows(settings.tune, calibration, monitor=monitor)
        methods += tuned
        notes += [
            *missing,
            f"Tuned on {', '.join(image.name for image in kept_for_tuning)}, which are in no table.",
        ]
    if protocol.segmentation:
        methods.append(Method(GROUND_TRUTH, note="what the segmentation makes of the image without damage"))
    table = _Table(protocol, methods)
    total = len(tested) * settings.repeats
    for done, (source, instance) in enumerate(_make_instances(protocol, tested, size, settings)):
        known = attach_labels(instance, labels[source], protocol.name) if labels else instance
        table.add(source, known, monitor)
        monitor.step(done + 1, total, "comparing methods")
    return Evaluation(
        settings,
        protocol,
        size,
        tuple(methods),
        tuple(table.sources),
        {key: np.asarray(numbers) for key, numbers in table.values.items()},
        {name: total / count for name, (total, count) in table.errors.items()},
        {method.name: method.seconds_per_frame(protocol.frames) for method in methods},
        {method.name: method.peak_mib(protocol.frames) for method in methods},
        check_lengths(methods, settings.seed, monitor=monitor) if protocol.known_lengths else (),
        (*protocol.notes, *notes),
    )


def _split(images: list[CleanImage], *, tune: bool) -> tuple[list[CleanImage], list[CleanImage]]:
    """Return images for the table and, if methods are to be tuned, every fourth one for that."""
    if not tune:
        return images, []
    if len(images) < 2:
        raise InputError(
            "Tuning needs images that are in no table, so at least two images",
            came=f"{len(images)} came",
            remedy="Add images, or tune nothing.",
        )
    return [image for k, image in enumerate(images) if k % _CALIBRATION_SHARE], images[::_CALIBRATION_SHARE]


def _fitting_size(wanted_px: int, images: list[CleanImage]) -> int:
    smallest = int(min(min(image.image.shape) for image in images))
    if smallest >= wanted_px:
        return wanted_px
    return max(_SIZE_STEP_PX, smallest // _SIZE_STEP_PX * _SIZE_STEP_PX)


def _calibrate(protocol: PaperProtocol, images: list[CleanImage], side: int, seed: int) -> list[Instance]:
    rng = np.random.default_rng([seed, 1])
    chosen = [images[k % len(images)] for k in range(_CALIBRATION_INSTANCES)]
    return [protocol.degrade(image.image, side, rng) for image in chosen]


def _make_instances(
    protocol: PaperProtocol, images: list[CleanImage], side: int, settings: EvaluationSettings
) -> Iterator[tuple[str, Instance]]:
    """Yield instances one by one; each is drawn by its own generator, so one more image changes no other."""
    for position, image in enumerate(images):
        for repeat in range(settings.repeats):
            rng = np.random.default_rng([settings.seed, 0, position, repeat])
            yield image.name, protocol.degrade(image.image, side, rng)


class _Table:
    """Values and summed errors while they come in."""

    def __init__(self, protocol: PaperProtocol, methods: Sequence[Method]) -> None:
        self._protocol = protocol
        self._methods = methods
        self.sources: list[str] = []
        self.values: dict[tuple[str, str], list[float]] = {}
        self.errors: dict[str, tuple[NDArray[np.float64], int]] = {}

    def add(self, source: str, instance: Instance, monitor: Monitor) -> None:
        """Restore and measure one instance with every method."""
        before = len(self.sources)
        for method in self._methods:
            restored = method.apply(instance, monitor=monitor)
            is_truth = method.name == GROUND_TRUTH
            for measure, numbers in self._protocol.measure(restored, instance).items():
                if is_truth and measure not in self._protocol.segmentation:
                    continue
                self.values.setdefault((method.name, measure), []).extend(numbers)
                self.sources[before:] = [source] * len(numbers)
            if not is_truth:
                self._add_error(method.name, np.abs(restored - instance.truth))

    def _add_error(self, method: str, error: NDArray[np.float32]) -> None:
        cuts = tiles(error.shape) if self._protocol.in_tiles else [np.s_[:, :]]
        for piece in (error[cut].astype(np.float64) for cut in cuts):
            total, count = self.errors.get(method, (np.zeros_like(piece), 0))
            self.errors[method] = (total + piece, count + 1)
