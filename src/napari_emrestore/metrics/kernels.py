"""Where the kernels come from: compiled if numba is installed, plain otherwise."""

from __future__ import annotations

import warnings
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol, cast

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from napari_emrestore.metrics.windows import Window


class Kernels(Protocol):
    """The calls that both kernel modules offer."""

    def window_scores(
        self,
        image: NDArray[Any],
        truth: NDArray[Any],
        mask: NDArray[np.bool_] | None,
        window: Window,
        data_range: float,
        out: NDArray[np.float32] | None = None,
    ) -> tuple[float, int]:
        """Return the sum and number of structural similarities."""
        ...

    def error_sums(
        self, image: NDArray[Any], truth: NDArray[Any], mask: NDArray[np.bool_] | None
    ) -> tuple[float, float, int]:
        """Return the sums of squared and absolute differences and the number of pixels."""
        ...


@cache
def load_kernels() -> Kernels:
    """Return the compiled kernels, or with a warning the plain ones where numba is not installed."""
    try:
        from napari_emrestore.metrics import _numba_kernels
    except ImportError:
        from napari_emrestore.metrics import _numpy_kernels

        warnings.warn(
            "numba is not installed: scores are the same but take some ten times longer.",
            RuntimeWarning,
            stacklevel=3,
        )
        return cast("Kernels", _numpy_kernels)
    return cast("Kernels", _numba_kernels)
