"""Layers to frames and results to layers; the only place that knows how napari places an image.

In: image layers with any scale, units, translation, rotation or affine. Out: frames ``(N, Y, X)`` with their
acquisition, and keyword arguments or layers that lie exactly where their pixels were measured. Layers that
are read are never changed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.utils.transforms import Affine

from napari_emrestore.core import Acquisition, InputError, Provenance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from napari.layers import Image, Layer
    from napari.viewer import Viewer
    from numpy.typing import NDArray

    from napari_emrestore.core.frames import FrameAxis

METADATA_KEY = "emrestore"
_SAMPLED_PIXELS = 1 << 20
_NM_PER_UNIT = {"nanometer": 1.0, "micrometer": 1e3, "angstrom": 0.1, "picometer": 1e-3, "millimeter": 1e6}
_FRAME_LABELS: dict[str, FrameAxis] = {"t": "time", "time": "time", "z": "z"}


@dataclass(frozen=True, slots=True, eq=False)
class LayerFrames:
    """What a layer holds, as frames.

    Attributes
    ----------
    data : array, shape (N, Y, X)
        The layer's pixels, as lazy as they are in the layer; one frame for a plain image.
    acquisition : Acquisition
        Name, pixel size and meaning of the frame axis.
    is_stack : bool
        Whether the layer has a frame axis.
    text : str
        Its axes spelled out, for example ``"T Y X, 60 × 1024 × 1024 uint16, 31.25 nm/px"``.
    """

    data: Any
    acquisition: Acquisition
    is_stack: bool
    text: str


def read_frames(layer: Image, *, frame_axis: FrameAxis | None = None, at: Sequence[int] = ()) -> LayerFrames:
    """Return what an image layer holds as frames; nothing is computed.

    Parameters
    ----------
    layer : napari.layers.Image
        2-D or more; of a multiscale layer the finest level.
    frame_axis : {"time", "z", "index"}, optional
        What the frame axis means; ``None`` takes it from the layer's axis labels.
    at : sequence of int
        Positions on the axes before ``(N, Y, X)``, for layers of more than three dimensions; the first
        positions where it is short.

    Raises
    ------
    InputError
        If the layer is of colour, holds no real numbers, or has one axis only.
    """
    data: Any = layer.data[0] if layer.multiscale else layer.data
    if layer.rgb:
        raise InputError(
            "A grey image is needed",
            item=f"layer {layer.name!r}",
            came="is in colour",
            remedy="Split its channels (right click on the layer) and pick one.",
        )
    if data.ndim < 2 or np.dtype(data.dtype).kind not in "buif":
        raise InputError(
            "An image of real numbers with two axes or more is needed",
            item=f"layer {layer.name!r}",
            came=f"has shape {tuple(data.shape)} and type {data.dtype}",
        )
    labels = tuple(str(label) for label in layer.axis_labels)
    leading = max(data.ndim - 3, 0)
    place = tuple(at[i] if i < len(at) else 0 for i in range(leading))
    frames = data[place] if leading else data
    is_stack = frames.ndim == 3
    known = known_acquisition(layer)
    acquisition = replace(
        known,
        name=layer.name,
        path=known.path or (layer.source.path or ""),
        pixel_size_nm=pixel_size_nm(layer),
        frame_axis=frame_axis or (_FRAME_LABELS.get(labels[-3].lower(), "index") if is_stack else "index"),
    )
    return LayerFrames(
        frames if is_stack else frames[None], acquisition, is_stack, _describe(frames, acquisition, is_stack)
    )


def pixel_size_nm(layer: Layer) -> tuple[float, float] | None:
    """Return the ``(y, x)`` pixel size of a layer in nm, or None if its units are no lengths."""
    units = [_NM_PER_UNIT.get(str(unit)) for unit in layer.units[-2:]]
    if None in units:
        return None
    y, x = (float(step) * (unit or 0) for step, unit in zip(layer.scale[-2:], units, strict=True))
    return y, x


def provenance_of(layer: Layer) -> Provenance | None:
    """Return what made a layer, or None if it was not made here."""
    record = layer.metadata.get(METADATA_KEY, {}).get("provenance")
    return None if record is None else Provenance.from_json(record)


def known_acquisition(layer: Layer) -> Acquisition:
    """Return what is known about how a layer's frames were taken; nothing for a layer from elsewhere."""
    record = layer.metadata.get(METADATA_KEY, {}).get("acquisition")
    if record is None:
        return Acquisition(name=layer.name)
    size = record.get("pixel_size_nm")
    return Acquisition(**{**record, "pixel_size_nm": None if size is None else tuple(size)})


