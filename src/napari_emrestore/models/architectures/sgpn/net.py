"""Generator of SGPN: a pyramid refined over a triangular grid (Cheng et al. 2023, DOI 10.1155/2023/8936903).

Rows of the grid are scales, finest first; columns are refinements. The paper's text and
figures disagree on which coarser nodes feed a node. The default here is the one assignment whose nodes always
exist; `GRIDS` holds the others. Instance normalisation makes a pixel depend on the whole image, so tiles are
an approximation.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import nn
from torch.nn import functional as F

from napari_emrestore.models.architectures.blocks import ResidualBlock, normalised_conv

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

Widths = tuple[int, int, int, int, int]

SCALES = 5

# row i, column j (from 2) -> column of row i + 2 that joins; None: no such term
GRIDS: dict[str, Callable[[int, int], int | None]] = {
    "lagged": lambda i, j: max(j - 2, 1),
    "diagonal": lambda i, j: j - 2 or None,
    "newest": lambda i, j: min(j - 1, 3 - i),
}


def smoothly_enlarged(x: Tensor, factor: int) -> Tensor:
    """Return `x` (B, C, Y, X) enlarged by linear interpolation along both axes."""
    return F.interpolate(x, scale_factor=float(factor), mode="bilinear", align_corners=False)


def refined_conv(channels_in: int, channels: int, stride: int = 1) -> nn.Sequential:
    """Return a normalised convolution and a light residual block."""
    return nn.Sequential(
        normalised_conv(channels_in, channels, stride=stride, affine=True), ResidualBlock(channels, 3)
    )


class Fusion(nn.Module):
    """One node of the grid: takes in what coarser rows found, keeps its own, refines."""

    def __init__(self, own: int, external: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(own + external, own, 3, padding=1)
        self.conv2 = nn.Conv2d(own, own, 3, padding=1)
        self.refine = normalised_conv(own, own, affine=True)

    def forward(self, own: Tensor, external: Sequence[Tensor]) -> Tensor:
        """Return the node (B, C, Y, X) from its predecessor `own` and `external` of the same size."""
        z = F.relu(self.conv1(torch.cat([own, *external], 1)))
        refined: Tensor = self.refine(self.conv2(z) + own)
        return refined


def grid_nodes() -> list[tuple[int, int]]:
    """Return the nodes to compute, (row, column): columns 2 to 5, in each the coarse rows first."""
    return [(i, j) for j in range(2, SCALES + 1) for i in reversed(range(SCALES + 1 - j))]


class SGPN(nn.Module):
    """Encoder, coarse pyramid, grid of fusions, bounded correction of the input.

    Parameters
    ----------
    encoder_widths, grid_widths, grid
        See `build`.
    """

    def __init__(self, encoder_widths: Widths, grid_widths: Widths, grid: str) -> None:
        super().__init__()
        self.grid = GRIDS[grid]
        above = (1, *encoder_widths[:-1])
        self.encoder = nn.ModuleList(
            refined_conv(a, c, 1 if i == 0 else 2)
            for i, (a, c) in enumerate(zip(above, encoder_widths, strict=True))
        )
        pairs = list(zip(encoder_widths, grid_widths, strict=True))
        self.laterals = nn.ModuleList(nn.Conv2d(a, b, 1) for a, b in pairs)
        self.coarse = nn.ModuleList(refined_conv(c, c) for c in grid_widths)
        self.rises = nn.ModuleList(
            nn.Identity() if a == b else nn.Conv2d(b, a, 1) for a, b in pairwise(grid_widths)
        )
        self.fusions = nn.ModuleDict(
            {
                f"{i}_{j}": Fusion(grid_widths[i], sum(grid_widths[row] for row, _ in self.sources(i, j)))
                for i, j in grid_nodes()
            }
        )
        self.exit = nn.Conv2d(grid_widths[0], 1, 3, padding=1)

    def sources(self, i: int, j: int) -> list[tuple[int, int]]:
        """Return the coarser nodes, (row, column), that feed the node of row `i` and column `j`."""
        found = [(i + 1, j - 1)]
        column = self.grid(i, j)
        if i + 2 < SCALES and column is not None:
            found.append((i + 2, column))
        return found

    def forward(self, frames: Tensor) -> Tensor:
        """Return the restoration (B, Y, X) of `frames` (B, 1, Y, X).

        Y and X are multiples of 16 and at least 32: one pixel has no variance to normalise by.
        """
        nodes = {(i, 1): z for i, z in enumerate(self._pyramid(frames))}
        for i, j in grid_nodes():
            external = [smoothly_enlarged(nodes[s], 2 ** (s[0] - i)) for s in self.sources(i, j)]
            nodes[i, j] = self.fusions[f"{i}_{j}"](nodes[i, j - 1], external)
        correction: Tensor = self.exit(nodes[0, SCALES])
        return frames[:, 0] + torch.tanh(correction)[:, 0]

    def _pyramid(self, frames: Tensor) -> list[Tensor]:
        """Return the first column of the grid, finest row first."""
        found = []
        z = frames.contiguous(memory_format=torch.channels_last)
        for encode, lateral in zip(self.encoder, self.laterals, strict=True):
            z = encode(z)
            found.append(lateral(z))
        column = [self.coarse[-1](found[-1])]
        for i in reversed(range(SCALES - 1)):
            risen = smoothly_enlarged(self.rises[i](column[0]), 2)
            column.insert(0, self.coarse[i](found[i] + risen))
        return column
