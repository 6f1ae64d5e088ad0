"""The pixel passes an alignment is made of, and who carries them out: numba, numpy or torch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, Protocol

from napari_emrestore.core.errors import DeviceError, InputError, MissingPackageError
from napari_emrestore.registration._compile import has_numba

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

Images = Any
"""A batch (B, Y, X) or one image (Y, X) of float32 where the passes run."""

Backend = Literal["auto", "numba", "numpy", "torch"]


class Kernels(Protocol):
    """Passes over batches of images; warps are ``(B, 3, 3)`` on ``(y, x, 1)`` in the images' own pixels.

    Attributes
    ----------
    name : str
        What runs, for reports.
    batch : int
        How many frames one call should carry.
    parallel : bool
        Whether calls from several threads run side by side.
    """

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def batch(self) -> int: ...  # noqa: D102
    @property
    def parallel(self) -> bool: ...  # noqa: D102

    def pyramid(
        self,
        frames: Sequence[NDArray[Any]],
        offsets: Sequence[float],
        gains: Sequence[float],
        levels: range,
    ) -> dict[int, Images]:
        """Return levels of the frames, less `offsets` and times `gains`.

        Level 0 is smoothed by (1 4 6 4 1)/16 along both axes; each further one holds every second pixel
        of the one before (of the unsmoothed frame for level 1), low-passed by (1 7 7 1)/16. The spline
        that samples the levels takes out what folds back; longer low-passes lose more to noise than they
        save in bias.
        """
        ...

    def put(self, images: NDArray[np.float32]) -> Images:
        """Return numpy images where the passes run."""
        ...

    def host(self, images: Images) -> NDArray[np.float32]:
        """Return images as numpy."""
        ...

    def soften(self, image: Images) -> Images:
        """Return an image (Y, X) as the cubic B-spline without prefilter samples it at its own pixels.

        A template is compared with images sampled so; were it sharper than they are, the rim of the overlap
        would pull on the warp.
        """
        ...

    def prepared(self, image: Images, scale: float) -> Any:
        """Return what `template_moments` needs of a template (Y, X), made once for all frames."""
        ...

    def template_moments(self, prepared: Any, cells: NDArray[np.bool_], scale: float) -> NDArray[np.float64]:
        """Return the template's moments (see `_newton`) over the chosen cells of each frame, (B, 24, 5).

        Gradient products are taken from some of the rows for all, see `cells.row_step`; only they need,
        and only they hold, powers of Y above 2.
        """
        ...

    def choose_cells(
        self,
        warps: NDArray[np.float64],
        usable: NDArray[np.bool_],
        moving_usable: NDArray[np.bool_] | None,
        shape: tuple[int, int],
    ) -> NDArray[np.bool_]:
        """Return which cells are compared, (B, Y, cells); see `cells.choose_cells`."""
        ...

    def image_moments(
        self,
        template: Images,
        images: Images,
        warps: NDArray[np.float64],
        cells: NDArray[np.bool_],
        active: NDArray[np.bool_],
        scale: float,
    ) -> NDArray[np.float64]:
        """Return the moments of each active frame sampled through its warp, (B, 8, 3).

        Sampled by the cubic B-spline without prefilter.
        """
        ...

    def slope_products(
        self,
        template: Images,
        images: Images,
        warps: NDArray[np.float64],
        cells: NDArray[np.bool_],
        step: int,
    ) -> NDArray[np.float64]:
        """Return sums of slope products, (B, (yy, xx, yx), (tt, ti, ii)), over about every `step`-th row.

        The slope of the template t is a central difference, that of the sampled image i of fourth order;
        of the latter's product with itself one factor is a central difference too.
        """
        ...

    def add_sampled(
        self, images: Images, warps: NDArray[np.float64], cells: NDArray[np.bool_]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return the sum of the warped images over their cells and the count of frames, both (Y, X)."""
        ...


def make_kernels(device: str = "cpu", backend: Backend = "auto") -> Kernels:
    """Return who carries out the passes.

    Parameters
    ----------
    device : str
        ``"cpu"``, or a torch device such as ``"cuda"``, ``"cuda:1"`` or ``"mps"``.
    backend : {"auto", "numba", "numpy", "torch"}
        ``auto``: torch on a device other than the CPU; there numba, or numpy where numba is not installed.

    Raises
    ------
    InputError
        For an unknown backend, or numba or numpy asked for on another device than the CPU.
    DeviceError
        If the device is absent.
    MissingPackageError
        If numba is asked for and not installed.
    """
    if backend not in ("auto", "numba", "numpy", "torch"):
        raise InputError("A backend is auto, numba, numpy or torch", came=f"{backend!r} came")
    if backend == "torch" or (backend == "auto" and device != "cpu"):
        return _torch_kernels(device)
    if device != "cpu":
        raise InputError(
            f"The {backend} backend runs on the CPU",
            came=f"device {device!r} came",
            remedy="Leave the backend at auto, or the device at cpu.",
        )
    if backend == "numpy" or (backend == "auto" and not has_numba()):
        from napari_emrestore.registration._array_kernels import ArrayKernels, NumpyArrays

        return ArrayKernels(NumpyArrays())
    if not has_numba():
        raise MissingPackageError(
            "The numba backend needs numba",
            came="it is not installed",
            remedy="Install numba, or leave the backend at auto.",
        )
    from napari_emrestore.registration._numba_batches import NumbaKernels

    return NumbaKernels()


def _torch_kernels(device: str) -> Kernels:
    import torch

    from napari_emrestore.registration._array_kernels import ArrayKernels, TorchArrays

    try:
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:  # torch raises either for a device it lacks
        raise DeviceError(
            "The device asked for must be present",
            item=repr(device),
            came=f"is not: {str(error).splitlines()[0]}",
            remedy="Use device='cpu'.",
        ) from error
    return ArrayKernels(TorchArrays(device))
