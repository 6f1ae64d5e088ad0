"""Regions of every kind and stages of every handedness, for the tests of this folder."""

import math

import numpy as np
from hypothesis import strategies as st

from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.region_masks import encode_mask
from napari_emrestore.overview.regions import Overview, Region, RegionClass, RegionSet
from napari_emrestore.overview.targets import StageMap

SHAPE = (221, 340)
NUCLEUS, HOLE = RegionClass("nucleus", "#ff2211", "n"), RegionClass("hole, big", "#2233ee")
MASK = np.array(
    [[0, 1, 1, 1, 0, 0], [1, 1, 0, 1, 0, 0], [1, 0, 0, 1, 0, 1], [1, 1, 1, 1, 0, 1], [0, 0, 0, 0, 0, 1]], bool
)


def stage_map(pixel_um=(0.004, 0.007), turn_deg=37.0, mirrored=True, middle_um=(-312.25, 845.5), z_um=-12.5):
    """A stage as a microscope may have it: y up, turned, unequal pixel sides, far from its zero."""
    turn = math.radians(turn_deg)
    rotation = np.array([[math.cos(turn), math.sin(turn)], [-math.sin(turn), math.cos(turn)]])
    matrix = np.eye(3)
    matrix[:2, :2] = rotation @ np.diag([(-1 if mirrored else 1) * pixel_um[0], pixel_um[1]])
    matrix[:2, 2] = middle_um
    return StageMap(tuple(map(tuple, matrix.tolist())), "test", z_um)


def turned_rectangle(middle, sides, turn_deg):
    turn = math.radians(turn_deg)
    along, across = np.array([math.sin(turn), math.cos(turn)]), np.array([math.cos(turn), -math.sin(turn)])
    corners = [(-1, -1), (-1, 1), (1, 1), (1, -1)]
    return tuple(
        tuple((np.array(middle) + across * a * sides[0] / 2 + along * b * sides[1] / 2).tolist())
        for a, b in corners
    )


def all_kinds():
    """A point, a turned rectangle, a polygon that is not convex, and a painted ring with a spot beside it."""
    regions = (
        Region(1, "point", "nucleus", ((17.25, 300.75),), note="look here", confidence=0.875),
        Region(2, "rectangle", "nucleus", turned_rectangle((60, 80), (30, 50), 20)),
        Region(4, "polygon", "hole, big", ((100, 200), (100, 260.5), (120, 230), (150, 260), (149.5, 201))),
        Region(7, "label", "nucleus", (), encode_mask(MASK, (180, 20)), note="painted", confidence=0.5),
        Region(9, "point", "nucleus", ((1.0, 1.0),), accepted=False),
    )
    overview = Overview(
        "grid 3",
        SHAPE,
        (4.0, 7.0),
        "grid3.mrc",
        to_world=((4.0, 0.0, 10.0), (0.0, 7.0, -5.0), (0.0, 0.0, 1.0)),
        world_unit="nm",
    )
    return RegionSet(overview, (NUCLEUS, HOLE), regions)


def same_places(one, other):
    """Largest distance in pixels between the middles of regions, in order."""
    pairs = zip(one.regions, other.regions, strict=True)
    return max(math.dist(centre(a), centre(b)) for a, b in pairs)


stages = st.builds(
    stage_map,
    st.tuples(st.floats(1e-4, 0.5), st.floats(1e-4, 0.5)),
    st.floats(-180, 180),
    st.booleans(),
    st.tuples(st.floats(-2e3, 2e3), st.floats(-2e3, 2e3)),
    st.none() | st.floats(-300, 300),
)
