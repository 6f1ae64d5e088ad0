"""inject(): add faint known patterns to a real image and see what a restorer keeps of them.

The image is restored with and without; since everything else is the same, the difference is what became of
the patterns at the image's own dose. It answers for faint structure in this image, not for the image itself.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from napari_emrestore.core import (
    SILENT,
    Burst,
    InputError,
    IntensityMap,
    Monitor,
    Provenance,
    Restoration,
    Restorer,
)
from napari_emrestore.metrics import NoiseModel
from napari_emrestore.probes.scene import Scene
from napari_emrestore.probes.stages import Stages
from napari_emrestore.probes.stamps import KINDS, Kind, plan_stamps
from napari_emrestore.probes.transfer import Transfer, measure, summarise
from napari_emrestore.restoration import restore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from napari_emrestore.probes.stamps import Stamp
    from napari_emrestore.probes.transfer import Response

_LOCAL_PX = 3.0


@dataclass(frozen=True, slots=True, eq=False)
class InjectionReport:
    """What a restorer kept of patterns added to a real image; images ``(Y, X)`` in input units.

    Attributes
    ----------
    pattern : Kind
        What was added.
    transfers : tuple of Transfer
        One row for each period and contrast.
    added : ndarray
        The expected signal of the patterns; of the first round, if it took several.
    plain, restored : ndarray
        The image restored without and with them.
    difference : ndarray
        Restored minus plain: what the restorer made of the patterns.
    recall : ndarray
        Share of the pattern that is kept, on each stamp; NaN between them.
    invented : ndarray
        Local strength of what is in the difference and was not added.
    range_of_image : float
        Input units of contrast 1: four standard deviations of the image's signal.
    provenance : Provenance
        What ran, with which settings, and what was neglected.
    """

    pattern: Kind
    transfers: tuple[Transfer, ...]
    added: NDArray[np.float32]
    plain: NDArray[np.float32]
    restored: NDArray[np.float32]
    difference: NDArray[np.float32]
    recall: NDArray[np.float32]
    invented: NDArray[np.float32]
    range_of_image: float
    provenance: Provenance

    @property
    def model(self) -> str:
        """Id of the restorer."""
        return str(self.provenance.model.get("id", ""))


def inject(
    data: Any,
    restorer: Restorer,
    *,
    rng: np.random.Generator,
    pattern: Kind = "gratings",
    periods_px: Sequence[float] = (4.0, 8.0, 16.0),
    contrasts: Sequence[float] = (0.05, 0.1, 0.2),
    motion_px: float = 0.0,
    repeats: int = 4,
    monitor: Monitor = SILENT,
) -> InjectionReport:
    """Return what a restorer keeps of faint patterns in an image or burst.

    Parameters
    ----------
    data : array, shape (Y, X) or (N, Y, X)
        An image, or the frames of one registered burst, in detector units. It is not changed.
    restorer : Restorer
        Learned or classical; takes as many frames as there are.
    rng : numpy.random.Generator
        Draws places, directions and noise.
    pattern : {"gratings", "lines", "dots"}
        What to add: fields of bars, single lines, or single dots.
    periods_px : sequence of float
        Periods of gratings, at least 3; lines and dots are half as wide.
    contrasts : sequence of float
        From lowest to highest value of a pattern, as shares of four standard deviations of the signal.
    motion_px : float
        Blurs what is added as the stage's motion blurred the image; 0 adds it sharp.
    repeats : int
        How often each period and contrast is tried at least, each time in another place and, up to 4, in
        another direction. An image with too little room for all is restored several times.
    monitor : Monitor
        Told of every tile.

    Raises
    ------
    InputError
        If an argument is out of range, the image is too small, or nowhere finite.
    Cancelled
        When `monitor` says so.

    Notes
    -----
    Patterns go into the expected signal. Where they make it brighter, the noise that the camera would have
    added is added; where they make it darker, a part of the noise that is there should go and cannot: a note
    says how much.
    """
    started = time.perf_counter()
    frames = _frames(data)
    rounds = plan_stamps(_image_shape(frames), periods_px, contrasts, rng, repeats)
    scene = Scene.of(frames, _known(pattern), motion_px)
    watch = Stages(monitor, len(rounds) + 1)
    plain = restore(Burst(frames), restorer, monitor=watch.begin("restoring without patterns"))
    told = "restoring with patterns"
    tries = [_try(scene, stamps, restorer, plain, rng, watch.begin(told)) for stamps in rounds]
    asked = {"periods_px": list(periods_px), "contrasts": list(contrasts), "rounds": len(rounds)}
    return _report(scene, tries, plain, asked, started)


def _report(
    scene: Scene, tries: Sequence[_Try], plain: Restoration, asked: dict[str, Any], started: float
) -> InjectionReport:
    responses = [response for one in tries for response in one.responses]
    if not responses:
        raise InputError(
            "Patterns are measured where the image is finite",
            came="every place for a pattern holds pixels without a measurement",
            remedy="Crop the image to what was measured.",
        )
    settings = {**asked, **scene.record(), "restore": plain.provenance.settings}
    provenance = replace(
        plain.provenance,
        tool="inject",
        settings=settings,
        seconds=time.perf_counter() - started,
        notes=(*_notes(tries, scene), *plain.provenance.notes),
    )
    first, without = tries[0], np.asarray(plain.image, np.float32)
    return InjectionReport(
        pattern=scene.kind,
        transfers=summarise(responses, scene.span, scene.noise_sigma()),
        added=first.added.astype(np.float32),
        plain=without,
        restored=without + first.difference,
        difference=first.difference,
        recall=_recall(without.shape, responses),
        invented=np.max([one.invented for one in tries], axis=0),
        range_of_image=scene.span,
        provenance=provenance,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Try:
    """One round: what was added and what came of it."""

    added: NDArray[np.float64]
    difference: NDArray[np.float32]
    invented: NDArray[np.float32]
    responses: tuple[Response, ...]
    excess_noise: float


def _try(
    scene: Scene,
    stamps: Sequence[Stamp],
    restorer: Restorer,
    plain: Restoration,
    rng: np.random.Generator,
    monitor: Monitor,
) -> _Try:
    added = scene.expected(stamps)
    frames, excess = scene.with_pattern(added, rng)
    # the same map and noise as without, so that the difference is the patterns' alone
    known = plain.provenance.settings
    noise = None if known["noise"] is None else NoiseModel(**known["noise"])
    made = restore(
        Burst(frames), restorer, intensity=IntensityMap(**known["intensity"]), noise=noise, monitor=monitor
    )
    difference = np.asarray(made.image, np.float32) - plain.image
    responses = tuple(
        measure(stamp, scene.kind, added, difference)
        for stamp in stamps
        if np.isfinite(difference[stamp.surroundings]).all()
    )
    known_part = np.zeros_like(added)
    for response in responses:
        area = response.stamp.area
        known_part[area] = response.kept * added[area]
    rest = np.nan_to_num(difference - known_part)
    invented = np.sqrt(ndimage.gaussian_filter(rest**2, _LOCAL_PX)).astype(np.float32)
    return _Try(added, difference, invented, responses, excess)


def _recall(shape: tuple[int, ...], responses: Sequence[Response]) -> NDArray[np.float32]:
    """Return the mean share that is kept on each place of a stamp; NaN elsewhere."""
    total, count = np.zeros(shape), np.zeros(shape)
    for response in responses:
        total[response.stamp.area] += response.kept
        count[response.stamp.area] += 1
    shares = np.divide(total, count, out=np.full(shape, np.nan), where=count > 0)
    return np.asarray(shares, np.float32)


def _notes(tries: Sequence[_Try], scene: Scene) -> tuple[str, ...]:
    notes = []
    excess = max(one.excess_noise for one in tries)
    if excess > 0:
        notes.append(
            f"noise rises with the signal: in the dark parts of the pattern its variance is up to "
            f"{excess:.0%} larger than it would be in a real image"
        )
    if scene.motion_px == 0:
        notes.append("patterns were added sharp, not blurred by motion as the image may be")
    if len(tries) > 1:
        notes.append(
            f"the field has room for a part only: {len(tries)} rounds were run, pictures show the first"
        )
    return tuple(notes)


def _frames(data: Any) -> NDArray[np.float32]:
    pixels = np.asarray(data)
    if pixels.ndim == 2:
        pixels = pixels[None]
    return np.asarray(Burst(pixels).frames, np.float32)


def _image_shape(frames: NDArray[np.float32]) -> tuple[int, int]:
    return int(frames.shape[1]), int(frames.shape[2])


def _known(pattern: Kind) -> Kind:
    if pattern not in KINDS:
        raise InputError(f"A pattern to add is one of {', '.join(KINDS)}", came=f"{pattern!r} came")
    return pattern