def visible_field(layer: Image) -> tuple[int, int, int, int]:
    """Return what the canvas shows of an image, as ``(y0, y1, x0, x1)`` in pixels of its finest level.

    The whole image where it was never drawn or lies outside of the canvas.
    """
    height, width = (layer.data[0] if layer.multiscale else layer.data).shape[-2:]
    level = layer.data_level if layer.multiscale else 0
    factors = layer.downsample_factors[level][-2:] if layer.multiscale else (1, 1)
    corners = layer.corner_pixels[:, -2:] * np.asarray(factors)
    # napari's corners are the first and the last pixel that is seen
    (y0, x0), (y1, x1) = np.floor(corners[0]).astype(int), np.ceil(corners[1] + factors).astype(int)
    y0, y1, x0, x1 = max(int(y0), 0), min(int(y1), height), max(int(x0), 0), min(int(x1), width)
    return (y0, y1, x0, x1) if y1 > y0 + 1 and x1 > x0 + 1 else (0, height, 0, width)


def placement(
    layer: Layer,
    origin_px: tuple[int, int] = (0, 0),
    *,
    stack: bool = False,
    first_frame: float = 0.0,
    frame_step: float = 1.0,
) -> dict[str, Any]:
    """Return the keyword arguments that put an image where a layer's pixels are.

    Parameters
    ----------
    layer : napari.layers.Layer
        The input.
    origin_px : tuple of int
        ``(y, x)`` of the image's first pixel in the input.
    stack : bool
        Whether the image has the frame axis of the input before ``(Y, X)``.
    first_frame, frame_step : float
        Where the image's first frame lies among the input's, and how many of these one of its frames spans.

    Returns
    -------
    dict
        ``scale, translate, rotate, shear, affine, units, axis_labels`` of an image of two (three) axes.
    """
    axes = 3 if stack else 2
    linear = Affine(scale=layer.scale, rotate=layer.rotate, shear=layer.shear, ndim=layer.ndim).linear_matrix[
        -axes:, -axes:
    ]
    origin = np.array((first_frame, *origin_px) if stack else origin_px, float)
    scale = np.array(layer.scale[-axes:], float)
    if stack:
        scale[0] *= frame_step
    affine = np.eye(axes + 1)
    affine[:axes, :axes] = layer.affine.linear_matrix[-axes:, -axes:]
    affine[:axes, axes] = layer.affine.translate[-axes:]
    return {
        "scale": tuple(scale),
        "translate": tuple(np.asarray(layer.translate[-axes:]) + linear @ origin),
        "rotate": np.asarray(layer.rotate)[-axes:, -axes:],
        "shear": _shear(layer, axes),
        "affine": affine,
        "units": tuple(str(unit) for unit in layer.units[-axes:]),
        "axis_labels": tuple(layer.axis_labels[-axes:]),
    }


def image_options(
    acquisition: Acquisition, *, stack: bool, provenance: Provenance | None = None
) -> dict[str, Any]:
    """Return the keyword arguments of a layer for an image that comes from a file or a camera.

    Parameters
    ----------
    acquisition : Acquisition
        What is known about it.
    stack : bool
        Whether it has a frame axis before ``(Y, X)``.
    provenance : Provenance, optional
        What made it.
    """
    size = acquisition.pixel_size_nm
    scale, units = (list(size), ["nm", "nm"]) if size else ([1.0, 1.0], ["pixel", "pixel"])
    labels = ["y", "x"]
    if stack:
        step, unit, label = {
            "time": (acquisition.frame_step, "ms", "t"),
            "z": (acquisition.frame_step, "nm", "z"),
            "index": (None, "pixel", "n"),
        }[acquisition.frame_axis]
        scale, labels = [step or 1.0, *scale], [label, *labels]
        units = [unit if step else "pixel", *units]
    return {
        "name": acquisition.name,
        "scale": tuple(scale),
        "units": tuple(units),
        "axis_labels": tuple(labels),
        "metadata": metadata(acquisition, provenance),
    }


def metadata(acquisition: Acquisition, provenance: Provenance | None = None, **more: Any) -> dict[str, Any]:
    """Return the metadata of a layer: plain JSON under our own key."""
    record: dict[str, Any] = {"acquisition": asdict(acquisition), **more}
    if provenance is not None:
        record["provenance"] = provenance.to_json()
    return {METADATA_KEY: record}


