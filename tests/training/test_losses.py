"""Losses: known values, the metrics package as oracle for SSIM, zero for equal images."""

import numpy as np
import pytest
import torch

from napari_emrestore.metrics import ssim
from napari_emrestore.training.losses import (
    LOSSES,
    burst,
    charbonnier,
    charbonnier_fft,
    gradient,
    huber_mse,
    l1,
    over_scales,
    rmse_ssim,
)


@pytest.mark.parametrize("name", LOSSES)
def test_equal_images_cost_nothing_and_gradients_flow(name):
    truth = torch.rand(2, 24, 31, generator=torch.Generator().manual_seed(0))
    assert LOSSES[name](truth, truth).tolist() == pytest.approx([0.0, 0.0], abs=2e-3)
    output = (truth + 0.1 * torch.rand(2, 24, 31)).requires_grad_()
    LOSSES[name](output, truth).sum().backward()
    assert torch.isfinite(output.grad).all()
    assert output.grad.abs().sum() > 0


def test_the_ssim_loss_is_one_minus_the_metric():
    rng = np.random.default_rng(1)
    truth = rng.random((40, 33)).astype(np.float32)
    image = np.clip(truth + rng.normal(0, 0.1, truth.shape), 0, 1).astype(np.float32)
    loss = LOSSES["ssim"](torch.from_numpy(image)[None], torch.from_numpy(truth)[None]).item()
    assert loss == pytest.approx(1 - ssim(image, truth, data_range=1.0), abs=1e-5)


def test_the_burst_loss_of_a_ramp_is_its_unnormalised_slope():
    ramp = torch.arange(10.0).repeat(8, 1)[None] * 0.1
    flat = torch.zeros_like(ramp)
    # the Prewitt difference over two pixels, three rows: 3 * 2 * 0.1 along x, nothing along y
    expected = 0.1 * l1(ramp, flat).item() + 0.5 * 0.6
    assert burst(ramp, flat).item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", LOSSES)
def test_each_sample_has_its_own_loss(name):
    generator = torch.Generator().manual_seed(1)
    truth, output = torch.rand(2, 24, 31, generator=generator), torch.rand(2, 24, 31, generator=generator)
    both = LOSSES[name](output, truth)
    assert both.shape == (2,)
    assert both[1].item() == pytest.approx(LOSSES[name](output[1:], truth[1:]).item(), rel=1e-5)


def test_huber_mse_is_the_root_of_a_large_error_and_leaves_a_small_one():
    truth = torch.zeros(3, 4, 5)
    output = torch.stack([torch.full((4, 5), level) for level in (0.01, 1000**-0.5, 0.2)])
    # 1000 x 0.01² = 0.1; exactly 1; 1000 x 0.04 = 40, of which the root
    torch.testing.assert_close(huber_mse(output, truth), torch.tensor([0.1, 1.0, 40**0.5]))


def test_charbonnier_of_a_constant_difference():
    output, truth = torch.full((1, 6, 6), 0.003), torch.zeros(1, 6, 6)
    assert charbonnier(output, truth, 0.004).item() == pytest.approx(0.005)


def test_the_spectrum_of_one_differing_pixel_is_flat():
    truth = torch.zeros(1, 4, 6)
    output = truth.clone()
    output[0, 0, 0] = 0.5  # its spectrum is 0.5 everywhere, real: the mean over both parts is 0.25
    expected = charbonnier(output, truth).item() + 0.01 * 0.25
    assert charbonnier_fft(output, truth).item() == pytest.approx(expected, rel=1e-5)


def test_a_loss_over_scales_compares_area_means():
    truth = torch.rand(2, 8, 12)
    half = torch.nn.functional.avg_pool2d(truth[:, None], 2)[:, 0]
    # off by 0.3 at half size and by 0.1 at full size
    value = over_scales([half + 0.3, truth + 0.1], truth, l1)
    assert value.tolist() == pytest.approx([0.4, 0.4], rel=1e-5)


def test_a_normalised_gradient_is_a_sixth():
    output, truth = torch.rand(2, 9, 8), torch.rand(2, 9, 8)
    torch.testing.assert_close(6 * gradient(output, truth, normalised=True), gradient(output, truth))


def test_the_mixed_ssim_loss_notices_a_shifted_mean():
    truth = 0.3 + 0.4 * torch.rand(1, 32, 32, generator=torch.Generator().manual_seed(0))
    difference = LOSSES["ssim_l1"](truth + 0.1, truth) - 0.84 * LOSSES["ssim"](truth + 0.1, truth)
    assert difference.item() == pytest.approx(0.16 * 0.1, rel=1e-4)


def test_squares_ask_for_the_mean_and_absolutes_for_the_median() -> None:
    seen = torch.tensor([0.0, 0.0, 0.0, 0.0, 1.0]).repeat(1, 20, 20)  # median 0, mean 0.2
    asked = {
        name: min((value / 20 for value in range(21)), key=lambda v: _away(name, seen, v))
        for name in ("l1", "rmse")
    }
    assert asked == {"l1": 0.0, "rmse": pytest.approx(0.2)}


def _away(name: str, seen: torch.Tensor, value: float) -> float:
    answer = torch.full_like(seen, value)
    found = rmse_ssim(answer, seen, ssim_weight=0.0) if name == "rmse" else LOSSES[name](answer, seen)
    return found.item()
