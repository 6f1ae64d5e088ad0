"""Losses between a restorer and a discriminator: ratings ``(B, y, x)`` in, one value per sample out.

``judge`` functions train the discriminator, ``maker`` functions the restorer. Least squares: real images are
to be rated 1, restored ones 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def lsgan_judge(real: Tensor, made: Tensor) -> Tensor:
    """Return half the squared distances of `real` to 1 and of `made` to 0 (Mao 2017).

    DOI 10.1109/ICCV.2017.304.
    """
    return 0.5 * (_square(real - 1) + _square(made))


def lsgan_maker(made: Tensor) -> Tensor:
    """Return the squared distance of `made` to 1."""
    return _square(made - 1)


def unsupervised_maker(supervised: Tensor, unsupervised: Tensor) -> Tensor:
    """Return the squared distance between the ratings of two restorations (Cheng 2023).

    Draws restorations without ground truth to the rating of those with one, not the reverse: no gradient
    reaches `supervised`. DOI 10.1155/2023/8936903.
    """
    return _square(supervised.detach() - unsupervised)


def relativistic_judge(real: Tensor, made: Tensor) -> Tensor:
    """Return half the squared distances of "real rather than made" to 1 and of the reverse to -1.

    Each rating is compared with the batch's mean of the other kind (Jolicoeur-Martineau 2019,
    arXiv:1807.00734); the loss of DeblurGAN-v2.
    """
    return 0.5 * (_square(real - made.mean() - 1) + _square(made - real.mean() + 1))


def relativistic_maker(real: Tensor, made: Tensor) -> Tensor:
    """Return `relativistic_judge` with the parts of real and made images exchanged."""
    return relativistic_judge(made, real)


def _square(ratings: Tensor) -> Tensor:
    return (ratings**2).mean((1, 2))
