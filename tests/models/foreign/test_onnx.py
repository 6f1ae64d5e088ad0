"""ONNX files: ours out and in again with their card, others by trying, hostile ones refused."""

import dataclasses

import numpy as np
import pytest
import torch

from napari_emrestore.core import DeviceError, IntensityMap, ModelError, TilingRule, TrainedRange
from napari_emrestore.models import build_network, find_card, load_network, models_folder
from napari_emrestore.restoration import load_restorer, restore

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

from onnx import TensorProto, helper  # noqa: E402

from napari_emrestore.models.foreign.onnx_export import export_onnx  # noqa: E402

UNIT = IntensityMap(0.0, 1.0)
NARROW = {"width": 4, "noise_input": True}


def blur(path, *, sizes=("n", "y", "x"), channels=1, kind=TensorProto.FLOAT, weights=None, outputs=1):
    """Write a 3x3 mean over one frame as an ONNX file."""
    n, y, x = sizes
    kernel = helper.make_tensor(
        "w", TensorProto.FLOAT, (outputs, channels, 3, 3), [1 / 9] * 9 * channels * outputs
    )
    node = helper.make_node("Conv", ["f", "w"], ["r"], pads=[1, 1, 1, 1])
    graph = helper.make_graph(
        [node],
        "blur",
        [helper.make_tensor_value_info("f", kind, [n, channels, y, x])],
        [helper.make_tensor_value_info("r", kind, [n, outputs, y, x])],
        [kernel if weights is None else weights(kernel)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.save(model, str(path))
    return path


@pytest.fixture
def ours(make_card):
    """The card of a narrow BurstNAF that is told the noise."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = build_network("burst_naf", NARROW)
    return make_card(
        tensors=network.state_dict(),
        architecture="burst_naf",
        parameters=NARROW,
        tiling=TilingRule(16, 400),
        trained=TrainedRange((1, 8), (5.0, 50.0)),
    )


@pytest.fixture(scope="module")
def made_once():
    """What `exported` keeps: an export takes a second."""
    return []


@pytest.fixture
def exported(ours, tmp_path, made_once):
    path = tmp_path / "exported" / "naf.onnx"
    path.parent.mkdir()
    if made_once:
        path.write_bytes(made_once[0])
    else:
        export_onnx(ours, path)
        made_once.append(path.read_bytes())
    return path


def test_ours_comes_back_with_its_card(exported, ours):
    card = find_card(exported)
    for name in ("id", "tiling", "trained", "license", "credit", "known_failures", "task", "version"):
        assert getattr(card, name) == getattr(ours, name)
    assert card.architecture == "onnx"
    assert [path.name for path in exported.parent.iterdir()] == ["naf.onnx"]


def test_ours_passes_the_checker_and_has_free_sizes(exported):
    model = onnx.load(str(exported))
    onnx.checker.check_model(model, full_check=True)
    shapes = [[axis.dim_param for axis in entry.type.tensor_type.shape.dim] for entry in model.graph.input]
    assert shapes == [["batch", "n", "y", "x"], ["batch", ""]]


@pytest.mark.parametrize("shape", [(1, 64, 96), (4, 80, 48)])
def test_ours_restores_as_in_torch(exported, ours, shape):
    frames = np.random.default_rng(0).random(shape, np.float32)
    made, wanted = (
        restore(frames, load_restorer(model, device="cpu"), intensity=UNIT)
        for model in (exported, ours.weights)
    )
    np.testing.assert_allclose(made.image, wanted.image, atol=2e-4)
    assert made.provenance.settings["noise"] == wanted.provenance.settings["noise"]
    assert made.provenance.model["runtime"] == f"onnxruntime {onnxruntime.__version__}"
    assert "CPUExecutionProvider" in made.provenance.device


def test_a_network_that_onnx_cannot_hold_leaves_no_file(tmp_path, monkeypatch):
    from napari_emrestore.models.foreign import onnx_export

    network = build_network("banet", {"width": 4, "modules": 1}).eval()
    monkeypatch.setattr(onnx_export, "load_network", lambda card: network)
    with pytest.raises(ModelError, match="free sizes"):
        export_onnx(find_card("banet"), tmp_path / "banet.onnx")
    assert list(tmp_path.iterdir()) == []


def test_another_network_is_opened_without_a_card(tmp_path):
    restorer = load_restorer(blur(tmp_path / "Blur It.onnx"))
    assert restorer.id == "blur-it"
    assert restorer.frames == (1, 1)
    assert restorer.tiling == TilingRule(1, 0, "whole")
    image = np.random.default_rng(0).random((31, 17), np.float32)
    made = restore(image, restorer, intensity=UNIT).image
    wanted = torch.nn.functional.conv2d(
        torch.from_numpy(image)[None, None], torch.full((1, 1, 3, 3), 1 / 9), padding=1
    )
    np.testing.assert_allclose(made, wanted[0, 0].numpy(), atol=1e-5)


def test_evaluation_knows_how_many_numbers_a_file_holds(exported, ours):
    from napari_emrestore.pipeline.evaluation.methods import load_method

    wanted = sum(tensor.numel() for tensor in load_network(ours).parameters())
    count = load_method(str(exported), "cpu", "auto", frames=1).parameters
    assert 0.95 * wanted < count < 1.05 * wanted  # equal tensors are kept once, a few constants are added


def test_other_precisions_and_shapes_are_refused(tmp_path):
    path = blur(tmp_path / "blur.onnx")
    with pytest.raises(ValueError, match="precision"):
        load_restorer(path, precision="bf16")
    with pytest.raises(ValueError, match="1 to 1 frames"):
        load_restorer(path).restore_window(np.zeros((2, 8, 8), np.float32))
    with pytest.raises(ModelError):
        load_network(find_card(path))


def test_a_device_that_is_absent_is_refused(tmp_path):
    path = blur(tmp_path / "blur.onnx")
    if "CUDAExecutionProvider" in onnxruntime.get_available_providers():
        pytest.skip("it is there")
    with pytest.raises(DeviceError, match="CPUExecutionProvider"):
        load_restorer(path, device="cuda")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sizes": ("n", 64, 64)}, "64 x 64"),
        ({"outputs": 2}, "took no image"),
        ({"kind": TensorProto.DOUBLE}, "gave|double"),
    ],
)
def test_networks_of_another_shape_are_refused(tmp_path, changes, said):
    with pytest.raises(ModelError, match=said):
        find_card(blur(tmp_path / "blur.onnx", **changes))


def test_weights_in_another_file_are_refused(tmp_path):
    (tmp_path / "secret.bin").write_bytes(bytes(36))

    def outside(kernel):
        kernel.ClearField("float_data")
        kernel.data_location = TensorProto.EXTERNAL
        entry = kernel.external_data.add()
        entry.key, entry.value = "location", "secret.bin"
        return kernel

    with pytest.raises(ModelError, match="another file"):
        find_card(blur(tmp_path / "blur.onnx", weights=outside))


@pytest.mark.parametrize("content", [b"", b"\x00\x01 no model", b"PK\x03\x04"])
def test_a_file_that_is_no_model_is_refused(tmp_path, content):
    (tmp_path / "x.onnx").write_bytes(content)
    with pytest.raises(ModelError, match="A model file must be whole"):
        find_card(tmp_path / "x.onnx")


def test_a_truncated_file_and_a_changed_one_are_refused(tmp_path):
    path = blur(tmp_path / "blur.onnx")
    card = find_card(path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ModelError, match="A model file must be whole"):
        find_card(path)
    with pytest.raises(ModelError, match="SHA-256"):
        load_restorer_of(card)


def load_restorer_of(card):
    from napari_emrestore.models.foreign.opening import open_runner

    return open_runner(card)


def test_a_wrong_card_inside_is_refused(tmp_path):
    path = blur(tmp_path / "blur.onnx")
    model = onnx.load(str(path))
    entry = model.metadata_props.add()
    entry.key, entry.value = "napari_emrestore_card", "id = 3"
    onnx.save(model, str(path))
    with pytest.raises(ModelError, match="model card"):
        find_card(path)


def test_listing_models_opens_no_foreign_file(tmp_path, monkeypatch):
    from napari_emrestore.models import catalogue

    blur(tmp_path / "blur.onnx")
    monkeypatch.setattr(catalogue, "models_folder", lambda: tmp_path)
    assert "blur" not in {card.id for card in catalogue.list_models()}
    assert models_folder() != tmp_path


def test_a_card_written_beside_the_file_is_listed(tmp_path, monkeypatch):
    from napari_emrestore.models import catalogue, write_card

    card = find_card(blur(tmp_path / "blur.onnx"))
    write_card(dataclasses.replace(card, tiling=TilingRule(1, 1, "exact")), tmp_path / "blur.toml")
    monkeypatch.setattr(catalogue, "models_folder", lambda: tmp_path)
    assert load_restorer("blur").tiling == TilingRule(1, 1, "exact")
