"""A stage is driven to regions within its limits only, and every place gets its frames."""

import math
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from napari_emrestore.cameras.micromanager_stage import MicroManagerStage, open_stage
from napari_emrestore.core import Acquisition, Cancelled, DeviceError, Frame, InputError
from napari_emrestore.io import open_frames
from napari_emrestore.overview.region_geometry import centre
from napari_emrestore.overview.regions import Overview, Region
from napari_emrestore.overview.targets import StageMap
from napari_emrestore.overview.targets.visiting import (
    StageLimits,
    Stop,
    go_there,
    plan_stops,
    revisit,
    write_visit,
)

from .scenes import all_kinds, stage_map

STAGE = stage_map(z_um=None)
REGIONS = all_kinds()
LIMITS = StageLimits.of_overview(REGIONS.overview, STAGE)


class Driven:
    """A stage that notes where it was sent and comes to stand a little beside."""

    name = "driven"

    def __init__(self, off_um=(0.0, 0.0)):
        self.sent, self._off, self.snapped = [], off_um, 0

    def position_um(self):
        return self.sent[-1] if self.sent else (0.0, 0.0)

    def move_to(self, place_um, monitor=None):
        self.sent.append(place_um)
        return place_um[0] + self._off[0], place_um[1] + self._off[1]

    def snap(self):
        self.snapped += 1
        pixels = np.full((5, 7), self.snapped, np.uint16)
        return Frame(pixels, 0, Acquisition("cam", pixel_size_nm=(2.0, 2.0), exposure_ms=3.0))


def test_go_there_goes_to_the_middle_and_says_how_far_off_it_stands():
    device = Driven((0.3, 0.4))
    region = REGIONS.region(4)
    arrival = go_there(region, STAGE, device, LIMITS)
    assert device.sent == [pytest.approx(tuple(STAGE.to_stage(centre(region))))]
    assert (arrival.off_um, arrival.within) == (
        pytest.approx(0.5),
        pytest.approx(0.5) == arrival.off_um <= 0.5,
    )
    assert not go_there(region, STAGE, device, LIMITS, tolerance_um=0.4).within


def test_an_approach_comes_from_the_same_side():
    device = Driven()
    wide = StageLimits(-1e4, 1e4, -1e4, 1e4)
    go_there(REGIONS.region(1), STAGE, device, wide, approach_um=(-2.0, 3.0))
    assert np.subtract(device.sent[0], device.sent[1]) == pytest.approx((-2, 3))


@pytest.mark.parametrize("place", [(-1.0, 5.0), (5.0, 400.0), (221.0, 0.0)])
def test_targets_beyond_the_overview_are_refused_before_anything_moves(place):
    device, good = Driven(), REGIONS.region(1)
    bad = Region(5, "point", "nucleus", (place,))
    limits = StageLimits.of_overview(REGIONS.overview, stage_map(turn_deg=0.0, z_um=None))
    stage = stage_map(turn_deg=0.0, z_um=None)
    with pytest.raises(InputError, match=r"region 5 .*Nothing has moved"):
        revisit(plan_stops([good, bad], stage), device, limits)
    with pytest.raises(InputError, match="region 5"):
        go_there(bad, stage, device, limits)
    assert device.sent == []


def test_the_way_there_counts_as_well():
    device = Driven()
    with pytest.raises(InputError, match="approach included"):
        go_there(REGIONS.region(1), STAGE, device, LIMITS, approach_um=(500.0, 0.0))
    assert device.sent == []


def test_a_round_takes_frames_everywhere_and_reports_every_step(recorder):
    device, monitor = Driven(), recorder()
    visits = list(revisit(plan_stops(REGIONS.accepted, STAGE), device, LIMITS, frames=3, monitor=monitor))
    assert [visit.arrival.stop.region_id for visit in visits] == [1, 2, 4, 7]
    assert [[int(f.data[0, 0]) for f in visit.frames] for visit in visits][:2] == [[1, 2, 3], [4, 5, 6]]
    done = [step[0] for step in monitor.steps]
    assert done == sorted(done)
    assert monitor.steps[-1][:2] == (16, 16)


def test_a_round_stops_when_asked_and_keeps_what_it_has(recorder):
    device = Driven()
    visits, stops = [], plan_stops(REGIONS.accepted, STAGE)
    with pytest.raises(Cancelled):
        visits.extend(revisit(stops, device, LIMITS, monitor=recorder(stop_at=4)))
    assert len(visits) == len(device.sent) == 2


