"""What the live dock is set to, its pictures and its regions, without a window."""

from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace

import numpy as np
import pytest
from napari.layers import Image, Shapes

from napari_emrestore.cameras import CameraSetting, describe_settings, list_cameras
from napari_emrestore.core import Acquisition, Frame, InputError, Provenance, Restoration
from napari_emrestore.pipeline.live_settings import LiveSettings
from napari_emrestore.pipeline.live_views import LiveView
from napari_emrestore.widgets.live.pictures import RAW, TRUTH, PictureMaker
from napari_emrestore.widgets.live.recording import new_path
from napari_emrestore.widgets.live.regions import region_of
from napari_emrestore.widgets.live.state import LiveState
from napari_emrestore.widgets.live.status_box import drift_text
from napari_emrestore.widgets.live.wording import Words, words_for

SHAPE = (60, 90)


def view_of(pixels, index=3, roi=None):
    frame = Frame(np.asarray(pixels), index, Acquisition("camera"), 0.0)
    nan = float("nan")
    return LiveView(
        frame, None, None, (0.0, 0.0), (index,), nan, (0.0, 0.0), 0.0, False, "", nan, LiveSettings(roi=roi)
    )


class Camera:
    """Knows the truth of frame 3."""

    def truth(self, index):
        if index != 3:
            raise InputError("A pose is known of frames that were taken lately")
        return np.arange(60 * 90, dtype=np.float32).reshape(SHAPE)


class TestState:
    def test_only_what_differs_from_a_default_is_kept_for_each_camera(self):
        state = LiveState()
        state.type_in("dose_e", "12")
        state.type_in("seed", "4")
        state.type_in("seed", "0")
        assert state.typed == {"simulated": {"dose_e": "12"}}
        assert state.camera_values() == {"dose_e": 12.0}
        state.camera = "folder"
        assert state.why_not_start() == "Folder is needed."
        state.type_in("folder", "/data")
        assert state.why_not_start() == ""
        assert state.camera_values() == {"folder": "/data"}

    def test_a_record_comes_back_and_damage_is_left_out(self):
        state = LiveState(camera="replay", frames=7, look="blink", suffix=".mrc", roi=(0, 0, 30, 30))
        state.type_in("source", "a.mrc")
        again = LiveState()
        again.restore_record(state.to_record())
        assert (again.camera, again.frames, again.look, again.suffix) == ("replay", 7, "blink", ".mrc")
        assert again.camera_values() == {"source": "a.mrc"}
        assert again.roi is None
        damaged = {
            "frames": 99,
            "look": "sideways",
            "kind": 3,
            "record_seconds": -1.0,
            "record_frames": 0,
            "typed": {"simulated": {"dose_e": 12}},
            "suffix": ".exe",
            "stranger": 1,
        }
        fresh = LiveState()
        fresh.restore_record(damaged)
        assert fresh.to_record() == LiveState().to_record()

    def test_the_line_is_told_what_is_set(self):
        state = LiveState(model="mean", frames=3, kind="none", roi=(1, 2, 30, 40))
        assert state.live_settings("cpu", "fp32") == LiveSettings(
            model="mean", frames=3, kind=None, roi=(1, 2, 30, 40), device="cpu", precision="fp32"
        )
        state.restore = False
        assert state.live_settings().model is None

    def test_names_of_recordings_hold_the_time(self, tmp_path):
        state = LiveState(folder=str(tmp_path), recording=" scan ", suffix=".ome.tif")
        now = datetime(2026, 3, 4, 5, 6, 7)
        assert new_path(state, now) == tmp_path / "scan_20260304-050607-000.ome.tif"
        for name in ("", "a/b", 'quo"te'):
            state.recording = name
            with pytest.raises(InputError):
                new_path(state, now)


