"""Enhanced-correlation-coefficient alignment of a batch of images with one template, level by level."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.registration import _newton
from napari_emrestore.registration.cells import SLACK_PX, cell_width, some_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from napari_emrestore.registration.kernels import Images, Kernels

    Matrices = NDArray[np.float64]


_SHARE_ROWS = 16
"""The signal share only sets the length of a step: so many rows tell it well enough."""


@dataclass(frozen=True, slots=True)
class Template:
    """One level of the reference, with everything that is the same for all frames.

    Attributes
    ----------
    image : array, shape (Y, X)
        Where the kernels run.
    usable : ndarray, shape (Y, cells), bool
        Cells that may be compared.
    prepared : array
        What its moments are taken from, see `Kernels.prepared`.
    shape : tuple of int
        ``(Y, X)``.
    slope_share : float
        Share of the signal in its gradient, 0 to 1, as far as its noise is known.
    """

    image: Images
    usable: NDArray[np.bool_]
    prepared: Any
    shape: tuple[int, int]
    slope_share: float

    @property
    def scale(self) -> float:
        """Half the longer side: one unit of the scaled coordinates, in pixels."""
        return (max(self.shape) - 1) / 2


@dataclass(frozen=True, slots=True)
class Effort:
    """How an image is brought onto a template.

    Attributes
    ----------
    steps : int
        At most so many passes.
    tolerance_px : float
        Corner motion still to be expected at which a frame rests, in pixels of the level.
    shrinking : float
        How much shorter a step can be expected to be than the one before it.
    final : bool
        Compare all rows, and measure the signal share of the gradients along both axes with every image,
        which needs a start good to a fraction of a pixel. Else compare some rows (`cells.row_step`), which
        lead as far as that, and take the template's share.
    """

    steps: int
    tolerance_px: float
    shrinking: float
    final: bool


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """Where a batch came to rest on one level.

    Attributes
    ----------
    warps : ndarray, shape (B, 3, 3)
        In pixels of the level.
    correlation : ndarray, shape (B,)
        At the last pass; NaN where no step could be taken.
    variance : ndarray, shape (B,)
        Of each image over what was compared.
    overlap : ndarray, shape (B,)
        Share of the template's pixels that were compared.
    """

    warps: Matrices
    correlation: NDArray[np.float64]
    variance: NDArray[np.float64]
    overlap: NDArray[np.float64]


def make_template(
    kernels: Kernels, image: Images, usable: NDArray[np.bool_], slope_share: float = 1.0
) -> Template:
    """Return the template of one image (Y, X) of a pyramid level and its usable cells."""
    shape = (int(image.shape[0]), int(image.shape[1]))
    return Template(image, usable, kernels.prepared(image, (max(shape) - 1) / 2), shape, slope_share)


def fit(
    kernels: Kernels,
    template: Template,
    images: Images,
    moving_usable: NDArray[np.bool_] | None,
    starts: Matrices,
    kind_basis: NDArray[np.float64],
    effort: Effort,
) -> Fit:
    """Return the warps that maximise the correlation of each image with the template, from `starts`.

    Parameters
    ----------
    kernels : Kernels
        Who carries out the passes.
    template : Template
        The reference at this level.
    images : array, shape (B, Y, X)
        Same level of the moving frames.
    moving_usable : ndarray, shape (B, Y, X), bool, or None
        Their usable pixels; None for all.
    starts : ndarray, shape (B, 3, 3)
        Warps to start from, in pixels of the level.
    kind_basis : ndarray, shape (p, 8)
        From `_newton.basis`.
    effort : Effort
        Passes, tolerance, sampling.
    """
    warps = np.array(starts)
    usable = template.usable if effort.final else some_rows(template.usable)
    cells = kernels.choose_cells(warps, usable, moving_usable, template.shape)
    rows = kernels.template_moments(template.prepared, cells, template.scale)
    cell = float(cell_width(template.shape[1]))
    n = _pixels(cells, cell)
    shares = np.tile([template.slope_share, template.slope_share, 1.0], (len(warps), 1))
    if effort.final:
        shares = _shares(kernels, template, images, warps, cells)
    found, active = np.zeros((len(warps), 4)), np.ones(len(warps), dtype=np.bool_)
    for _ in range(effort.steps):
        moments = kernels.image_moments(template.image, images, warps, cells, active, template.scale)
        _newton.advance(
            rows, moments, n, shares, kind_basis, template.shape, 0.1 * template.scale,
            effort.tolerance_px, effort.shrinking, warps, active, found,
        )  # fmt: skip
        if not active.any():
            break
        far = active & (found[:, _newton.TRAVELLED] > SLACK_PX)
        if far.any():
            masks = None if moving_usable is None else moving_usable[far]
            cells[far] = kernels.choose_cells(warps[far], usable, masks, template.shape)
            rows[far] = kernels.template_moments(template.prepared, cells[far], template.scale)
            n[far] = _pixels(cells[far], cell)
            found[far, _newton.TRAVELLED] = 0.0
    area = max(1.0, float(np.count_nonzero(usable)) * cell)
    return Fit(warps, found[:, _newton.CORRELATION], found[:, _newton.VARIANCE], n / area)


def _pixels(cells: NDArray[np.bool_], cell: float) -> NDArray[np.float64]:
    return np.array([np.count_nonzero(chosen) * cell for chosen in cells])


def _shares(
    kernels: Kernels, template: Template, images: Images, warps: Matrices, cells: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the signal shares of the template's slopes, ``<t' i'> / <t' t'>`` for yy, xx and yx, (B, 3)."""
    step = max(1, template.shape[0] // _SHARE_ROWS)
    return slope_shares(kernels.slope_products(template.image, images, warps, cells, step))


def slope_shares(products: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the shares ``ti / tt`` of slope products (B, 3, 3); 0 where there is no slope."""
    whole = products[:, :, 0]
    return np.asarray(np.divide(products[:, :, 1], whole, out=np.zeros_like(whole), where=whole != 0))
