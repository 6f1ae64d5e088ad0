"""What a person has set in the probe dock, and why it cannot run; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, ClassVar

from psygnal import SignalGroupDescriptor

from napari_emrestore.core import InputError
from napari_emrestore.probes import Degradation, list_probes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from napari_emrestore.probes.stamps import Kind

_PUBLISHED = Degradation()


@dataclass
class ProbeState:
    """The settings of both boxes of the dock.

    Attributes
    ----------
    probes, models : tuple of str
        Ticked patterns and models, by name.
    size_px, frames, motion_px, same_path
        As in `probes.run_probe` and `probes.Degradation`.
    noise : float
        Standard deviation of a frame's noise at mid-grey, as a share of the pattern's range.
    measured : Degradation, optional
        Kind of noise and levels of a layer; ``None`` for normal noise.
    measured_on : str
        Name of that layer.
    layer : str
        Name of the layer that patterns are added to; empty for none.
    model : str
        Model that is asked to keep them.
    pattern : str
        What is added, of `probes.stamps.KINDS`.
    periods_px, contrasts : str
        Numbers with commas between, as they were typed.
    blur_px : float
        Motion blur of what is added.
    burst : int
        Frames of the layer that are used, from the one in view on.
    unusable : str
        Why the layer cannot be used; empty if it can.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    probes: tuple[str, ...] = ("spots", "lines", "crossed-lines", "blank")
    models: tuple[str, ...] = ("burst-naf",)
    size_px: int = 512
    frames: int = _PUBLISHED.frames
    motion_px: float = _PUBLISHED.motion_px
    noise: float = _PUBLISHED.relative_noise()
    same_path: bool = False
    measured: Degradation | None = None
    measured_on: str = ""
    layer: str = ""
    model: str = "burst-naf"
    pattern: Kind = "gratings"
    periods_px: str = "4, 8, 16"
    contrasts: str = "0.05, 0.1, 0.2"
    blur_px: float = 0.0
    burst: int = 1
    unusable: str = ""

    def degradation(self) -> Degradation:
        """Return what is done to the patterns."""
        base = self.measured or _PUBLISHED
        done = replace(base, frames=self.frames, motion_px=self.motion_px, same_path=self.same_path)
        return done.with_noise(self.noise)

    def take_measured(self, measured: Degradation, layer: str) -> None:
        """Set noise and levels to what was measured on a layer."""
        self.measured, self.measured_on = measured, layer
        self.noise = round(measured.relative_noise(), 4)

    def forget_measured(self) -> None:
        """Go back to normal noise of the published strength."""
        self.measured, self.measured_on = None, ""
        self.noise = _PUBLISHED.relative_noise()

    def probe_obstacle(self) -> str:
        """Return why probing cannot start, with the remedy; empty if it can."""
        if not self.probes:
            return "Tick a pattern first."
        return "" if self.models else "Tick a model first."

    def injection_obstacle(self) -> str:
        """Return why patterns cannot be added, with the remedy; empty if they can."""
        if self.unusable or not self.layer:
            return self.unusable or "Open an image first, or pick one."
        try:
            numbers(self.periods_px)
            numbers(self.contrasts)
        except InputError as error:
            return str(error)
        return ""

    def to_record(self) -> dict[str, Any]:
        """Return what is kept beyond closing, as plain JSON."""
        return {name: _listed(getattr(self, name)) for name in _KEPT}

    def restore_record(self, record: Mapping[str, Any]) -> None:
        """Take back what `to_record` gave; what has another type or is unknown is left out."""
        known = {name: record[name] for name in _KEPT if name in record}
        for name, value in known.items():
            if type(value) is type(_listed(getattr(self, name))):
                setattr(self, name, tuple(value) if isinstance(value, list) else value)
        self.probes = tuple(name for name in self.probes if name in list_probes())


_NOT_KEPT = ("measured", "measured_on", "layer", "unusable", "noise")
_KEPT = tuple(one.name for one in fields(ProbeState) if one.name not in _NOT_KEPT)


def numbers(text: str) -> tuple[float, ...]:
    """Return numbers that were typed with commas between.

    Raises
    ------
    InputError
        If a part is no number.
    """
    try:
        return tuple(float(part) for part in text.split(",") if part.strip())
    except ValueError as error:
        raise InputError(
            "Periods and contrasts are numbers with commas between", came=f"{text!r} came"
        ) from error


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value
