"""DM3/DM4, EMD and HSPY through rosettasciio: the first image signal, lazily."""

from __future__ import annotations

from dataclasses import dataclass, replace
from importlib import import_module
from typing import TYPE_CHECKING, Any

from napari_emrestore.core import Acquisition, FormatError
from napari_emrestore.io.axes import AxisView, FrameAxes
from napari_emrestore.io.records import plain_name
from napari_emrestore.io.stack import StoredStack
from napari_emrestore.io.units import frame_axis, pixel_size_nm, to_ms

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_MODULES = {
    ".dm3": "digitalmicrograph",
    ".dm4": "digitalmicrograph",
    ".emd": "emd",
    ".h5": "emd",
    ".hdf5": "emd",
    ".hspy": "hspy",
}
# where makers write the exposure of one frame, all in seconds
_EXPOSURES_S = (
    "ImageList.TagGroup0.ImageTags.DataBar.Exposure Time (s)",
    "ImageList.TagGroup0.ImageTags.Acquisition.Parameters.High Level.Exposure (s)",
)
_TENSIONS_KV = "Acquisition_instrument.TEM.beam_energy"


def read(path: Path) -> StoredStack:
    """Return the first image or image stack of a file."""
    signals = _signals(path)
    index = next((i for i, signal in enumerate(signals) if _is_image(signal)), None)
    if index is None:
        raise FormatError(
            "A file with an image or a stack of images is needed",
            item=path.name,
            came=f"holds {_describe(signals)}",
            remedy="Export the image, or one image per file, from the program that wrote it.",
        )
    signal = signals[index]
    data = signal["data"]
    axes = FrameAxes(None, 0, 1) if data.ndim == 2 else FrameAxes(0, 1, 2)
    view = AxisView(data, axes)
    known = _acquisition(path, signal, axes)
    if len(signals) > 1:
        known = replace(known, extra={**known.extra, "image": index, "images": len(signals)})
    return StoredStack(view, known, view.tile(data.chunksize))


def _signals(path: Path) -> list[Mapping[str, Any]]:
    reader = import_module(f"rsciio.{_MODULES[path.suffix.lower()]}").file_reader
    known = vars(import_module("rsciio.exceptions")).values()
    own_errors = tuple(item for item in known if isinstance(item, type) and issubclass(item, Exception))
    try:
        signals: list[Mapping[str, Any]] = reader(str(path), lazy=True)
    except own_errors as error:
        # rosettasciio's own errors have no base but Exception; the common border turns this into ours
        raise ValueError(f"{type(error).__name__} {error}") from error
    return signals


def _is_image(signal: Mapping[str, Any]) -> bool:
    """Return whether a signal is one image or one row of images, neither a spectrum nor coloured."""
    axes = signal["axes"]
    image_axes = [axis for axis in axes if not axis.get("navigate")]
    is_row_of_images = len(image_axes) == 2 and not any(axis.get("navigate") for axis in axes[-2:])
    return (
        len(axes) in (2, 3)
        and (is_row_of_images or len(image_axes) == len(axes))
        and signal["data"].dtype.names is None
    )


def _describe(signals: Sequence[Mapping[str, Any]]) -> str:
    shapes = [f"{tuple(signal['data'].shape)} {signal['data'].dtype}" for signal in signals]
    return f"signals of shape {', '.join(shapes)}" if shapes else "no signal"


def _acquisition(path: Path, signal: Mapping[str, Any], axes: FrameAxes) -> Acquisition:
    y, x = signal["axes"][axes.y], signal["axes"][axes.x]
    tags = _Tags(signal.get("original_metadata", {}))
    title = str(signal.get("metadata", {}).get("General", {}).get("title") or "")
    known = Acquisition(
        title or plain_name(path),
        str(path),
        pixel_size_nm(y.get("scale"), x.get("scale"), y.get("units"), x.get("units")),
        exposure_ms=_exposure_ms(tags),
        extra=_conditions(signal, tags),
    )
    if axes.frame is None:
        return known
    frames = signal["axes"][axes.frame]
    kind, step = frame_axis(frames.get("scale"), frames.get("units"))
    if kind != "index" or not frames.get("units"):
        return replace(known, frame_axis=kind, frame_step=step)
    step_in_file = {"frame_step": float(frames["scale"]), "frame_unit": str(frames["units"])}
    return replace(known, extra={**known.extra, **step_in_file})


@dataclass(frozen=True, slots=True)
class _Tags:
    """The maker's metadata tree, read by dotted path."""

    tree: Mapping[str, Any]

    def get(self, dotted: str) -> Any:
        value: Any = self.tree
        for key in dotted.split("."):
            value = value.get(key) if hasattr(value, "get") else None
        return value


def _exposure_ms(tags: _Tags) -> float | None:
    found = [to_ms(tags.get(key), "s") for key in _EXPOSURES_S]
    found.append(_velox_exposure_ms(tags))
    return next((value for value in found if value is not None), None)


def _velox_exposure_ms(tags: _Tags) -> float | None:
    """Return the exposure of the detector that took the image, a camera, or the scan's frame time."""
    detector = tags.get("BinaryResult.Detector")
    if not detector:
        return None
    listed = tags.get("Detectors") or {}
    own = [entry for entry in listed.values() if entry.get("DetectorName") == detector]
    camera = next((to_ms(entry["ExposureTime"], "s") for entry in own if "ExposureTime" in entry), None)
    return camera if camera is not None else to_ms(tags.get("Scan.FrameTime"), "s")


def _conditions(signal: Mapping[str, Any], tags: _Tags) -> dict[str, Any]:
    """Return high tension and magnification as plain numbers, where the file gives them."""
    found: dict[str, Any] = {}
    for source, (target, convert) in signal.get("mapping", {}).items():
        value = tags.get(source)
        if value is None or target.rsplit(".", 1)[-1] not in ("beam_energy", "magnification"):
            continue
        number = float(convert(value) if convert else value)
        if number > 0 and target == _TENSIONS_KV:
            found["high_tension_v"] = number * 1e3
        elif number > 0:
            found["magnification"] = number
    return found
