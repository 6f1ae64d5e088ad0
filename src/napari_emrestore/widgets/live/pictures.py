"""A view of the live line made ready for the eye, off the main thread: contrast limits, truth, scores."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from napari_emrestore.core import Frame
    from napari_emrestore.pipeline.live_views import LiveView

RAW, RESTORED, TRUTH = "raw", "restored", "truth"
_LIMITS_EVERY_S = 0.25
_SCORES_EVERY_S = 0.5
_SAMPLED_SIDE_PX = 256
_PERCENTILES = (0.5, 99.5)
_STEADY = 0.08  # of their distance, by which limits may be off before they follow


@runtime_checkable
class KnowsTruth(Protocol):
    """A camera whose ground truth is known: the simulated microscope."""

    def truth(self, index: int) -> NDArray[np.float32]:
        """Return what a frame should have been, ``(Y, X)``."""
        ...


@dataclass(frozen=True, slots=True)
class TruthScores:
    """One view measured against the ground truth; the data range is that of the truth.

    Attributes
    ----------
    frame : int
        Number of the frame.
    raw, restored : tuple of float, optional
        SSIM and PSNR in dB; ``restored`` is None where nothing is restored.
    """

    frame: int
    raw: tuple[float, float]
    restored: tuple[float, float] | None


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """A view and what belongs to showing it.

    Attributes
    ----------
    view : LiveView
        As the line made it.
    truth : ndarray, optional
        Ground truth ``(Y, X)`` of its raw frame.
    limits : mapping of str to tuple of float
        New contrast limits of the images named; others keep theirs.
    scores : TruthScores, optional
        If this view was measured.
    """

    view: LiveView
    truth: NDArray[np.float32] | None
    limits: Mapping[str, tuple[float, float]]
    scores: TruthScores | None

    @property
    def images(self) -> dict[str, NDArray[Any]]:
        """What there is to show, by name."""
        view = self.view
        found: dict[str, NDArray[Any]] = {RAW: view.raw.data}
        if view.restored is not None:
            found[RESTORED] = np.asarray(view.restored.image)
        if self.truth is not None:
            found[TRUTH] = self.truth
        return found


class PictureMaker:
    """Makes pictures of views; used by one thread.

    Parameters
    ----------
    camera : object
        Asked for the truth if it knows it.
    """

    def __init__(self, camera: object) -> None:
        self._camera = camera if isinstance(camera, KnowsTruth) else None
        self._limits: dict[str, tuple[float, float]] = {}
        self._limits_s = self._scores_s = -np.inf

    def picture(self, view: LiveView, *, truth: bool, limits: bool) -> Picture:
        """Return the picture of a view, with truth and contrast limits if they are wanted."""
        known = self._truth(view.raw, view.settings.roi) if truth else None
        shown = Picture(view, known, {}, None)
        return Picture(
            view,
            known,
            self._new_limits(shown.images) if limits else self._forget(),
            None if known is None else self._scores(view, known),
        )

    def _truth(self, frame: Frame, roi: tuple[int, int, int, int] | None) -> NDArray[np.float32] | None:
        if self._camera is None:
            return None
        try:
            whole = self._camera.truth(frame.index)
        except InputError:  # a frame so old that its pose is forgotten
            return None
        return whole if roi is None else whole[roi[0] : roi[0] + roi[2], roi[1] : roi[1] + roi[3]]

    def _forget(self) -> dict[str, tuple[float, float]]:
        """Forget the limits, so that they are given anew when they are wanted again."""
        self._limits, self._limits_s = {}, -np.inf
        return {}

    def _new_limits(self, images: Mapping[str, NDArray[Any]]) -> dict[str, tuple[float, float]]:
        """Return limits of images that have none yet or have left theirs; looked at now and then."""
        now = time.monotonic()
        due = now - self._limits_s > _LIMITS_EVERY_S
        self._limits = {name: limits for name, limits in self._limits.items() if name in images}
        found = {}
        for name, image in images.items():
            if name in self._limits and not due:
                continue
            wanted = _limits(image)
            if name not in self._limits or _differ(self._limits[name], wanted):
                found[name] = self._limits[name] = wanted
        self._limits_s = now if due else self._limits_s
        return found

    def _scores(self, view: LiveView, shown: NDArray[np.float32]) -> TruthScores | None:
        """Return scores of the frame that is restored, else of the newest; `shown` is the newest's truth."""
        frame = view.restored_raw or view.raw
        if time.monotonic() - self._scores_s < _SCORES_EVERY_S:
            return None
        truth = shown if frame is view.raw else self._truth(frame, view.settings.roi)
        span = 0.0 if truth is None else float(np.ptp(truth))
        if truth is None or not span > 0:
            return None
        restored = None if view.restored is None else _measured(view.restored.image, truth, span)
        scores = TruthScores(frame.index, _measured(frame.data, truth, span), restored)
        self._scores_s = time.monotonic()
        return scores


def _measured(image: Any, truth: NDArray[np.float32], span: float) -> tuple[float, float]:
    from napari_emrestore.metrics import psnr, ssim

    pixels = np.asarray(image, np.float32)
    return ssim(pixels, truth, data_range=span), psnr(pixels, truth, data_range=span)


def _limits(image: NDArray[Any]) -> tuple[float, float]:
    step = max(1, min(image.shape) // _SAMPLED_SIDE_PX)
    sample = image[::step, ::step].astype(np.float32)
    finite = sample[np.isfinite(sample)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(finite, _PERCENTILES))
    return (low, high) if high > low else (low, low + 1.0)


def _differ(shown: tuple[float, float], wanted: tuple[float, float]) -> bool:
    allowed = _STEADY * (shown[1] - shown[0])
    return any(abs(now - then) > allowed for then, now in zip(shown, wanted, strict=True))
