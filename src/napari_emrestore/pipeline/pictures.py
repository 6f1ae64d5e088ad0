"""Pictures for people: images beside each other with their names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError, WriteError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from napari_emrestore.pipeline.line import Result

_PANEL_INCHES, _TITLE_INCHES = 4.0, 0.7
_DPI = 130


def draw(result: Result, path: str | Path) -> Path:
    """Write the views of a run beside each other, with its scores as labels; see `side_by_side`.

    Raises
    ------
    InputError
        If the result went to disk as it came, and nothing was kept to look at.
    """
    if not result.views:
        raise InputError(
            "A picture needs a result that fits into memory",
            item=str(result.output),
            came="was written as it came",
            remedy="Write to .ome.tif, or open the result in napari.",
        )
    scores = next((window.scores for window in result.windows if window.scores), ())
    marks = {mark.what: f"\nSSIM {mark.ssim:.3f}, PSNR {mark.psnr:.1f} dB" for mark in scores}
    size = result.restoration.acquisition.pixel_size_nm
    labelled = {f"{name}{marks.get(name, '')}": image for name, image in result.views.items()}
    return side_by_side(labelled, path, pixel_size_nm=size[1] if size else None)


def side_by_side(
    images: Mapping[str, NDArray[Any]], path: str | Path, *, pixel_size_nm: float | None = None
) -> Path:
    """Write images of one field beside each other as PNG and return its path.

    All share the grey range of the last one (0.5 to 99.5 percent), so brightness may be compared.

    Parameters
    ----------
    images : mapping of str to ndarray, shape (Y, X)
        Label and image, in order.
    path : str or Path
        Target, ``.png``.
    pixel_size_nm : float, optional
        Draws a scale bar.

    Raises
    ------
    WriteError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure

    shown = {label: np.asarray(image) for label, image in images.items()}
    low, high = np.nanpercentile(list(shown.values())[-1], [0.5, 99.5])
    height, width = next(iter(shown.values())).shape
    size = (_PANEL_INCHES * len(images), _PANEL_INCHES * height / width + _TITLE_INCHES)
    figure = Figure(figsize=size, layout="constrained")
    for axes, (label, image) in zip(
        figure.subplots(1, len(images), squeeze=False)[0], shown.items(), strict=True
    ):
        axes.imshow(image, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
        axes.set_title(label, fontsize=10)
        axes.set_axis_off()
    if pixel_size_nm:
        _scale_bar(figure.axes[0], width, pixel_size_nm)
    return save(figure, path)


def save(figure: Figure, path: str | Path) -> Path:
    """Write a figure as PNG beside its target and rename it, so that no half picture stays."""
    target = Path(path)
    draft = target.with_name(f".{target.name}.part")
    try:
        figure.savefig(draft, format="png", dpi=_DPI)
        draft.replace(target)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise WriteError("A picture must be writable", item=str(target), came=f"gave: {error}") from error
    return target


def _scale_bar(axes: Any, width_px: int, pixel_size_nm: float) -> None:
    """Draw a bar of a round length, about a fifth of the width."""
    target_nm = width_px * pixel_size_nm / 5
    power = 10.0 ** np.floor(np.log10(target_nm))
    length_nm = power * max(step for step in (1, 2, 5) if step * power <= target_nm)
    bottom = axes.get_ylim()[0]
    y, x = 0.95 * bottom, 0.05 * width_px
    axes.plot([x, x + length_nm / pixel_size_nm], [y, y], color="white", linewidth=4, solid_capstyle="butt")
    label = f"{length_nm:g} nm" if length_nm < 1000 else f"{length_nm / 1000:g} µm"
    axes.text(x, y - 0.02 * bottom, label, color="white", fontsize=9, va="bottom")
