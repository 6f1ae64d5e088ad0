"""Fresh statistics: asked for, a thing of its own, put in and taken out again."""

import numpy as np
import pytest
import torch

from napari_emrestore.core import InputError, ModelError
from napari_emrestore.models import build_network, current_statistics, recalibrated, use_statistics


@pytest.fixture
def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return build_network("burst_unet", {"width": 4}).eval().requires_grad_(False)


def frames(shape=(3, 96, 80), level=3.0, seed=0):
    return np.random.default_rng(seed).normal(level, 0.5, shape).astype(np.float32)


def rng():
    return np.random.default_rng(7)


def state(network):
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def equal(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_gathering_leaves_the_network_as_it_was(network):
    before, modes = state(network), [layer.training for layer in network.modules()]
    momenta = [getattr(layer, "momentum", None) for layer in network.modules()]
    recalibrated(network, frames(), rng=rng(), crop_px=32, passes=3, stride_px=16)
    assert equal(state(network), before)
    assert [layer.training for layer in network.modules()] == modes
    assert [getattr(layer, "momentum", None) for layer in network.modules()] == momenta


def test_the_first_layer_gets_the_mean_and_variance_of_what_reaches_it(network):
    given = frames()
    made = recalibrated(network, given, rng=rng(), crop_px=80, passes=4, stride_px=16)
    entry = torch.nn.functional.elu(network.entry.conv(torch.from_numpy(given)[:, None]))
    # crops of 80 px from 96 x 80: nearly the whole image each time
    found = made.tensors["entry.norm.running_mean"]
    torch.testing.assert_close(found, entry.mean((0, 2, 3)), rtol=0.02, atol=0.01)
    torch.testing.assert_close(
        made.tensors["entry.norm.running_var"], entry.var((0, 2, 3)), rtol=0.05, atol=0.01
    )


def test_statistics_change_the_output_and_are_undone(network):
    window = torch.from_numpy(frames((3, 32, 32)))[None]
    before = network(window)
    fresh = recalibrated(network, frames(), rng=rng(), crop_px=32, stride_px=16)
    assert fresh.passes == 20
    former = use_statistics(network, fresh)
    assert not torch.allclose(network(window), before)
    use_statistics(network, former)
    assert torch.equal(network(window), before)


def test_the_same_crops_give_the_same_statistics(network):
    one, two = (
        recalibrated(network, frames(), rng=rng(), crop_px=32, passes=3, stride_px=16) for _ in range(2)
    )
    assert equal(one.tensors, two.tensors)


def test_one_image_suffices(network):
    made = recalibrated(network, frames((1, 40, 40)), rng=rng(), stride_px=16, passes=2)
    assert all(torch.isfinite(tensor).all() for tensor in made.tensors.values())


@pytest.mark.parametrize("shape", [(96, 80), (3, 31, 80)])
def test_frames_that_do_not_fit_are_refused(network, shape):
    with pytest.raises(InputError):
        recalibrated(network, frames(shape), rng=rng(), stride_px=16)


def test_missing_pixels_and_no_pass_are_refused(network):
    given = frames()
    with pytest.raises(InputError, match="0 passes"):
        recalibrated(network, given, rng=rng(), passes=0)
    given[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="complete"):
        recalibrated(network, given, rng=rng())


def test_a_network_without_batch_normalisation_is_refused():
    network = build_network("burst_naf", {"width": 4})
    with pytest.raises(ModelError, match="BurstNAF has none"):
        current_statistics(network)


def test_statistics_of_another_network_are_refused(network):
    other = build_network("burst_unet", {"width": 6})
    before = state(network)
    with pytest.raises(ModelError, match="others came"):
        use_statistics(network, current_statistics(other))
    assert equal(state(network), before)