class TestPictures:
    def test_limits_come_once_and_again_when_the_view_leaves_them(self, monkeypatch):
        monkeypatch.setattr("napari_emrestore.widgets.live.pictures._LIMITS_EVERY_S", -1.0)
        ramp = np.linspace(100, 200, SHAPE[0] * SHAPE[1]).reshape(SHAPE)
        maker = PictureMaker(None)
        first = maker.picture(view_of(ramp), truth=True, limits=True)
        assert first.truth is None  # this camera knows none
        np.testing.assert_allclose(first.limits[RAW], (100.5, 199.5), atol=0.1)
        assert maker.picture(view_of(ramp + 1), truth=False, limits=True).limits == {}
        moved = maker.picture(view_of(ramp + 50), truth=False, limits=True)
        np.testing.assert_allclose(moved.limits[RAW], (150.5, 249.5), atol=0.1)
        assert maker.picture(view_of(ramp), truth=False, limits=False).limits == {}
        assert set(maker.picture(view_of(ramp), truth=False, limits=True).limits) == {RAW}

    @pytest.mark.parametrize(
        "pixels", [np.full((1, 1), 7), np.full((9, 8), np.nan), np.zeros((3, 500), bool)]
    )
    def test_nothing_to_see_has_limits_all_the_same(self, pixels):
        low, high = PictureMaker(None).picture(view_of(pixels), truth=False, limits=True).limits[RAW]
        assert low < high

    def test_the_truth_is_cropped_like_the_view_and_measured_against(self):
        maker = PictureMaker(Camera())
        truth = Camera().truth(3)[5:45, 10:60]
        picture = maker.picture(view_of(truth + 1, roi=(5, 10, 40, 50)), truth=True, limits=True)
        np.testing.assert_array_equal(picture.truth, truth)
        assert picture.images[TRUTH] is picture.truth
        span = float(np.ptp(truth))
        assert picture.scores.raw[1] == pytest.approx(20 * np.log10(span))
        assert picture.scores.restored is None
        assert maker.picture(view_of(truth, index=4), truth=True, limits=True).truth is None

    def test_a_restoration_that_lags_is_measured_against_the_truth_of_its_own_frame(self):
        class Moving:
            def truth(self, index):
                return np.roll(np.arange(60 * 90, dtype=np.float32).reshape(SHAPE), index, axis=1)

        camera = Moving()
        view, earlier = view_of(camera.truth(5), index=5), view_of(camera.truth(3), index=3).raw
        restored = Restoration(camera.truth(3), view.raw.acquisition, Provenance("restore"))
        lagging = replace(view, restored=restored, restored_raw=earlier)
        assert lagging.frames_behind == 2
        picture = PictureMaker(camera).picture(lagging, truth=True, limits=False)
        np.testing.assert_array_equal(picture.truth, camera.truth(5))
        assert picture.scores.frame == 3
        assert picture.scores.raw[0] == picture.scores.restored[0] == pytest.approx(1.0)


class TestRegions:
    LIVE = Image(np.zeros((40, 50), np.uint16), scale=(4.0, 4.0), translate=(20.0, 40.0))

    def region(self, corners):
        shapes = Shapes([np.asarray(corners, float)], shape_type="polygon", scale=(4.0, 4.0))
        return region_of(shapes, self.LIVE, (5, 10), SHAPE)

    def test_frame_pixels_of_a_view_that_is_cropped_already(self):
        roi, text = self.region([(4.5, 9.5), (4.5, 49.5), (39.5, 49.5), (39.5, 9.5)])
        assert roi == (5, 10, 35, 40)
        assert text == "40 × 35 px of the frame, from (10, 5)"

    def test_what_reaches_beyond_the_frame_ends_at_it_and_the_text_says_what_is_left(self):
        roi, text = self.region([(-99, -99), (-99, 999), (999, 999), (999, -99)])
        assert roi == (0, 0, *SHAPE)
        assert text.startswith("90 × 60 px")

    def test_too_small_or_none(self):
        roi, text = self.region([(0, 0), (0, 9), (9, 9)])
        assert roi is None
        assert "at least 24 px" in text
        assert region_of(Shapes(), self.LIVE, (0, 0), SHAPE)[0] is None


class TestTexts:
    @pytest.mark.parametrize(
        ("size_nm", "text"),
        [(None, "5.0 px"), ((2.0, 2.0), "5.0 px, 10 nm"), ((1000.0, 1000.0), "5.0 px, 5 µm")],
    )
    def test_a_drift_is_told_in_the_unit_that_fits(self, size_nm, text):
        view = SimpleNamespace(
            step_px=(3.0, -4.0), raw=SimpleNamespace(acquisition=Acquisition("x", pixel_size_nm=size_nm))
        )
        assert drift_text(view) == text

    def test_every_setting_of_our_cameras_has_words_and_strange_ones_keep_their_own(self):
        for camera in list_cameras():
            for setting in describe_settings(camera.name):
                words = words_for(camera.name, setting)
                assert words.label
                assert words.tip
                assert "None" not in words.tip
                assert not setting.required or words.empty == "needed"
        strange = CameraSetting("spot_size", "whole", optional=True, note="Of the gun.")
        assert words_for("theirs", strange) == Words("Spot size", "Of the gun.", "as it is")

    def test_what_cannot_be_read_is_named_as_in_the_form(self):
        state = LiveState(camera="folder")
        state.type_in("folder", "somewhere")
        state.type_in("poll_s", "often")
        assert state.why_not_start().startswith("Look every (s) is a number")
