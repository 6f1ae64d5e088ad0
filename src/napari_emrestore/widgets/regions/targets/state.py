"""What a person has chosen on the way to the microscope, and why something cannot be done yet; no Qt."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar

from psygnal import SignalGroupDescriptor

from napari_emrestore.core import EmRestoreError
from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.targets.catalogue import target_format
from napari_emrestore.overview.targets.fitting import fit_stage_map
from napari_emrestore.overview.targets.visiting import StageLimits

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from napari_emrestore.overview.regions import Region, RegionSet
    from napari_emrestore.overview.targets.nav_maps import FirstRow
    from napari_emrestore.overview.targets.stage_map import StageMap

FEWEST_MARKS = 3
_LEAST_UM = 0.001


@dataclass(frozen=True, slots=True)
class Mark:
    """A region whose stage position is known.

    Attributes
    ----------
    region_id : int
        Its middle is the place on the overview.
    stage_um : tuple of float, optional
        ``(y, x)`` under the stage; ``None`` until it is told.
    """

    region_id: int
    stage_um: tuple[float, float] | None = None


@dataclass
class TargetsState:
    """The choices of this part.

    Attributes
    ----------
    regions : RegionSet, optional
        Those of the dock.
    selected : tuple of int
        Numbers of the selected ones.
    mosaic : Path, optional
        The mosaic that the overview is of.
    marks : tuple of Mark
        What the stage map is fitted to.
    stage : StageMap, optional
        Where the overview lies under the stage.
    fitted : bool
        Whether it was fitted to the marks.
    problem : str
        Why the marks give none.
    format : str
        Name of the format that is written.
    only_selected : bool
        Whether only selected regions are written and visited.
    nav, map_label : str
        SerialEM's Navigator file with the map of the overview, and the label of that map.
    first_row : {"auto", "top", "bottom"}
        Where the overview's first row is on SerialEM's screen.
    xy_device, z_device : str
        Names in Micro-Manager's configuration, for its position lists.
    imitate : str
        Label of the map in `nav` that crops imitate; empty for crops as the next five say.
    crop_nm, crop_height, crop_width, crop_turn_deg, crop_mirrored
        Pixel size, shape, turn and mirroring of crops.
    config : str
        Configuration to connect with; empty for the core that is loaded already.
    microscope : str
        Name of the connected stage; empty without one.
    frames : int
        Per visit.
    nearest, fields : bool
        Whether the nearest next is visited next; whether large regions get several fields.
    margin_um : float
        How far beyond the overview the stage may go.
    """

    events: ClassVar[SignalGroupDescriptor] = SignalGroupDescriptor()

    regions: RegionSet | None = None
    selected: tuple[int, ...] = ()
    mosaic: Path | None = None
    marks: tuple[Mark, ...] = ()
    stage: StageMap | None = None
    fitted: bool = False
    problem: str = ""
    format: str = "serialem"
    only_selected: bool = False
    nav: str = ""
    map_label: str = ""
    first_row: FirstRow = "auto"
    xy_device: str = "XYStage"
    z_device: str = ""
    imitate: str = ""
    crop_nm: float = 1.0
    crop_height: int = 1024
    crop_width: int = 1024
    crop_turn_deg: float = 0.0
    crop_mirrored: bool = False
    config: str = ""
    microscope: str = ""
    frames: int = 1
    nearest: bool = True
    fields: bool = False
    margin_um: float = field(default=0.0)

    def chosen(self) -> RegionSet | None:
        """Return the regions that are written or visited: accepted ones, perhaps only selected ones."""
        if self.regions is None:
            return None
        wanted = frozenset(self.selected)
        kept = (one for one in self.regions.accepted if not self.only_selected or one.id in wanted)
        return replace(self.regions, regions=tuple(kept))

    def selected_region(self) -> Region | None:
        """Return the one region that is selected; None if there is none or are several."""
        found = [] if self.regions is None else [r for r in self.regions.regions if r.id in self.selected]
        return found[0] if len(found) == 1 else None

    def export_options(self) -> dict[str, Any]:
        """Return the options of the chosen format that are set."""
        if self.format == "serialem" and self.nav:
            return {"nav": self.nav, **self.nav_options()}
        if self.format == "micromanager":
            return {"xy_device": self.xy_device, "z_device": self.z_device}
        return {}

    def nav_options(self) -> dict[str, Any]:
        """Return which map of a Navigator file the overview is, and which way up."""
        return {"map_label": self.map_label, "first_row": self.first_row}

    def crop_options(self) -> dict[str, Any]:
        """Return how crops look: as the map to imitate, or else as told."""
        if self.imitate:
            return {"nav": self.nav, "target_label": self.imitate, **self.nav_options()}
        return {
            "shape": (self.crop_height, self.crop_width),
            "pixel_size_nm": self.crop_nm,
            "rotation_deg": self.crop_turn_deg,
            "is_mirrored": self.crop_mirrored,
        }

    def limits(self) -> StageLimits:
        """Return where the stage may go; only with regions and a stage map."""
        if self.regions is None or self.stage is None:
            raise ValueError("limits need regions and a stage map")
        return StageLimits.of_overview(self.regions.overview, self.stage, self.margin_um)

    def why_not_export(self) -> str:
        """Return why nothing can be written, with the remedy; empty if it can."""
        chosen = self.chosen()
        if chosen is None:
            return "Open an image first, or pick one."
        if not chosen.regions:
            return (
                "Select regions that are accepted." if self.only_selected else "Draw or accept regions first."
            )
        places = target_format(self.format).places
        by_map = self.format == "serialem" and bool(self.nav)
        needs_stage = places == "stage" or (self.format == "serialem" and not by_map)
        if needs_stage and self.stage is None:
            map_too = ", or name SerialEM's file with the map" if self.format == "serialem" else ""
            return f"Tell where the overview lies under the stage{map_too}."
        return ""

    def why_not_crop(self) -> str:
        """Return why no crops can be cut, with the remedy; empty if they can."""
        chosen = self.chosen()
        if chosen is None or not chosen.regions:
            return self.why_not_export()
        if self.imitate:
            return "" if self.nav else "Choose the Navigator file of that map, at Export and import."
        known = chosen.overview.pixel_size_nm is not None
        return "" if known else "The overview needs a pixel size: set its scale and units."

    def why_not_mark(self) -> str:
        """Return why the selected region cannot be marked; empty if it can."""
        region = self.selected_region()
        if region is None:
            return "Select one point whose stage position you know."
        return "It is marked already." if any(m.region_id == region.id for m in self.marks) else ""

    def why_not_go(self) -> str:
        """Return why the stage cannot go to the selected region; empty if it can."""
        if reason := self._why_not_drive():
            return reason
        return "" if self.selected_region() is not None else "Select one region."

    def why_not_visit(self) -> str:
        """Return why regions cannot be visited; empty if they can."""
        if reason := self._why_not_drive():
            return reason
        chosen = self.chosen()
        return "" if chosen is not None and chosen.regions else "Draw or accept regions first."

    def fit(self) -> None:
        """Make the stage map anew from the marks of regions that are still there."""
        present = {} if self.regions is None else {one.id: one for one in self.regions.regions}
        known = [m for m in self.marks if m.stage_um is not None and m.region_id in present]
        self.problem = ""
        if len(known) < FEWEST_MARKS:
            # a map that was opened stays until marks give another
            self.stage, self.fitted = None if self.fitted else self.stage, False
            return
        places = [centre(present[mark.region_id]) for mark in known]
        size = None if self.regions is None else self.regions.overview.pixel_size_nm
        self.fitted = True
        try:
            self.stage = fit_stage_map(
                places,
                [mark.stage_um for mark in known if mark.stage_um],
                pixel_size_nm=size,
                source=f"{len(known)} marked points",
            )
        except EmRestoreError as error:
            self.stage, self.problem = None, str(error)

    def to_record(self) -> dict[str, Any]:
        """Return what is kept beyond closing, as plain JSON."""
        return {name: getattr(self, name) for name in KEPT}

    def restore(self, record: Mapping[str, Any]) -> None:
        """Take back what `to_record` gave; what has another type or is unknown is left out."""
        for name in KEPT:
            value = record.get(name)
            if type(value) is type(getattr(self, name)):
                setattr(self, name, value)
        try:
            target_format(self.format)
        except EmRestoreError:
            self.format = "serialem"

    def _why_not_drive(self) -> str:
        if not self.microscope:
            return "Connect a microscope first."
        return "" if self.stage is not None else "Tell where the overview lies under the stage."


KEPT = (
    "format",
    "only_selected",
    "xy_device",
    "z_device",
    "crop_nm",
    "crop_height",
    "crop_width",
    "crop_turn_deg",
    "crop_mirrored",
    "config",
    "frames",
    "nearest",
    "fields",
)


def describe_stage(stage: StageMap | None, marks: int, problem: str) -> str:
    """Return where the overview lies and how surely, in a sentence or three."""
    if problem:
        return problem
    if stage is None:
        missing = FEWEST_MARKS - marks
        return f"Mark {missing} more point{'s' if missing > 1 else ''} with known stage positions."
    y, x = (size * 1000 for size in stage.pixel_size_um)
    turn = f"turned by {round(stage.rotation_deg, 1) + 0.0:.1f}°{', mirrored' if stage.is_mirrored else ''}"
    return f"{_residual(stage)} {y:.4g} × {x:.4g} nm per pixel, {turn}; from {stage.source}."


def _residual(stage: StageMap) -> str:
    fit = stage.fit
    if fit is None:
        return "Residual not measured."
    if fit.residual_um is None:
        return "Mark one more point: so few agree however wrong they are."
    left = f", {len(fit.rejected)} left out" if fit.rejected else ""
    worst, expected = _um(fit.worst_um), _um(fit.expected_um)
    return (
        f"Residual {_um(fit.residual_um)} (worst {worst}{left}); other places are expected to be off by "
        f"{expected}."
    )


def _um(length: float | None) -> str:
    if length is None:
        return "unknown"
    return f"{length:.3g} µm" if length >= _LEAST_UM else f"below {_LEAST_UM:g} µm"
