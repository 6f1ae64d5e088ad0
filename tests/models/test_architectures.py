"""Networks: parameter counts of the design, shapes, size rule, frame order, duplication, exact halos."""

import numpy as np
import pytest
import torch

from napari_emrestore.models.architectures.burst_naf.build import build as build_naf
from napari_emrestore.models.architectures.katsuno_unet.build import build as build_katsuno


def count(network):
    return sum(p.numel() for p in network.parameters())


def awaken(network, seed=0):
    """Give every weight a random value, so that no branch is switched off by its zero start."""
    generator = torch.Generator().manual_seed(seed)
    for name, p in network.named_parameters():
        if p.ndim == 1:
            p.data += 0.1 * torch.randn(p.shape, generator=generator)
        else:
            residual = name.endswith(("beta", "gamma"))
            p.data = torch.randn(p.shape, generator=generator) * (
                0.5 if residual else (2 / p[0].numel()) ** 0.5
            )
    return network.double().eval().requires_grad_(False)


@pytest.mark.parametrize(("width", "parameters"), [(16, 439_652), (24, 974_932), (32, 1_720_516)])
def test_burst_naf_has_the_designed_size(width, parameters):
    assert count(build_naf(width=width)) == parameters


@pytest.mark.parametrize(
    ("width", "parameters"), [("full", 14_321_937), ("half", 3_584_201), ("quarter", 903_321)]
)
def test_katsuno_unet_has_the_published_size(width, parameters):
    assert count(build_katsuno(width)) == parameters


def test_katsuno_encoder_has_the_key_names_of_torchvision():
    keys = {
        k.removeprefix("encoder.") for k in build_katsuno("full").state_dict() if k.startswith("encoder.")
    }
    assert len(keys) == 122 - 2  # all but the classifier's weight and bias
    assert {"conv1.weight", "bn1.running_mean", "layer2.0.downsample.1.bias", "layer4.1.conv2.weight"} <= keys


@pytest.mark.parametrize("frames", [1, 2, 5, 8])
@pytest.mark.parametrize("shape", [(16, 16), (32, 48)])
def test_burst_naf_takes_any_number_of_frames(frames, shape):
    assert build_naf(width=8)(torch.rand(2, frames, *shape)).shape == (2, *shape)


@pytest.mark.parametrize("shape", [(32, 32), (64, 96)])
def test_katsuno_unet_keeps_the_shape(shape):
    assert build_katsuno("quarter").eval()(torch.rand(2, 1, *shape)).shape == (2, *shape)


def test_an_untrained_burst_naf_is_near_the_frame_mean():
    frames = torch.rand(1, 4, 32, 32)
    network = build_naf(width=8)
    network.exit.weight.data.zero_()
    network.exit.bias.data.zero_()
    torch.testing.assert_close(network(frames), frames.mean(1))


def test_burst_naf_ignores_the_order_of_frames_and_repeated_bursts():
    network = awaken(build_naf(width=8))
    frames = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    output = network(frames)
    assert output.std() > 0.1
    torch.testing.assert_close(network(frames[:, [2, 0, 1]]), output, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(network(torch.cat([frames, frames], 1)), output, rtol=1e-9, atol=1e-9)


def test_every_frame_gets_a_gradient():
    frames = torch.rand(1, 4, 32, 32, dtype=torch.float64, requires_grad=True)
    awaken(build_naf(width=8))(frames).square().sum().backward()
    assert (frames.grad.abs().sum((0, 2, 3)) > 0).all()


@pytest.mark.parametrize(
    ("network", "stride", "halo"), [(build_naf(width=4), 16, 400), (build_katsuno("quarter"), 32, 320)]
)
def test_nothing_beyond_the_halo_reaches_a_core(network, stride, halo):
    """The exact halo of the design: what changes outside of it does not change the core."""
    network = awaken(network)
    rng = np.random.default_rng(0)
    size = 2 * halo + stride
    image = torch.from_numpy(rng.random((1, 1, stride, size + 2 * stride)))
    changed = image.clone()
    changed[..., :stride] += 5.0
    changed[..., -stride:] -= 5.0
    core = slice(stride + halo, stride + halo + stride)
    torch.testing.assert_close(network(changed)[..., core], network(image)[..., core], rtol=1e-10, atol=1e-10)
    assert (network(changed) - network(image)).abs().max() > 1e-2 * network(image).std()


def test_a_network_that_is_told_the_noise_listens():
    network = awaken(build_naf(width=4, noise_input=True))
    frames = torch.rand(1, 2, 32, 48, dtype=torch.float64)
    quiet, loud = (torch.tensor([[s, 1e-4]], dtype=torch.float64) for s in (1e-4, 1e-1))
    assert (network(frames, quiet) - network(frames, loud)).abs().max() > 1e-3
    torch.testing.assert_close(network(frames), network(frames, torch.zeros(1, 2, dtype=torch.float64)))
