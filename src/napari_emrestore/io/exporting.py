"""From the type an image has to the type a file keeps: what is lost is counted and said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from napari_emrestore.core import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import DTypeLike, NDArray


def stored_dtype(
    dtype: np.dtype[Any],
    asked: DTypeLike | None,
    native: tuple[str, ...],
    wider: Mapping[str, str],
    kind: str,
) -> np.dtype[Any]:
    """Return the type to store.

    Parameters
    ----------
    dtype : dtype
        Of the image.
    asked : dtype-like, optional
        What the user wants; an integer type clips.
    native : tuple of str
        Types that the format holds, for example ``"uint16"``.
    wider : mapping
        For a type it does not hold, the type that is stored when none was asked for.
    kind : str
        The format, for messages.

    Raises
    ------
    InputError
        If the format does not hold the type.
    """
    wanted = np.dtype(dtype if asked is None else asked).newbyteorder("=")
    name = wanted.name if asked is not None else wider.get(wanted.name, wanted.name)
    if name not in native:
        raise InputError(
            f"{kind} holds pixels of type {', '.join(native)}",
            came=f"{wanted.name} {'was asked for' if asked is not None else 'came'}",
            remedy=f'Choose one, for example dtype="{native[-1]}".',
        )
    return np.dtype(name)


@dataclass(slots=True)
class Export:
    """A conversion of pixel blocks that counts what does not fit.

    Attributes
    ----------
    source, target : dtype
        Types of the image and of the file.
    limits : tuple of float, optional
        Input values that become the lowest and highest value of an integer `target`; None keeps values.
    below, above, not_finite : int
        Pixels clipped at either end, and not-a-number pixels (stored as 0 in an integer file).
    """

    source: np.dtype[Any]
    target: np.dtype[Any]
    limits: tuple[float, float] | None = None
    below: int = field(default=0, init=False)
    above: int = field(default=0, init=False)
    not_finite: int = field(default=0, init=False)

    def convert(self, block: NDArray[Any]) -> NDArray[Any]:
        """Return a block in the file's type, adding to the counts."""
        if self.limits is None and (
            block.dtype == self.target or np.can_cast(block.dtype, self.target, "safe")
        ):
            return block.astype(self.target, copy=False)
        if self.target.kind == "f":
            return self._narrowed(block)
        return self._clipped(block)

    def notes(self) -> tuple[str, ...]:
        """Return what a reader of the file must know, one sentence per fact; empty if nothing changed."""
        found = []
        if self.limits is not None:
            low, high = self.limits
            found.append(f"{self.target.name} picture: black is {low:.9g} and white is {high:.9g}")
        elif self.target != self.source and not np.can_cast(self.source, self.target, "safe"):
            found.append(f"{self.source.name} pixels were stored as {self.target.name}")
        if self.below or self.above:
            found.append(f"{self.below} pixels below and {self.above} above the range were clipped")
        if self.not_finite:
            found.append(f"{self.not_finite} not-a-number pixels were stored as 0")
        return tuple(found)

    def _narrowed(self, block: NDArray[Any]) -> NDArray[Any]:
        # beyond the largest value of the narrow type lies infinity, which would be silent
        most = float(np.finfo(self.target).max)
        finite = np.isfinite(block)
        self.above += int(np.count_nonzero((block > most) & finite))
        self.below += int(np.count_nonzero((block < -most) & finite))
        return np.where(finite, np.clip(block, -most, most), block).astype(self.target)

    def _clipped(self, block: NDArray[Any]) -> NDArray[Any]:
        bounds = np.iinfo(self.target)
        values = block
        if block.dtype.kind == "f" or self.limits is not None:
            values = block.astype(np.float64)
            blank = np.isnan(values)
            self.not_finite += int(np.count_nonzero(blank))
            if self.limits is not None:
                low, high = self.limits
                values = (values - low) * ((float(bounds.max) - bounds.min) / (high - low)) + bounds.min
            values = np.where(blank, 0.0, np.rint(values))
        is_low, is_high = values < bounds.min, values > bounds.max
        self.below += int(np.count_nonzero(is_low))
        self.above += int(np.count_nonzero(is_high))
        # clipping before the cast would round 2**63 - 1 up, so the ends are set after it
        stored = np.where(is_low | is_high, np.zeros((), values.dtype), values).astype(self.target)
        stored[is_low], stored[is_high] = bounds.min, bounds.max
        return stored
