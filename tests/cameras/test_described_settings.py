"""Settings of cameras as a form needs them: every camera of the table, and what a person may type."""

import pytest

from napari_emrestore.cameras import (
    CameraSetting,
    camera_settings,
    describe_settings,
    list_cameras,
    open_camera,
)
from napari_emrestore.core import Cancelled, InputError


@pytest.mark.parametrize("camera", [row.name for row in list_cameras()])
def test_every_setting_is_described_and_its_default_can_be_typed(camera):
    described = describe_settings(camera)
    assert [setting.name for setting in described] == list(camera_settings(camera))
    for setting in described:
        if not setting.required:
            assert setting.parse(setting.text(setting.default)) == setting.default
    assert "monitor" not in {setting.name for setting in described}


def test_labels_carry_units_notes_come_from_the_documentation():
    settings = {setting.name: setting for setting in describe_settings("simulated")}
    assert settings["frame_rate_hz"].label == "Frame rate (Hz)"
    assert settings["velocity_px_s"].label == "Velocity (px/s)"
    assert settings["slips_per_s"].label == "Slips per s"
    assert settings["exposure_ms"].note == "During which the stage moves and blurs."
    assert {s.label for s in describe_settings("micromanager")} >= {"ROI", "Exposure (ms)"}


def test_choices_are_those_of_the_annotation():
    order = next(setting for setting in describe_settings("folder") if setting.name == "order")
    assert (order.kind, order.choices, order.default) == ("choice", ("name", "time"), "name")
    assert order.parse("time") == "time"


@pytest.mark.parametrize(
    ("setting", "text", "value"),
    [
        (CameraSetting("frame_shape", "numbers", (512, 512), whole=True), "(256 x 300)", (256, 300)),
        (CameraSetting("velocity_px_s", "numbers", (0.0, 0.0)), "-1.5; 2", (-1.5, 2.0)),
        (CameraSetting("roi", "numbers", None, optional=True, whole=True), "", None),
        (CameraSetting("roi", "numbers", None, optional=True, whole=True), "0,8,64,32", (0, 8, 64, 32)),
        (
            CameraSetting("properties", "record", {}),
            "Gain=2, PixelType=16bit",
            {"Gain": "2", "PixelType": "16bit"},
        ),
        (CameraSetting("properties", "record", {}), " ", {}),
        (CameraSetting("suffixes", "texts", (".tif",)), ".tif, .mrc", (".tif", ".mrc")),
        (CameraSetting("repeat", "flag", False), "True", True),
        (CameraSetting("config", "text", None, optional=True), "  scope.cfg ", "scope.cfg"),
    ],
)
def test_what_is_typed_becomes_a_value(setting, text, value):
    assert setting.parse(text) == value
    assert setting.parse(setting.text(value)) == value


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        (CameraSetting("seed", "whole", 0), "1.5"),
        (CameraSetting("dose_e", "decimal", 60.0), "nan"),
        (CameraSetting("dose_e", "decimal", 60.0), ""),
        (CameraSetting("frame_shape", "numbers", (512, 512), whole=True), "512"),
        (CameraSetting("order", "choice", "name", choices=("name", "time")), "size"),
        (CameraSetting("properties", "record", {}), "Gain"),
        (CameraSetting("folder", "text", required=True), " "),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_label(setting, text):
    with pytest.raises(InputError, match=setting.label.replace("(", r"\(").replace(")", r"\)")):
        setting.parse(text)


class Stopping:
    """A monitor that was asked to stop."""

    def step(self, done, total, note=""):
        raise Cancelled(note)


def test_waiting_for_the_first_file_can_be_cancelled(tmp_path):
    with pytest.raises(Cancelled):
        open_camera("folder", folder=str(tmp_path), reader=lambda path: None, monitor=Stopping())


def test_waiting_for_the_first_message_can_be_cancelled():
    pytest.importorskip("zmq")
    with pytest.raises(Cancelled):
        open_camera("network", address="tcp://127.0.0.1:*", monitor=Stopping())


def test_who_takes_no_monitor_is_opened_all_the_same():
    with open_camera("simulated", frame_shape=(32, 40), specimen_px=64, monitor=Stopping()) as camera:
        assert camera.frame_shape == (32, 40)
