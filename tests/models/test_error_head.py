"""The head that tells the expected error: it changes nothing else and looks no further than its network."""

import pytest
import torch

from napari_emrestore.core import ModelError
from napari_emrestore.models import build_network

SMALL = {"width": 4, "encoder_blocks": (1,), "middle_blocks": 1, "decoder_blocks": (1,)}


def built(**more):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        network = build_network("burst_naf", {**SMALL, **more}).eval().requires_grad_(False)
        for parameter in network.parameters():
            parameter += 0.1 * torch.randn(parameter.shape)
    return network


@pytest.fixture
def frames():
    return torch.rand(2, 3, 24, 32, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("noise_input", [False, True])
def test_the_restoration_is_the_same_bit_for_bit(frames, noise_input):
    plain = built(noise_input=noise_input)
    network = built(noise_input=noise_input, error_head=True)
    missing, unexpected = network.load_state_dict(plain.state_dict(), strict=False)
    assert unexpected == []
    assert {name.partition(".")[0] for name in missing} == {"error_head"}
    noise = torch.tensor([[0.01, 0.0], [0.0, 0.02]])
    restored, log_variance = network.forward_with_error(frames, noise)
    assert torch.equal(network(frames, noise), plain(frames, noise))
    assert torch.equal(restored, plain(frames, noise))
    assert log_variance.shape == restored.shape


def test_a_network_without_the_head_says_so(frames):
    with pytest.raises(ModelError, match="error head"):
        built().forward_with_error(frames)


def test_an_untrained_head_tells_one_usual_error(frames):
    with torch.random.fork_rng(devices=[]):
        network = build_network("burst_naf", {**SMALL, "error_head": True})
    told = torch.exp(0.5 * network.forward_with_error(frames)[1])
    assert torch.allclose(told, torch.full_like(told, 0.05))


def test_the_head_sees_no_pixel_that_the_restoration_does_not():
    """So the tiling rule that is exact for the image is exact for its expected error."""
    network = built(noise_input=True, error_head=True).double()
    image = torch.rand(1, 1, 96, 96, generator=torch.Generator().manual_seed(1)).double().requires_grad_(True)
    reached = []
    for told in network.forward_with_error(image, torch.tensor([[0.1, 0.0]]).double()):
        (slope,) = torch.autograd.grad(told[0, 48:50, 48:50].sum(), image, retain_graph=True)
        reached.append(slope[0, 0] != 0)
    assert reached[1].sum() > 100
    assert not (reached[1] & ~reached[0]).any()
    assert not reached[0].all()


def test_frames_in_any_order_tell_the_same(frames):
    network = built(noise_input=True, error_head=True)
    noise = torch.tensor([[0.01, 0.0]]).expand(2, 2)
    turned = network.forward_with_error(frames.flip(1), noise)[1]
    torch.testing.assert_close(turned, network.forward_with_error(frames, noise)[1])
