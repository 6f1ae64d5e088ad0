"""Backbones from a file with the names of public weights: everything fits, or what does not is named."""

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from napari_emrestore.core import ModelError
from napari_emrestore.models import build_network, file_sha256, load_backbone
from napari_emrestore.models.pretrained import adapt_channels


def colour_weights(part, first, unused):
    """Random weights as a public file has them: three colours, and layers we do not use."""
    generator = torch.Generator().manual_seed(2)
    weights = {
        name: torch.randn(tensor.shape, generator=generator) if tensor.is_floating_point() else tensor
        for name, tensor in part.state_dict().items()
    }
    kernel = weights[first]
    weights[first] = torch.randn((kernel.shape[0], 3, *kernel.shape[2:]), generator=generator)
    return weights | {f"{prefix}weight": torch.zeros(2) for prefix in unused}


@pytest.fixture
def resnet():
    # the quarter width has the names of torchvision's resnet18 at a sixteenth of the size
    return build_network("katsuno_unet", {"width": "quarter"})


@pytest.fixture
def weights(resnet):
    return colour_weights(resnet.encoder, "conv1.weight", ("fc.",))


@pytest.mark.parametrize("prefix", ["", "module.", "module.encoder.", "backbone."])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".npz"])
def test_weights_arrive_with_summed_colours(resnet, weights, tmp_path, prefix, suffix):
    path = tmp_path / f"resnet18{suffix}"
    named = {prefix + name: tensor.contiguous() for name, tensor in weights.items()}
    if suffix == ".safetensors":
        save_file(named, path)
    elif suffix == ".npz":
        np.savez(path, **{name: tensor.numpy() for name, tensor in named.items()})
    else:
        torch.save({"state_dict": named}, path)
    record = load_backbone(resnet, path)
    assert record == {"backbone_file": path.name, "backbone_sha256": file_sha256(path)}
    found = resnet.encoder.state_dict()
    torch.testing.assert_close(found["conv1.weight"], weights["conv1.weight"].sum(1, keepdim=True))
    for name in found:
        if name != "conv1.weight":
            torch.testing.assert_close(found[name], weights[name], rtol=0, atol=0)


def test_the_backbone_of_deblurgan_starts_from_a_file(tmp_path):
    network = build_network("deblurgan_v2", {"pyramid_width": 8, "head_width": 4})
    wanted = network.backbone_file
    part = network.get_submodule(wanted.part)
    weights = colour_weights(part, wanted.first, wanted.unused)
    torch.save(weights, tmp_path / "w.pth")
    load_backbone(network, tmp_path / "w.pth")
    for name, tensor in part.state_dict().items():
        torch.testing.assert_close(tensor, weights[name], rtol=0, atol=0)


def test_both_backbones_have_the_public_names():
    with torch.device("meta"):
        networks = [build_network("deblurgan_v2", {"backbone": b}) for b in ("mobilenet", "inception")]
    shapes = [
        {name: tuple(t.shape) for name, t in net.get_submodule(net.backbone_file.part).state_dict().items()}
        for net in networks
    ]
    assert shapes[0]["features.0.0.weight"] == (32, 3, 3, 3)
    assert shapes[0]["features.1.conv.1.weight"] == (16, 32, 1, 1)
    assert shapes[0]["features.15.conv.2.weight"] == (160, 960, 1, 1)
    assert shapes[1]["conv2d_1a.conv.weight"] == (32, 3, 3, 3)
    assert shapes[1]["mixed_5b.branch3.1.conv.weight"] == (64, 192, 1, 1)
    assert shapes[1]["repeat.9.conv2d.bias"] == (320,)
    assert shapes[1]["repeat_1.19.branch1.2.conv.weight"] == (192, 160, 7, 1)
    assert shapes[1]["mixed_7a.branch2.2.bn.running_var"] == (320,)


def test_counters_may_be_missing_and_nothing_else(resnet, weights, tmp_path):
    path = tmp_path / "w.pth"
    torch.save({n: t for n, t in weights.items() if not n.endswith("num_batches_tracked")}, path)
    load_backbone(resnet, path)
    torch.save({n: t for n, t in weights.items() if n != "layer2.0.downsample.0.weight"}, path)
    before = {name: tensor.clone() for name, tensor in resnet.state_dict().items()}
    with pytest.raises(ModelError, match=r"lacks layer2\.0\.downsample\.0\.weight"):
        load_backbone(resnet, path)
    for name, tensor in resnet.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_other_shapes_and_unknown_names_are_named(resnet, weights, tmp_path):
    weights["bn1.weight"] = torch.zeros(3)
    weights["layer9.weight"] = torch.zeros(3)
    torch.save(weights, tmp_path / "w.pth")
    with pytest.raises(ModelError, match=r"bn1\.weight is \(3,\) for \(16,\); has layer9\.weight"):
        load_backbone(resnet, tmp_path / "w.pth")


def test_no_file_leaves_the_random_start_and_says_so(resnet):
    before = {name: tensor.clone() for name, tensor in resnet.state_dict().items()}
    with pytest.warns(UserWarning, match="random weights"):
        assert load_backbone(resnet, None) == {}
    for name, tensor in resnet.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_a_network_without_a_backbone_is_refused(tmp_path):
    with pytest.raises(ModelError, match="BANet"):
        load_backbone(build_network("banet", {"width": 4, "modules": 1}), tmp_path / "w.pth")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors", ".npz"])
def test_a_damaged_file_is_refused(resnet, tmp_path, suffix, content):
    path = tmp_path / f"w{suffix}"
    path.write_bytes(content)
    with pytest.raises(ModelError):
        load_backbone(resnet, path)


def test_an_archive_of_objects_is_refused(resnet, tmp_path):
    np.savez(tmp_path / "w.npz", a=np.array([{}], object))
    with pytest.raises(ModelError):
        load_backbone(resnet, tmp_path / "w.npz")


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
def test_an_adapted_kernel_answers_a_grey_image_as_before(channels):
    kernel = torch.ones(4, 3, 3, 3, dtype=torch.float64)
    grey = torch.rand(1, 1, 8, 8, dtype=torch.float64)
    given = torch.nn.functional.conv2d(grey.expand(1, 3, 8, 8), kernel)
    made = torch.nn.functional.conv2d(grey.expand(1, channels, 8, 8), adapt_channels(kernel, channels))
    torch.testing.assert_close(made, given)
