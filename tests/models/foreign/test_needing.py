"""Without its optional package a foreign model is answered with what to install."""

import sys

import pytest

from napari_emrestore.core import MissingPackageError
from napari_emrestore.models import find_card


@pytest.mark.parametrize(
    ("name", "missing", "extra"),
    [
        ("net.onnx", "onnxruntime", "onnx"),
        ("net.onnx", "onnx", "onnx"),
        ("rdf.yaml", "bioimageio.spec", "bioimageio"),
    ],
)
def test_the_missing_package_and_its_extra_are_named(tmp_path, monkeypatch, name, missing, extra):
    (tmp_path / name).write_bytes(b"")
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(MissingPackageError, match=rf"package (onnx|{missing});.*\[{extra}\]"):
        find_card(tmp_path / name)