def add_result(
    viewer: Viewer,
    image: Any,
    source: Image,
    name: str,
    *,
    provenance: Provenance | None = None,
    origin_px: tuple[int, int] = (0, 0),
    first_frame: float = 0.0,
    frame_step: float = 1.0,
    **options: Any,
) -> Image:
    """Return a new layer with an image made from a layer, lying where its pixels were measured.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Gets the layer.
    image : array, shape (Y, X) or (N, Y, X), or list of array
        The result, or the levels of a pyramid of it; a stack has the frame axis of the source.
    source : napari.layers.Image
        What it was made from; it stays as it is.
    name : str
        For example ``"stream · burst-naf"``; napari adds a number to a name that is taken.
    provenance : Provenance, optional
        What made it.
    origin_px : tuple of int
        ``(y, x)`` of the first pixel in the source.
    first_frame, frame_step : float
        Where the first frame lies among the source's, and how many of these one frame spans.
    **options
        Further arguments of ``Viewer.add_image``, which win over those from the source.
    """
    finest = image[0] if isinstance(image, list) else image
    stack = np.ndim(finest) == 3
    deep = stack and source.ndim >= 3
    place = placement(source, origin_px, stack=deep, first_frame=first_frame, frame_step=frame_step)
    if stack and source.ndim < 3:
        place = _with_frame_axis(place)
    settings = {
        "name": name,
        **place,
        "contrast_limits": options.pop("contrast_limits", None) or contrast_limits(finest),
        "colormap": source.colormap.name,
        "metadata": metadata(known_acquisition(source), provenance),
        **options,
    }
    return viewer.add_image(image, **settings)


def show_frame(viewer: Viewer, source: Layer, frame: int) -> None:
    """Bring the slider to a frame of a stack: the one that the result of its only burst lies on.

    Beside any other frame of a moving stage, the result and the ground truth would show another place.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Whose slider moves.
    source : napari.layers.Layer
        The stack; nothing happens for a plain image.
    frame : int
        Position on the axis before ``(Y, X)``.
    """
    axis = source.ndim - 3
    if axis >= 0:
        pixel = np.zeros(source.ndim)
        pixel[axis] = frame
        viewer.dims.set_point(viewer.dims.ndim - 3, source.data_to_world(pixel)[axis])


def frame_steps(bursts: Sequence[Sequence[int]]) -> dict[str, Any]:
    """Return `first_frame` and `frame_step` of `add_result` for a stack with one image per burst.

    Each image lies in the middle of its frames, so that napari shows beside each frame the burst it is in.

    Parameters
    ----------
    bursts : sequence of sequence of int
        Positions in the input of the frames of each burst.
    """
    first = (bursts[0][0] + bursts[0][-1]) / 2
    return {
        "first_frame": first,
        "frame_step": float(bursts[1][0] - bursts[0][0]) if len(bursts) > 1 else 1.0,
    }


def load_for_layers() -> None:
    """Load what napari loads for its first layer: seconds in which, on the main thread, nothing would move.

    Any thread may call it; the layer that is made for it goes to no viewer.
    """
    from napari.layers import Image

    Image(np.zeros((2, 2), np.float32), scale=(1.0, 1.0), units=("nm", "nm"), axis_labels=("y", "x"))


def contrast_limits(image: Any) -> tuple[float, float]:
    """Return limits that show an image well: percentiles of an even choice of its finite pixels."""
    count = int(np.prod(image.shape))
    step = max(1, int(np.sqrt(count / _SAMPLED_PIXELS)))
    middle = image[image.shape[0] // 2] if image.ndim == 3 else image
    sample = np.asarray(middle[::step, ::step], np.float32)
    finite = sample[np.isfinite(sample)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(v) for v in np.percentile(finite, (0.1, 99.9)))
    return (low, high) if high > low else (low, low + 1.0)


def _describe(frames: Any, acquisition: Acquisition, is_stack: bool) -> str:
    first = {"time": "T ", "z": "Z ", "index": "N "}[acquisition.frame_axis] if is_stack else ""
    sizes = " × ".join(str(length) for length in frames.shape)
    size = acquisition.pixel_size_nm
    if size is None:
        scale = "pixel size unknown"
    elif np.isclose(*size):
        scale = f"{size[0]:.4g} nm/px"
    else:
        scale = f"{size[0]:.4g} × {size[1]:.4g} nm/px"
    return f"{first}Y X, {sizes} {frames.dtype}, {scale}"


def _shear(layer: Layer, axes: int) -> NDArray[np.float64]:
    """Return the part of a layer's shear that concerns its last axes, as an upper triangle."""
    full = np.eye(layer.ndim)
    full[np.triu_indices(layer.ndim, 1)] = layer.shear
    return full[-axes:, -axes:][np.triu_indices(axes, 1)]


def _with_frame_axis(place: Mapping[str, Any]) -> dict[str, Any]:
    """Return a placement of an image for a stack of such images."""
    affine, rotate = np.eye(4), np.eye(3)
    affine[1:, 1:], rotate[1:, 1:] = place["affine"], place["rotate"]
    return {
        "scale": (1.0, *place["scale"]),
        "translate": (0.0, *place["translate"]),
        "rotate": rotate,
        "shear": np.array([0.0, 0.0, *place["shear"]]),
        "affine": affine,
        "units": ("pixel", *place["units"]),
        "axis_labels": ("n", *place["axis_labels"]),
    }
