"""Adversarial losses against values worked out by hand."""

import pytest
import torch

from napari_emrestore.training.adversarial import (
    lsgan_judge,
    lsgan_maker,
    relativistic_judge,
    relativistic_maker,
    unsupervised_maker,
)


def ratings(*levels):
    return torch.stack([torch.full((2, 3), level) for level in levels])


def test_least_squares_by_hand():
    real, made = ratings(1.0, 0.5), ratings(0.0, 0.25)
    assert lsgan_judge(real, made).tolist() == pytest.approx([0.0, 0.5 * (0.25 + 0.0625)])
    assert lsgan_maker(made).tolist() == pytest.approx([1.0, 0.5625])


def test_relativistic_by_hand():
    real, made = ratings(2.0, 0.0), ratings(-1.0, 0.0)
    # means: real 1, made -0.5; ((2 + 0.5 - 1)² + (-1 - 1 + 1)²) / 2 and ((0 + 0.5 - 1)² + (0 - 1 + 1)²) / 2
    assert relativistic_judge(real, made).tolist() == pytest.approx([(2.25 + 1.0) / 2, 0.25 / 2])
    # maker: ((-1 - 1 - 1)² + (2 + 0.5 + 1)²) / 2 and ((0 - 1 - 1)² + (0 + 0.5 + 1)²) / 2
    assert relativistic_maker(real, made).tolist() == pytest.approx([(9 + 12.25) / 2, (4 + 2.25) / 2])


def test_the_unsupervised_term_pulls_one_way():
    supervised, unsupervised = (ratings(level).requires_grad_() for level in (0.75, 0.25))
    loss = unsupervised_maker(supervised, unsupervised)
    assert loss.tolist() == pytest.approx([0.25])
    loss.sum().backward()
    assert supervised.grad is None
    assert (unsupervised.grad < 0).all()  # its rating is to rise
