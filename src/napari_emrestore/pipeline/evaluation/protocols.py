"""The protocols of four papers: how they degraded, what they measured, and where we differ.

One entry per protocol; `PaperProtocol.notes` stand under every table that it makes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from napari_emrestore.core import InputError
from napari_emrestore.pipeline.evaluation import degrading, measuring

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.pipeline.evaluation.degrading import Degrade
    from napari_emrestore.pipeline.evaluation.measuring import Measure


@dataclass(frozen=True, slots=True)
class PaperProtocol:
    """One way to degrade and to measure.

    Attributes
    ----------
    name, title : str
        Key in `PROTOCOLS`; the work it comes from.
    degrade : callable
        Of (clean image in 0 to 1, side in pixels, rng); returns an `Instance`.
    measure : callable
        Of (restored image, instance); returns a value per measure.
    measures : mapping of str to bool
        Names in order, and whether more is better. The first one decides which classical method is best.
    size_px : int
        Side of an instance, unless the images are smaller.
    frames : int
        Frames taken of each instance.
    in_tiles : bool
        Whether each tile of 128 px is a value of its own.
    curves : mapping of str to tuple of float
        Range over which the density of a measure is drawn, where the paper fixes it.
    known_lengths : bool
        Whether known lengths are read off restored scenes too; see `physical`.
    segmentation : tuple of str
        Those of `measures` that say how well a segmentation of the image finds true regions. They are
        measured on the truth as well, which has a row of its own for them.
    notes : tuple of str
        What a reader of a table must know.
    """

    name: str
    title: str
    degrade: Degrade
    measure: Measure
    measures: Mapping[str, bool]
    size_px: int
    frames: int = 1
    in_tiles: bool = False
    curves: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    known_lengths: bool = False
    segmentation: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def find_protocol(name: str) -> PaperProtocol:
    """Return the protocol called `name`.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in PROTOCOLS:
        raise InputError(f"A protocol is one of {', '.join(PROTOCOLS)}", came=f"{name!r} came")
    return PROTOCOLS[name]


_EDE_MEASURES = {"MSE": False, "SSIM": True, "SSIM own range": True}
_EDE_CURVES = {"MSE": (0.0, 1.2e-3), "SSIM": (0.0, 1.0)}
_EDE_NOTES = (
    "SSIM with a 7x7 uniform window; 'own range' is the range of the restored image, as in the paper's code.",
    "Outputs are clipped to 0 to 1 for every method.",
)

PROTOCOLS: dict[str, PaperProtocol] = {
    protocol.name: protocol
    for protocol in (
        PaperProtocol(
            "plos",
            "Wieslander 2021, DOI 10.1371/journal.pone.0246336: streams of a moving stage, 5 frames",
            degrading.stream,
            measuring.tile_scores,
            {"SSIM": True, "PSNR": True},
            256,
            frames=degrading.STREAM_FRAMES,
            in_tiles=True,
            notes=(
                f"SSIM with a Gaussian 11x11 window, sigma 1.5, of every whole {measuring.TILE_PX} px tile.",
                "Frames were registered onto the first one (euclidean), which the truth belongs to; the "
                "truth took no part in it. Scaled as for 8 bit but not rounded.",
                "The stage moves less between frames where an image is too small for the drawn step.",
            ),
        ),
        PaperProtocol(
            "sgpn",
            "Cheng 2023: SEM defocus and astigmatism",
            degrading.defocus,
            measuring.both_targets,
            {"PSNR": True, "SSIM": True, "PSNR to noisy": True, "SSIM to noisy": True},
            256,
            notes=(
                "The noisy target is an independent scan in focus at 2 to 8 times the dose.",
                "SSIM with a Gaussian 11x11 window, sigma 1.5, data range 1.",
            ),
        ),
        PaperProtocol(
            "kat",
            "Katsuno 2022, DOI 10.1017/S1431927621013799: 5 to 10 against 1000 electrons per pixel",
            degrading.low_dose,
            measuring.absolute_error,
            {"MAE": False, "PSNR": True},
            512,
            known_lengths=True,
            notes=(
                "Input, output and target are each scaled to 0 to 1 by their own 0.1 and 99.9 percentiles.",
                "Both exposures stand at one pose, as after the paper's alignment.",
            ),
        ),
        PaperProtocol(
            "ede-low",
            "Ede 2018, DOI 10.1016/j.ultramic.2019.03.017: Poisson, 25 + Exp(75) electrons per pixel",
            degrading.poisson(lambda rng: 25 + rng.exponential(75)),
            measuring.squared_error,
            _EDE_MEASURES,
            512,
            curves=_EDE_CURVES,
            notes=_EDE_NOTES,
        ),
        PaperProtocol(
            "ede-ordinary",
            "Ede 2018, DOI 10.1016/j.ultramic.2019.03.017: Poisson, 200 to 2500 electrons per pixel",
            degrading.poisson(lambda rng: rng.uniform(200, 2500)),
            measuring.squared_error,
            _EDE_MEASURES,
            512,
            curves=_EDE_CURVES,
            notes=_EDE_NOTES,
        ),
    )
}
