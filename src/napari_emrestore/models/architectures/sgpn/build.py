"""How a model card builds SGPN's generator."""

from __future__ import annotations

from napari_emrestore.models.architectures.sgpn.net import GRIDS, SGPN, Widths

_WIDTHS: dict[str, tuple[Widths, Widths]] = {
    "full": ((64, 128, 256, 384, 512), (64, 128, 128, 128, 128)),
    "small": ((24, 48, 64, 96, 128), (24, 32, 32, 48, 48)),
    "narrow": ((12, 24, 32, 48, 64), (12, 16, 16, 24, 24)),
    "tiny": ((4, 4, 8, 8, 8), (4, 4, 4, 4, 8)),
}


def build(width: str = "full", grid: str = "lagged") -> SGPN:
    """Return an untrained generator mapping ``(B, 1, Y, X)`` to ``(B, Y, X)`` in model range.

    Parameters
    ----------
    width : {"full", "small", "narrow", "tiny"}
        Channel preset. The paper gives no widths; ``"full"`` has its 19.3 million parameters.
    grid : {"lagged", "diagonal", "newest"}
        Which node two rows below joins a node: the one two columns before it, or the first; none where that
        would leave the diagonal; or the newest there is.
    """
    if grid not in GRIDS:
        raise ValueError(f"grid is one of {', '.join(GRIDS)}, {grid!r} came")
    return SGPN(*_WIDTHS[width], grid)
