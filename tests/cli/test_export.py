"""The command export: by the ending of the file, checked, and refused where nothing fits."""

import pytest

from napari_emrestore.cli import main
from napari_emrestore.models import find_card


def test_a_model_becomes_an_onnx_file_that_opens_again(tmp_path, capsys):
    pytest.importorskip("onnxruntime")
    assert main(["export", "katsuno-quarter", "-o", str(tmp_path / "k.onnx")]) == 0
    assert find_card(tmp_path / "k.onnx").tiling.stride == 32
    assert "multiple of 32 px" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options", [["-o", "k.tflite"], ["-o", "k.onnx", "--frames", "3"]], ids=["ending", "frames"]
)
def test_what_no_format_holds_is_refused(options, capsys):
    assert main(["export", "katsuno-quarter", *options]) == 2
    assert ".onnx" in capsys.readouterr().err


def test_a_model_without_weights_is_not_exported(tmp_path, capsys):
    assert main(["export", "bu", "-o", str(tmp_path / "b.onnx")]) == 1
    assert "without weights" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
