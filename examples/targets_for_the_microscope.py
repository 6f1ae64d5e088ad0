"""Mark places on an overview, tell where it lies under the stage, and write targets for the microscope."""

import tempfile
from pathlib import Path

import numpy as np

from napari_emrestore.overview import Overview, Region, RegionClass, RegionSet
from napari_emrestore.overview.targets import export_rois, fit_stage_map, import_rois

overview = Overview("grid 3", (2000, 3000), pixel_size_nm=(5.0, 5.0))
regions = RegionSet(
    overview,
    (RegionClass("nucleus", "#e69f00"), RegionClass("crack", "#0072b2")),
    (
        Region(1, "point", "nucleus", ((410.0, 1250.0),), note="the round one"),
        Region(2, "rectangle", "nucleus", ((900, 300), (900, 520), (1100, 520), (1100, 300))),
        Region(3, "polygon", "crack", ((1500, 2000), (1520, 2400), (1600, 2380))),
    ),
)

# three places that were seen both on the overview (y, x in pixels) and under the stage (y, x in µm)
seen_px = [(120.0, 80.0), (1900.0, 75.0), (130.0, 2900.0)]
seen_um = [(845.21, -312.43), (836.32, -312.40), (845.12, -298.31)]
stage = fit_stage_map(seen_px, seen_um, pixel_size_nm=overview.pixel_size_nm)
print(f"residual {stage.fit.residual_um:.3f} µm, another place is off by some {stage.fit.expected_um:.3f} µm")
print(f"turned by {stage.rotation_deg:.2f}°, {'mirrored' if stage.is_mirrored else 'not mirrored'}")

with tempfile.TemporaryDirectory() as folder:
    for name in ("targets.nav", "targets.pos", "targets.positions.json", "targets.geojson", "targets.csv"):
        written = export_rois(regions, Path(folder) / name, stage=stage)
        print(f"{name}: {written.count} regions as {written.format}", *written.notes)
        back = import_rois(written.path, overview, stage=stage).regions
        y, x = np.subtract(back.regions[0].vertices[0], regions.regions[0].vertices[0])
        print(f"  read back, the first is off by y {y:+.4f}, x {x:+.4f} pixels")