def test_visits_are_written_with_where_the_stage_stood(tmp_path):
    device = Driven((0.0, 0.25))
    stops = plan_stops(REGIONS.accepted[:1], STAGE)
    for visit in revisit(stops, device, LIMITS, frames=2):
        path = write_visit(visit, REGIONS.overview, tmp_path / "visits")
    assert path.name == "R1.ome.tif"
    with open_frames(path) as stack:
        known = stack.acquisition
        assert len(stack) == 2
        assert np.array_equal(np.asarray(stack.data)[:, 0, 0], [1, 2])
    assert known.pixel_size_nm == (2.0, 2.0)
    assert known.extra["stage_off_um"] == 0.25
    y, x = stops[0].place_um
    assert known.extra["stage_um"] == pytest.approx([y, x + 0.25])
    assert (known.extra["region"], known.extra["overview"]) == (1, "grid 3")


SIDES = st.floats(0.5, 40)


@given(SIDES, SIDES, SIDES, SIDES, st.floats(0, 0.8))
def test_fields_cover_a_region_with_the_overlap_that_was_asked_for(height, width, field_y, field_x, overlap):
    stage = StageMap(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    box = ((0.0, 0.0), (0.0, width), (height, width), (height, 0.0))
    stops = plan_stops(
        [Region(1, "rectangle", "a", box)], stage, field_um=(field_y, field_x), overlap=overlap
    )
    for axis, (length, side) in enumerate(((height, field_y), (width, field_x))):
        middles = sorted({stop.place_um[axis] for stop in stops})
        assert middles[0] - side / 2 <= 1e-9
        assert middles[-1] + side / 2 >= length - 1e-6
        assert np.diff(middles) == pytest.approx(np.full(len(middles) - 1, side * (1 - overlap)))
        needed = max(1, math.ceil((length - side) / (side * (1 - overlap)) - 1e-9) + 1)
        assert len(middles) == needed, "as few as can be"
    assert [stop.field for stop in stops] == list(range(1, len(stops) + 1))
    steps = [math.dist(a.place_um, b.place_um) for a, b in pairwise(stops)]
    assert max(steps, default=0) <= max(field_y, field_x) + 1e-9, "there and back, never over a whole row"


def test_the_nearest_next_is_visited_next():
    stage = StageMap(((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)))
    places = [(50.0, 0.0), (10.0, 0.0), (30.0, 0.0)]
    points = [Region(k, "point", "a", (place,)) for k, place in enumerate(places, start=1)]
    assert [stop.region_id for stop in plan_stops(points, stage, start_um=(0.0, 0.0))] == [2, 3, 1]
    assert [stop.region_id for stop in plan_stops(points, stage)] == [1, 2, 3]


def test_numbers_that_make_no_plan_are_refused():
    for options in ({"field_um": (0.0, 1.0)}, {"overlap": 1.0}, {"field_um": (math.inf, 1.0)}):
        with pytest.raises(InputError, match="field"):
            plan_stops(REGIONS.accepted, STAGE, **options)
    with pytest.raises(InputError, match="lower first"):
        StageLimits(1, 0, 0, 1)
    with pytest.raises(InputError, match="one frame"):
        revisit([], Driven(), LIMITS, frames=0)


@pytest.fixture(scope="module")
def microscope():
    """Micro-Manager's demo microscope, with its XY stage."""
    pytest.importorskip("pymmcore_plus")
    pytest.importorskip("mm_test_adapters")
    with open_stage(config="MMConfig_demo.cfg", timeout_s=10.0) as stage:
        yield stage


DEMO_MAP = StageMap(((-0.5, 0.0, 100.0), (0.0, 0.5, -40.0), (0.0, 0.0, 1.0)), "demo")
DEMO = Overview("demo", (300, 400), (500.0, 500.0))
DEMO_LIMITS = StageLimits.of_overview(DEMO, DEMO_MAP)


def test_the_demo_stage_goes_there_and_says_so(microscope):
    region = Region(1, "point", "a", ((20.0, 111.0),))
    arrival = go_there(region, DEMO_MAP, microscope, DEMO_LIMITS)
    assert arrival.within
    assert arrival.stop.place_um == (90.0, 15.5)
    # it counts in steps of 15 nm
    assert microscope.position_um() == pytest.approx((90.0, 15.5), abs=0.02)
    y, x = region.vertices[0]
    assert DEMO_MAP.to_pixels(arrival.reached_um) == pytest.approx((y, x), abs=0.5)


def test_the_demo_microscope_visits_a_list(microscope, tmp_path):
    points = [Region(k, "point", "a", ((30.0 * k, 60.0 * k),)) for k in (1, 2, 3)]
    stops = plan_stops(points, DEMO_MAP, start_um=microscope.position_um())
    paths = [
        write_visit(visit, DEMO, tmp_path) for visit in revisit(stops, microscope, DEMO_LIMITS, frames=2)
    ]
    assert sorted(path.name for path in paths) == ["R1.ome.tif", "R2.ome.tif", "R3.ome.tif"]
    with open_frames(paths[0]) as stack:
        assert stack.data.shape == (2, 512, 512)
        asked, stood = stack.acquisition.extra["stage_asked_um"], stack.acquisition.extra["stage_um"]
    assert asked == list(stops[0].place_um)
    assert stood == pytest.approx(asked, abs=0.02)


def test_a_region_larger_than_the_demo_cameras_field_gets_several(microscope):
    assert microscope.field_um == (512.0, 512.0)
    large = StageMap(((5.0, 0.0, 0.0), (0.0, 5.0, 0.0), (0.0, 0.0, 1.0)))
    box = Region(1, "rectangle", "a", ((0, 0), (0, 180), (100, 180), (100, 0)))
    stops = plan_stops([box], large, field_um=microscope.field_um)
    assert len(stops) == 2
    assert all(isinstance(stop, Stop) for stop in stops)


def test_frames_of_a_running_camera_are_taken_without_stopping_it(microscope):
    core = microscope._core
    core.startContinuousSequenceAcquisition(0)
    try:
        before = core.getRemainingImageCount()
        frame = microscope.snap()
        assert frame.data.shape == (512, 512)
        assert core.isSequenceRunning()
        assert core.getRemainingImageCount() > before, "a frame begun after the call, left for its owner"
    finally:
        core.stopSequenceAcquisition()


def test_a_stage_that_takes_too_long_is_halted(microscope):
    slow = MicroManagerStage(microscope._core, microscope.name, False, 0.1)
    with pytest.raises(DeviceError, match="halted"):
        slow.move_to((0.0, 90_000.0))
    assert microscope.position_um()[1] < 90_000
    assert microscope.move_to((0.0, 0.0)) == pytest.approx((0.0, 0.0), abs=0.02)


def test_asking_to_stop_halts_the_stage(microscope):
    class Stopping:
        def step(self, done, total, note=""):
            raise Cancelled

    with pytest.raises(Cancelled):
        microscope.move_to((0.0, 90_000.0), Stopping())
    assert not microscope._core.deviceBusy(microscope.name)
    microscope.move_to((0.0, 0.0))


def test_a_loaded_core_is_joined_and_left_loaded(microscope, monkeypatch):
    import pymmcore_plus

    monkeypatch.setattr(pymmcore_plus, "CMMCorePlus", SimpleNamespace(instance=lambda: microscope._core))
    with open_stage() as joined:
        assert joined.name == microscope.name
    assert microscope._core.getXYStageDevice() == "XY"


def test_places_that_are_no_numbers_never_reach_the_stage(microscope):
    with pytest.raises(InputError, match="finite"):
        microscope.move_to((math.nan, 0.0))


def test_a_core_without_a_stage_is_said_so(monkeypatch):
    pymmcore_plus = pytest.importorskip("pymmcore_plus")
    pytest.importorskip("mm_test_adapters")
    core = pymmcore_plus.CMMCorePlus()
    core.loadDevice("Cam", "DemoCamera", "DCam")
    core.initializeDevice("Cam")
    core.setCameraDevice("Cam")
    monkeypatch.setattr(pymmcore_plus, "CMMCorePlus", SimpleNamespace(instance=lambda: core))
    try:
        with pytest.raises(InputError, match="XY stage"):
            open_stage()
    finally:
        import pymmcore

        pymmcore.CMMCore.registerCallback(core, None)
        core.unloadAllDevices()
