"""Networks: parameter counts of the design, shapes, size rule, frame order, duplication, exact halos."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

from napari_emrestore.models import build_network, bundled_cards_folder, read_card
from napari_emrestore.models.architectures import ARCHITECTURES
from napari_emrestore.models.architectures.burst_naf.build import build as build_naf
from napari_emrestore.models.architectures.deblurgan_v2.discriminators import build_discriminators
from napari_emrestore.models.architectures.katsuno_unet.build import build as build_katsuno
from napari_emrestore.models.architectures.sgpn.discriminator import build_discriminator
from napari_emrestore.models.architectures.sgpn.net import grid_nodes


def narrow_networks():
    path = Path(__file__).parent / "small_networks.py"
    spec = importlib.util.spec_from_file_location("emrestore_small_networks", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


SMALL = narrow_networks()
CARDS = {card.id: card for card in map(read_card, sorted(bundled_cards_folder().glob("*.toml")))}
EXACT = [name for name in SMALL.NARROW if CARDS[name].tiling.mode == "exact"]
INEXACT = [name for name in SMALL.NARROW if CARDS[name].tiling.mode != "exact"]
ANY_FRAMES = ["bdu-t", "bdu-uc", "bdu-uc-small", "bu", "burst-naf"]
MAXIMUM_ONLY = ["bdu-t", "bdu-uc", "bdu-uc-small", "bu"]


def narrow(name):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return build_network(CARDS[name].architecture, SMALL.NARROW[name])


def count(network):
    return sum(p.numel() for p in network.parameters())


def count_of(architecture, **parameters):
    with torch.device("meta"):
        return count(build_network(architecture, parameters))


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


@pytest.mark.parametrize(
    ("architecture", "parameters", "published"),
    [
        ("burst_naf", {"width": 16}, 439_652),
        ("burst_naf", {"width": 24}, 974_932),
        ("burst_naf", {"width": 32}, 1_720_516),
        ("katsuno_unet", {"width": "full"}, 14_321_937),
        ("katsuno_unet", {"width": "half"}, 3_584_201),
        ("katsuno_unet", {"width": "quarter"}, 903_321),
        ("burst_unet", {}, 16_221_633),
        ("burst_unet", {"width": 16}, 1_016_817),
        ("burst_unet", {"pools_in_decoder": False}, 15_888_833),
        ("dense_burst_unet", {}, 1_216_225),
        ("dense_burst_unet", {"growth": 16}, 1_954_945),
        ("dense_burst_unet", {"growth": 16, "upsampling": "transposed"}, 1_954_945),
        ("dense_burst_unet", {"growth": 8, "first_width": 16, "levels": 3, "head_width": 16}, 288_465),
        ("deblurgan_v2", {}, 2_106_049),
        ("deblurgan_v2", {"backbone": "inception"}, 35_838_945),
        ("sgpn", {}, 19_325_057),
        ("sgpn", {"grid": "newest"}, 19_325_057),
        ("sgpn", {"grid": "diagonal"}, 18_956_417),
        ("sgpn", {"width": "small"}, 1_470_769),
        ("ede_xception", {"ends_in_relu6": True}, 25_405_637),
        ("ede_xception", {"ends_in_relu6": True, "width": "quarter", "middle_blocks": 4}, 817_235),
        ("deep_deblur", {}, 11_694_099),
        ("srn", {}, 8_056_609),
        ("srn", {"remembers": False}, 6_876_449),
        ("banet", {}, 17_986_241),
    ],
)
def test_a_network_has_the_designed_size(architecture, parameters, published):
    assert count_of(architecture, **parameters) == published


def test_the_discriminators_have_the_designed_sizes():
    with torch.device("meta"):
        judges = [*build_discriminators(), build_discriminator()]
    assert [count(judge) for judge in judges] == [2_762_689, 11_152_321, 2_764_609]


def test_every_architecture_has_a_card_and_a_narrow_form():
    assert {card.architecture for card in CARDS.values()} == set(ARCHITECTURES)
    assert {CARDS[name].architecture for name in SMALL.NARROW} == set(ARCHITECTURES)


@pytest.mark.parametrize("judge", [*build_discriminators(), build_discriminator()])
def test_a_discriminator_rates_patches(judge):
    ratings = judge.eval()(torch.rand(2, 128, 144))
    assert ratings.ndim == 3
    assert ratings.shape[0] == 2
    assert ratings.shape[2] >= ratings.shape[1] >= 2


def test_katsuno_encoder_has_the_key_names_of_torchvision():
    keys = {
        k.removeprefix("encoder.") for k in build_katsuno("full").state_dict() if k.startswith("encoder.")
    }
    assert len(keys) == 122 - 2  # all but the classifier's weight and bias
    assert {"conv1.weight", "bn1.running_mean", "layer2.0.downsample.1.bias", "layer4.1.conv2.weight"} <= keys


def test_katsuno_unet_takes_the_grey_statistics_off_when_asked_to():
    network = awaken(build_katsuno("quarter", imagenet_statistics=True))
    frames = torch.rand(1, 1, 32, 32, dtype=torch.float64)
    network.imagenet_statistics = False
    plain = network((frames - 0.449) / 0.226)
    network.imagenet_statistics = True
    torch.testing.assert_close(network(frames), plain)


@pytest.mark.parametrize("name", SMALL.NARROW)
@pytest.mark.parametrize("shape", [(1, 1), (2, 3)])
def test_sides_that_are_multiples_of_the_stride_are_kept(name, shape):
    card = CARDS[name]
    size = [n * card.tiling.stride for n in shape]
    for frames in {card.trained.frames[0], card.trained.frames[1]}:
        made = narrow(name).eval()(torch.rand(2, frames, *size))
        assert made.shape == (2, *size)
        assert torch.isfinite(made).all()


def test_inception_takes_images_smaller_than_its_rims_allow():
    network = build_network("deblurgan_v2", {"backbone": "inception", "pyramid_width": 8, "head_width": 4})
    assert network.eval()(torch.rand(1, 3, 32, 160)).shape == (1, 32, 160)


@pytest.mark.parametrize("name", ANY_FRAMES)
def test_burst_networks_take_any_number_of_frames(name):
    network = narrow(name).eval()
    for frames in (1, 2, 8):
        assert network(torch.rand(1, frames, 32, 48)).shape == (1, 32, 48)


def test_an_untrained_burst_naf_is_near_the_frame_mean():
    frames = torch.rand(1, 4, 32, 32)
    network = build_naf(width=8)
    network.exit.weight.data.zero_()
    network.exit.bias.data.zero_()
    torch.testing.assert_close(network(frames), frames.mean(1))


@pytest.mark.parametrize("name", ANY_FRAMES)
def test_the_order_of_frames_and_repeated_bursts_are_ignored(name):
    network = awaken(narrow(name))
    frames = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    output = network(frames)
    assert output.std() > 1e-3
    torch.testing.assert_close(network(frames[:, [2, 0, 1]]), output, rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(network(torch.cat([frames, frames], 1)), output, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", MAXIMUM_ONLY)
def test_one_repeated_frame_changes_nothing_where_only_the_maximum_meets(name):
    network = awaken(narrow(name))
    frames = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(network(frames[:, [0, 1, 2, 1, 1]]), network(frames), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", [*ANY_FRAMES, "deblurgan-v2"])
def test_every_frame_gets_a_gradient(name):
    frames = torch.rand(1, 3, 32, 32, dtype=torch.float64, requires_grad=True)
    awaken(narrow(name))(frames).square().sum().backward()
    assert (frames.grad.abs().sum((0, 2, 3)) > 0).all()


def test_deblurgan_starts_from_the_centre_frame_or_the_mean():
    frames = torch.rand(1, 3, 32, 32)
    for start, expected in (("centre", frames[:, 1]), ("mean", frames.mean(1))):
        network = build_network("deblurgan_v2", {"start": start, "pyramid_width": 8, "head_width": 4})
        network.exit.weight.data.zero_()
        network.exit.bias.data.zero_()
        torch.testing.assert_close(network.eval()(frames), expected)


def test_the_grid_has_ten_fusions_and_each_finds_its_sources():
    network = build_network("sgpn", {"width": "tiny"})
    known = {(row, 1) for row in range(5)}
    for node in grid_nodes():
        assert set(network.sources(*node)) <= known
        known.add(node)
    assert len(grid_nodes()) == 10
    assert network.sources(0, 5) == [(1, 4), (2, 3)]
    assert network.sources(3, 2) == [(4, 1)]


@pytest.mark.parametrize("architecture", ["deep_deblur", "srn"])
def test_coarse_to_fine_networks_give_all_three_scales(architecture):
    frames = torch.rand(1, 1, 32, 48)
    network = build_network(architecture, {"width": 2})
    scales = network.forward_scales(frames)
    assert [tuple(image.shape[1:]) for image in scales] == [(8, 12), (16, 24), (32, 48)]
    torch.testing.assert_close(network(frames), scales[-1])


def strip_pair(halo, stride, frames):
    """Return two strips that differ only further than `halo` from a core, and the core."""
    rng = np.random.default_rng(0)
    image = torch.from_numpy(rng.random((1, frames, stride, 2 * halo + 3 * stride)))
    changed = image.clone()
    changed[..., :stride] += 5.0
    changed[..., -stride:] -= 5.0
    return image, changed, slice(stride + halo, 2 * stride + halo)


@pytest.mark.parametrize("name", EXACT)
def test_nothing_beyond_the_halo_reaches_a_core(name):
    """The exact halo of the design: what changes outside of it does not change the core."""
    rule, frames = CARDS[name].tiling, CARDS[name].trained.frames[0]
    network = awaken(narrow(name))
    image, changed, core = strip_pair(SMALL.HALO_PX.get(name, rule.halo), rule.stride, frames)
    before, after = network(image), network(changed)
    torch.testing.assert_close(after[..., core], before[..., core], rtol=1e-10, atol=1e-10)
    assert (after - before).abs().max() > 1e-2 * before.std()


@pytest.mark.parametrize("name", INEXACT)
def test_networks_whose_cards_claim_no_exact_tiles_look_at_the_whole_image(name):
    rule, frames = CARDS[name].tiling, CARDS[name].trained.frames[0]
    image, changed, core = strip_pair(max(2 * rule.halo, 128), rule.stride, frames)
    network = awaken(narrow(name))
    difference = (network(changed) - network(image))[..., core]
    assert difference.abs().max() > 1e-6


@pytest.mark.parametrize("name", SMALL.NARROW)
def test_a_state_dict_goes_round(name):
    network, other = awaken(narrow(name)), narrow(name).double().eval()
    frames = torch.rand(1, CARDS[name].trained.frames[0], 32, 64, dtype=torch.float64)
    assert not torch.equal(other(frames), network(frames))
    other.load_state_dict(network.state_dict())
    assert torch.equal(other(frames), network(frames))


@pytest.mark.parametrize("name", SMALL.NARROW)
def test_every_weight_learns(name):
    network = narrow(name).train()
    frames = torch.rand(2, CARDS[name].trained.frames[0], 64, 64)
    network(frames).square().mean().backward()
    assert [key for key, p in network.named_parameters() if p.grad is None] == []


def test_a_network_that_is_told_the_noise_listens():
    network = awaken(build_naf(width=4, noise_input=True))
    frames = torch.rand(1, 2, 32, 48, dtype=torch.float64)
    quiet, loud = (torch.tensor([[s, 1e-4]], dtype=torch.float64) for s in (1e-4, 1e-1))
    assert (network(frames, quiet) - network(frames, loud)).abs().max() > 1e-3
    torch.testing.assert_close(network(frames), network(frames, torch.zeros(1, 2, dtype=torch.float64)))


@pytest.mark.parametrize(
    ("architecture", "parameters"),
    [
        ("sgpn", {"grid": "square"}),
        ("deblurgan_v2", {"backbone": "vgg"}),
        ("deblurgan_v2", {"start": "last"}),
        ("dense_burst_unet", {"upsampling": "cubic"}),
        ("ede_xception", {"width": "huge"}),
    ],
)
def test_an_unknown_choice_is_refused(architecture, parameters):
    from napari_emrestore.core import ModelError

    with pytest.raises(ModelError, match="its own parameters"):
        build_network(architecture, parameters)


def test_a_bu_that_predicts_nothing_returns_the_frame_mean_where_it_is_to_add_it():
    network = build_network("burst_unet", {"width": 4, "adds_frame_mean": True}).eval()
    for parameter in network.exit[-1].parameters():
        torch.nn.init.zeros_(parameter)
    frames = torch.rand(2, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(network(frames), frames.mean(1))
