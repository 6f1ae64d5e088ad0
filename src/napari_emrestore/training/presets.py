"""Named degradations: which microscope, how fast, how few electrons.

Sources of the ranges: Wieslander 2021 (DOI 10.1371/journal.pone.0246336), Katsuno 2022
(DOI 10.1017/S1431927621013799), Ede 2018 (DOI 10.1016/j.ultramic.2019.03.017), Cheng 2023; what no
paper states is chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from napari_emrestore.core import InputError
from napari_emrestore.training.camera import CameraRange
from napari_emrestore.training.draws import Span, fixed
from napari_emrestore.training.motion import MotionRange
from napari_emrestore.training.scanning import ScanRange


@dataclass(frozen=True, slots=True)
class Preset:
    """One kind of degradation.

    Attributes
    ----------
    name : str
        As in `PRESETS`.
    camera : CameraRange
        Dose and detector.
    motion : MotionRange, optional
        Stage motion during exposures; ``None`` for a still stage.
    scan : ScanRange, optional
        Probe and scan faults; ``None`` for a transmission camera.
    gap_px : Span
        Travel of the stage between frames of a stream.
    intensity : tuple of float
        Intensity of the darkest and the brightest part of a scene.
    """

    name: str
    camera: CameraRange
    motion: MotionRange | None = None
    scan: ScanRange | None = None
    gap_px: Span = fixed(0.0)
    intensity: tuple[float, float] = (0.0, 1.0)


_TEM_CAMERA = CameraRange(
    dose_e=Span(20, 400, log=True),
    read_noise_e=Span(0.2, 2.0, log=True),
    row_noise=Span(0.1, 0.4),
    spread_probability=0.4,
    gain_map=0.002,
    hit_rate=1.0,
)
_STREAM_MOTION = MotionRange(
    speed_px=Span(3, 15),
    curvature_px=0.5,
    vibration_lines=(1, 3),
    vibration_px=Span(0.1, 1.5, log=True),
    jitter_px=Span(0.1, 0.6),
    slip_rate_per_ms=0.02,
    slip_px=0.7,
)
_HARD_MOTION = MotionRange(
    speed_px=Span(0, 30),
    direction_deg=180,
    curvature_px=2.0,
    vibration_lines=(1, 6),
    vibration_px=Span(0.1, 4.0, log=True),
    jitter_px=Span(0.2, 2.0),
    slip_rate_per_ms=0.05,
    slip_px=2.0,
)
_DEFOCUS = ScanRange(defocus_px=Span(1.2, 3.0), probe_px=fixed(0.3))


def _poisson(dose_e: Span) -> CameraRange:
    return CameraRange(dose_e=dose_e, gain_adu=fixed(20.0), offset_adu=fixed(0.0))


def _sem_blur(dose_e: Span) -> CameraRange:
    return CameraRange(dose_e=dose_e, excess_noise=Span(0.3, 1.0), lag_px=Span(0.0, 1.0))


def _stream(name: str, dose_e: Span, speed_px: Span) -> Preset:
    """Return a stream of low contrast, as of a specimen between the bars of a grid."""
    camera, motion = replace(_TEM_CAMERA, dose_e=dose_e), replace(_STREAM_MOTION, speed_px=speed_px)
    return Preset(name, camera, motion, None, Span(10, 40), (0.3, 0.8))


PRESETS: dict[str, Preset] = {
    preset.name: preset
    for preset in (
        Preset("tem_stream", _TEM_CAMERA, _STREAM_MOTION, None, Span(10, 40), (0.25, 1.0)),
        Preset("tem_stream_hard", _TEM_CAMERA, _HARD_MOTION, None, Span(10, 40), (0.25, 1.0)),
        _stream("tem_stream_bright", Span(600, 2400, log=True), Span(2, 10)),
        _stream("tem_stream_kidney", Span(1000, 3600, log=True), Span(2, 8)),
        _stream("tem_stream_grid", Span(200, 400, log=True), Span(6, 14)),
        Preset("sem_blur_m1", _sem_blur(Span(32, 52)), scan=_DEFOCUS),
        Preset("sem_blur_m2", _sem_blur(Span(16, 30)), scan=_DEFOCUS),
        Preset("lde_hde", CameraRange(dose_e=Span(5, 10), read_noise_e=fixed(0.3))),
        Preset(
            "low_dose",
            CameraRange(
                dose_e=Span(3, 50, log=True),
                read_noise_e=Span(0.1, 1.0, log=True),
                row_noise=Span(0.0, 0.3),
                spread_probability=0.5,
            ),
            intensity=(0.05, 1.0),
        ),
        Preset("ede_low", _poisson(Span(25, 175))),
        Preset("ede_ordinary", _poisson(Span(200, 2500))),
        Preset("poisson", _poisson(Span(3, 2500, log=True)), intensity=(0.05, 1.0)),
        Preset(
            "still_camera",
            CameraRange(
                dose_e=Span(3, 2500, log=True),
                read_noise_e=Span(0.1, 1.5, log=True),
                row_noise=Span(0.0, 0.3),
                spread_probability=0.5,
                excess_noise=Span(0.0, 0.5),
                gain_map=0.002,
                hit_rate=1.0,
            ),
            intensity=(0.05, 1.0),
        ),
        Preset("bright", _poisson(Span(2500, 30000, log=True)), intensity=(0.05, 1.0)),
        Preset(
            "resampled",
            CameraRange(
                dose_e=Span(2, 1500, log=True),
                read_noise_e=Span(0.1, 1.5, log=True),
                excess_noise=Span(0.0, 0.5),
                smoothing_px=Span(0.3, 1.0),
            ),
            intensity=(0.05, 1.0),
        ),
        Preset(
            "sem_fast",
            CameraRange(dose_e=Span(5, 400, log=True), excess_noise=Span(0.3, 1.0), lag_px=Span(0.0, 1.0)),
            scan=ScanRange(jitter_px=Span(0.05, 0.4, log=True), baseline=0.01, shading=0.1),
            intensity=(0.05, 1.0),
        ),
        Preset(
            "sem_defocus",
            _sem_blur(Span(20, 400, log=True)),
            scan=ScanRange(defocus_px=Span(1.2, 5.0), probe_px=fixed(0.3)),
            intensity=(0.05, 1.0),
        ),
        Preset(
            "sem_astigmatism",
            _sem_blur(Span(20, 400, log=True)),
            scan=ScanRange(defocus_px=Span(0.0, 0.3), astigmatism_px=Span(2.0, 8.0), probe_px=fixed(0.3)),
            intensity=(0.05, 1.0),
        ),
    )
}


def find_preset(name: str) -> Preset:
    """Return the preset called `name`.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in PRESETS:
        raise InputError(f"A degradation preset is one of {', '.join(PRESETS)}", came=f"{name!r} came")
    return PRESETS[name]
