"""Model cards: what is written is read back; everything else is refused with file, key and what came."""

import dataclasses

import pytest

from napari_emrestore.core import ModelCard, ModelError, TilingRule, TrainedRange
from napari_emrestore.models import read_card, write_card

TEXT = """
id = "net-1"
version = "1.0"
name = "Net"
summary = "What it does."
task = "denoise"
architecture = "katsuno_unet"
precisions = ["fp32", "bf16"]
license = "BSD-3-Clause"

[tiling]
stride = 32
halo = 64
mode = "exact"

[trained]
frames = [1, 5]
"""
PLAIN = ModelCard(
    "net-1",
    "1.0",
    "Net",
    "What it does.",
    "denoise",
    "katsuno_unet",
    tiling=TilingRule(32, 64),
    precisions=("fp32", "bf16"),
    trained=TrainedRange((1, 5)),
    license="BSD-3-Clause",
)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "card.toml"


def test_a_card_without_weights_is_read(path):
    path.write_text(TEXT)
    assert read_card(path) == PLAIN


def test_write_then_read_gives_an_equal_card(path):
    card = dataclasses.replace(
        PLAIN,
        parameters={"width": "half", "levels": [1, 2]},
        weights=path.parent / "sub" / "w.safetensors",
        sha256="0123456789abcdef" * 4,
        trained=TrainedRange((1, 8), (3.0, 2500.0), (0.1, 10.0)),
        training={"steps": 10, "data": [{"name": "a", "license": "MIT"}]},
        validation=({"data": "isbi", "psnr_db": 21.5},),
        known_failures=("text", "μ²"),
        credit="someone",
    )
    write_card(card, path)
    assert read_card(path) == card
    assert [p.name for p in path.parent.iterdir()] == ["card.toml"]


def test_weights_are_relative_to_the_card(path):
    weights = f'weights = "../w/a.safetensors"\nsha256 = "{64 * "0"}"\n'
    path.write_text(TEXT.replace("license", weights + "license"))
    assert read_card(path).weights == (path.parent.parent / "w" / "a.safetensors").resolve()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('id = "net-1"', "", "'id'"),
        ("license", "licence", "'licence'"),
        ('version = "1.0"', "version = 1.0", "1.0"),
        ('"denoise"', '"sharpen"', "'sharpen'"),
        ('id = "net-1"', 'id = "Net 1"', "'Net 1'"),
        ('["fp32", "bf16"]', '["bf16"]', "['bf16']"),
        ('["fp32", "bf16"]', '"fp32"', "'precisions'"),
        ("stride = 32", "stride = 0", "'tiling.stride'"),
        ("stride = 32", "stride = true", "'tiling.stride'"),
        ("halo = 64", "halo = 65", "multiple"),
        ('mode = "exact"', "", "'tiling.mode'"),
        ("frames = [1, 5]", "frames = [5, 1]", "[5, 1]"),
        ("frames = [1, 5]", "frames = [1, 5]\ndose = [1, 2]", "'trained.dose'"),
        ("frames = [1, 5]", "frames = [1, 5]\ndose_e = [1, nan]", "'trained.dose_e'"),
        ("license", 'weights = "a.safetensors"\nlicense', "sha256"),
        ("license", 'sha256 = "12"\nlicense', "64 hexadecimal"),
        ("[tiling]", "[tiling", "TOML"),
    ],
)
def test_a_wrong_card_is_refused_with_file_key_and_value(path, old, new, said):
    path.write_text(TEXT.replace(old, new, 1))
    with pytest.raises(ModelError) as caught:
        read_card(path)
    assert said in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"PK\x03\x04"])
def test_a_file_that_is_no_card_is_refused(path, content):
    path.write_bytes(content)
    with pytest.raises(ModelError, match="model card"):
        read_card(path)


def test_a_missing_file_is_refused(path):
    with pytest.raises(ModelError, match="TOML"):
        read_card(path)


def test_a_card_that_breaks_the_rules_is_not_written(path):
    with pytest.raises(ModelError, match="halo"):
        write_card(dataclasses.replace(PLAIN, tiling=TilingRule(32, 33)), path)
    with pytest.raises(ModelError, match="texts, numbers"):
        write_card(dataclasses.replace(PLAIN, training={"steps": None}), path)
    with pytest.raises(ModelError, match="writable"):
        write_card(PLAIN, path.parent / "absent" / "card.toml")
    assert list(path.parent.iterdir()) == []


def test_the_card_files_module_knows_every_field_of_a_card():
    from napari_emrestore.models import card_files

    assert set(card_files._CARD) == {field.name for field in dataclasses.fields(ModelCard)}


def test_probe_rows_are_read_back_as_they_were_written(path):
    row = {"probe": "blank", "scores": {"wobble": 0.5}, "failed": [], "seed": 0}
    assert read_card(write_card(dataclasses.replace(PLAIN, probes=(row,)), path)).probes == (row,)
