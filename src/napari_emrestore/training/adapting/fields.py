"""A person's frames made ready to learn from: registered, in model range, parted into three areas."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import Acquisition, Burst, InputError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.core import ModelCard, Monitor, RegisteredBurst, WarpKind
    from napari_emrestore.metrics import NoiseModel

Area = tuple[slice, slice]

USUAL_BURST = 8
_MOST_FIELDS = 8
_LEAST_STRIDES = 4
_LEAST_PX = 48


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """One burst of one scene.

    Attributes
    ----------
    frames : ndarray, shape (N, Y, X), float32
        Registered, in model range; sides are multiples of the model's stride.
    noise : tuple of float
        Line from intensity to the noise variance of one frame, in model range.
    plain : tuple of int
        Positions of the frames that were not interpolated.
    learn, choose, judge : (slice, slice)
        What is learnt from, what decides which weights are kept, and what they are judged on. None of
        them shares a pixel with another.
    """

    frames: NDArray[np.float32]
    noise: tuple[float, ...]
    plain: tuple[int, ...]
    learn: Area
    choose: Area
    judge: Area


def gather_fields(
    frames: Any,
    card: ModelCard,
    *,
    burst: int | None = None,
    kind: WarpKind | None = "euclidean",
    noise: NoiseModel | None = None,
    monitor: Monitor,
) -> list[Field]:
    """Return the bursts of a series, each registered by itself; at most 8, evenly spread over it.

    Parameters
    ----------
    frames : array, shape (N, Y, X)
        As the detector gave them.
    card : ModelCard
        Of the model that will learn: its stride and what it does.
    burst : int, optional
        Frames per burst; ``None`` for 8 or as many as there are.
    kind : str, optional
        Family of warps; ``None`` for frames that lie on each other already.
    noise : NoiseModel, optional
        Of one frame; ``None`` measures it on each burst.
    monitor : Monitor
        Told after each frame.

    Raises
    ------
    InputError
        If frames are not finite or share too little of the field to be parted.
    """
    count = min(burst or USUAL_BURST, len(frames))
    starts = range(0, len(frames) - count + 1, count)
    chosen = np.unique(np.linspace(0, len(starts) - 1, min(_MOST_FIELDS, len(starts))).astype(int))
    fields = []
    for index in chosen:
        pixels = np.asarray(frames[starts[index] : starts[index] + count])
        if not np.isfinite(pixels).all():
            raise InputError(
                "Frames to learn from are finite",
                item=f"the burst at frame {starts[index]}",
                came="holds pixels that are not",
                remedy="Crop the frames to where they are measured.",
            )
        fields.append(_field(_aligned(pixels, kind, monitor), card.tiling.stride, noise, kind is None))
    return fields


def split_areas(shape: tuple[int, ...], stride: int) -> tuple[Area, Area, Area]:
    """Return what is learnt from, chosen by and judged on: 5/8, 1/8 and 1/4 of the longer side in turn.

    Borders lie on multiples of `stride`.

    Raises
    ------
    InputError
        If the field is smaller than 48 px or four strides.
    """
    axis = int(shape[1] >= shape[0])
    units = shape[axis] // stride
    if units < _LEAST_STRIDES or min(shape) < max(_LEAST_PX, 2 * stride):
        raise InputError(
            f"A field to learn from has at least {max(_LEAST_PX, 2 * stride)} x "
            f"{max(_LEAST_PX, _LEAST_STRIDES * stride)} px that all frames share",
            came=f"{shape[0]} x {shape[1]} px came",
            remedy="Take larger frames, or fewer of a series that drifts.",
        )
    judged, chosen = max(1, units // 4), max(1, units // 8)
    borders = np.cumsum([0, units - judged - chosen, chosen, judged]) * stride

    def area(part: int) -> Area:
        along = slice(int(borders[part]), int(borders[part + 1]))
        across = slice(0, shape[1 - axis])
        return (across, along) if axis else (along, across)

    return area(0), area(1), area(2)


def with_context(area: Area, shape: tuple[int, ...], stride: int, halo: int) -> tuple[Area, Area]:
    """Return an area widened by what a network looks at around it, and the area within the widened one."""
    reach = -(-halo // stride) * stride
    wide = tuple(
        slice(max(0, part.start - reach), min(length, part.stop + reach))
        for part, length in zip(area, shape[-2:], strict=True)
    )
    inner = tuple(
        slice(part.start - more.start, part.stop - more.start) for part, more in zip(area, wide, strict=True)
    )
    return (wide[0], wide[1]), (inner[0], inner[1])


def choose_frames(
    field: Field, taken: tuple[int, int], rng: np.random.Generator, *, count: int | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which frames a network is shown and which are left to be predicted.

    One of those shown was not interpolated, as in use, where it is the reference.

    Parameters
    ----------
    field : Field
        With more frames than are shown.
    taken : tuple of int
        Fewest and most frames.
    rng : Generator
        Draws them; few frames are drawn more often than many.
    count : int, optional
        Frames to show; ``None`` draws it.
    """
    total = len(field.frames)
    low, high = min(taken[0], total - 1), min(taken[1], total - 1)
    drawn = int(np.exp(rng.uniform(np.log(low), np.log(high + 1))))
    shown = min(max(drawn, low), high) if count is None else count
    first = int(rng.choice(field.plain))
    others = rng.permutation(np.setdiff1d(np.arange(total), [first]))
    return np.concatenate([[first], others[: shown - 1]]), others[shown - 1 :]


def shown_to(
    field: Field, frames: NDArray[np.int64], area: Area, *, merge: bool
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return what a network sees ``(N, y, x)`` of some frames, and its noise; of their mean if `merge`."""
    seen = field.frames[(frames, *area)]
    noise = np.asarray(field.noise, np.float32)
    if not merge:
        return seen, noise
    return seen.mean(0, keepdims=True), noise / np.float32(len(frames))


def _aligned(pixels: NDArray[Any], kind: WarpKind | None, monitor: Monitor) -> RegisteredBurst:
    from napari_emrestore.bursts import as_aligned, register

    given = Burst(pixels, Acquisition())
    if kind is None or len(pixels) == 1:
        return as_aligned(given)
    return register(given, kind=kind, reference="middle", monitor=monitor)


def _field(ready: RegisteredBurst, stride: int, noise: NoiseModel | None, still: bool) -> Field:
    from napari_emrestore.restoration.inputs import Inputs
    from napari_emrestore.restoration.intensity import measure_intensity
    from napari_emrestore.restoration.noise import line_in_model_range, measure_noise

    used = list(ready.accepted)
    # the very measurements that `restore` makes, so that the network learns on what it will be told
    inputs = Inputs(ready.aligned, 1, len(used), ready.burst.acquisition, raw=ready.burst.frames[used])
    intensity = measure_intensity(inputs)
    line = line_in_model_range(measure_noise(inputs) if noise is None else noise, intensity)
    height, width = (length // stride * stride for length in ready.aligned.shape[1:])
    frames = intensity.to_model(ready.aligned[:, :height, :width])
    plain = tuple(range(len(used))) if still else (used.index(ready.reference),)
    return Field(frames, tuple(line), plain, *split_areas(frames.shape[1:], stride))
