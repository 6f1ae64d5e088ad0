"""The experiments: which networks are trained on what, tested on what, and what their papers found.

Wieslander et al. 2021, DOI 10.1371/journal.pone.0246336; Cheng et al. 2023, DOI 10.1155/2023/8936903.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from napari_emrestore.training.recipe import Recipe

    Change = Callable[[Recipe], Recipe]
    # (PSNR in dB, SSIM) by test domain
    Figures = Mapping[str, tuple[float, float]]

_STREAM = ("kidney", "grid")
_BURST_ARMS = (
    ("BU", "bu-quarter"),
    ("BDU+T", "bdu-t-small"),
    ("BDU+UC", "bdu-uc-small"),
    ("BDU+UC+SSIM", "bdu-uc-ssim-small"),
)
_BEST_BURST = "bdu-uc-ssim-small"
_SEM_ARMS = (
    ("DeepDeblur", "deep-deblur-small"),
    ("SRN", "srn-small"),
    ("BANet", "banet-small"),
    ("SGPN", "sgpn-small"),
)
_SHARES = (5, 10, 20, 50)

MAIN_SEQUENCE = 3
# what the papers give for frames of their main test that nothing restored
UNRESTORED: Figures = {
    "kidney": (29.29, 0.77),
    "grid": (21.58, 0.56),
    "sem-1": (14.86, 0.160),
    "sem-2": (13.97, 0.228),
}


def unchanged(recipe: Recipe) -> Recipe:
    """Return the recipe as it is."""
    return recipe


@dataclass(frozen=True, slots=True)
class Arm:
    """One training and its tests: a row of the table for each test.

    Attributes
    ----------
    label : str
        First column.
    recipe : str
        A short recipe of the package; its ``full_recipe`` is taken for the full run.
    train, test : tuple of str
        Names in `domains.DOMAINS`.
    held_out : int
        The sequence that is tested; the others are trained on.
    share : float
        Share of the training scenes that keep their ground truth.
    change : callable
        What the arm changes in the recipe.
    paper : mapping of str to tuple of float
        PSNR in dB and SSIM that the paper gives, by test.
    """

    label: str
    recipe: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    held_out: int = MAIN_SEQUENCE
    share: float = 1.0
    change: Change = unchanged
    paper: Figures = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Experiment:
    """A table of a paper.

    Attributes
    ----------
    title, source : str
        What is compared, and the table it repeats.
    arms : tuple of Arm
        Its trainings.
    comparisons : tuple of tuple of str
        Labels of two rows whose order is to be looked at, the paper's better one first as a rule.
    recalibrates : bool
        Add a row with fresh batch statistics where a network is tested on what it was not trained on.
    note : str
        What to keep in mind while reading.
    """

    title: str
    source: str
    arms: tuple[Arm, ...]
    comparisons: tuple[tuple[str, str], ...] = ()
    recalibrates: bool = False
    note: str = ""


def _ablation() -> tuple[Arm, ...]:
    found = {
        "BU": ((31.98, 0.85), (28.23, 0.89)),
        "BDU+T": ((32.65, 0.86), (29.22, 0.90)),
        "BDU+UC": ((33.22, 0.85), (28.92, 0.90)),
        "BDU+UC+SSIM": ((33.17, 0.87), (29.10, 0.90)),
    }
    return tuple(
        Arm(
            label,
            recipe,
            (domain,),
            (domain,),
            change=_from_frame_mean if label == "BU" else unchanged,
            paper={domain: found[label][n]},
        )
        for label, recipe in _BURST_ARMS
        for n, domain in enumerate(_STREAM)
    )


def _from_frame_mean(recipe: Recipe) -> Recipe:
    """Let a reduced BU start where the reduced dense networks start, lest the table compare starts."""
    if not recipe.full_recipe:
        return recipe
    return replace(recipe, parameters={**recipe.parameters, "adds_frame_mean": True})


def _cross() -> tuple[Arm, ...]:
    found: dict[tuple[str, ...], Figures] = {
        ("kidney",): {"kidney": (33.17, 0.87), "grid": (25.04, 0.77)},
        ("grid",): {"kidney": (31.39, 0.83), "grid": (29.10, 0.90)},
        _STREAM: {"kidney": (31.48, 0.85), "grid": (28.04, 0.88)},
    }
    return tuple(
        Arm(f"trained on {' and '.join(train)}", _BEST_BURST, train, _STREAM, paper=paper)
        for train, paper in found.items()
    )


def _splits() -> tuple[Arm, ...]:
    found = {
        "kidney": ((31.26, 0.87), (32.53, 0.83), (33.17, 0.87), (33.68, 0.86)),
        "grid": ((28.16, 0.88), (29.10, 0.90), (28.16, 0.88), (28.26, 0.88)),
    }
    return tuple(
        Arm(f"sequence {n} held out", _BEST_BURST, (domain,), (domain,), n, paper={domain: figures})
        for domain in _STREAM
        for n, figures in enumerate(found[domain], 1)
    )


def _shares() -> tuple[Arm, ...]:
    found = {
        "DeepDeblur": ((16.21, 0.258), (16.35, 0.269), (16.51, 0.272), (16.92, 0.286)),
        "SRN": ((16.37, 0.276), (16.49, 0.281), (16.58, 0.288), (17.01, 0.297)),
        "BANet": ((16.53, 0.287), (16.62, 0.298), (16.67, 0.317), (17.14, 0.339)),
        "SGPN": ((16.48, 0.291), (16.59, 0.304), (16.62, 0.335), (17.35, 0.346)),
    }
    return tuple(
        Arm(
            f"{label}, {share} %",
            recipe,
            ("sem-1",),
            ("sem-1",),
            share=share / 100,
            paper={"sem-1": found[label][n]},
        )
        for label, recipe in _SEM_ARMS
        for n, share in enumerate(_SHARES)
    )


def _without(*, features: bool, augmented: bool, unlabelled: bool) -> Change:
    """Return the change that takes terms out of SGPN's recipe, whose judge speaks from the first step."""

    def change(recipe: Recipe) -> Recipe:
        adversary = recipe.adversary
        return replace(
            recipe,
            adversary=None if adversary is None else replace(adversary, diff_augment=augmented, from_step=0),
            perceptual=recipe.perceptual if features else None,
            semi_supervised=recipe.semi_supervised if unlabelled else None,
        )

    return change


def _terms() -> tuple[Arm, ...]:
    rows = (
        ("adversarial", _without(features=False, augmented=False, unlabelled=False)),
        ("+ perceptual", _without(features=True, augmented=False, unlabelled=False)),
        ("+ DiffAugment", _without(features=True, augmented=True, unlabelled=False)),
        ("+ semi-supervised", _without(features=True, augmented=True, unlabelled=True)),
    )
    found = {
        "sem-1": ((16.93, 0.291), (16.98, 0.301), (17.10, 0.324), (17.53, 0.346)),
        "sem-2": ((14.67, 0.277), (14.74, 0.283), (14.82, 0.290), (15.01, 0.304)),
    }
    return tuple(
        Arm(
            label,
            "sgpn-small",
            (domain,),
            (domain,),
            share=0.5,
            change=change,
            paper={domain: found[domain][n]},
        )
        for domain in found
        for n, (label, change) in enumerate(rows)
    )


EXPERIMENTS: dict[str, Experiment] = {
    "ablation": Experiment(
        "Burst networks: transposed convolution or upsampling, gradient or SSIM loss",
        "Wieslander 2021, Table 2",
        _ablation(),
        (
            ("BDU+T", "BU"),
            ("BDU+UC", "BU"),
            ("BDU+UC+SSIM", "BU"),
            ("BDU+UC", "BDU+T"),
            ("BDU+UC+SSIM", "BDU+UC"),
        ),
        note="The reduced networks predict the difference to the mean of the frames; the papers' do not.",
    ),
    "cross": Experiment(
        "BDU+UC+SSIM trained on one kind of sample, tested on another",
        "Wieslander 2021, Table 3",
        _cross(),
        (
            ("trained on kidney", "trained on grid"),
            ("trained on kidney and grid", "trained on kidney"),
            ("trained on kidney and grid", "trained on grid"),
            ("trained on kidney, recalibrated", "trained on kidney"),
            ("trained on grid, recalibrated", "trained on grid"),
        ),
        recalibrates=True,
    ),
    "splits": Experiment(
        "BDU+UC+SSIM, each of four sequences held out in turn",
        "Wieslander 2021, Table 4",
        _splits(),
        tuple((f"sequence {n} held out", f"mean of frames, sequence {n}") for n in (1, 2, 3, 4)),
    ),
    "shares": Experiment(
        "Networks for SEM out of focus, trained on 5 to 50 % of the pairs",
        "Cheng 2023, Table 2",
        _shares(),
        (
            *((f"{label}, 50 %", f"{label}, 5 %") for label, _ in _SEM_ARMS),
            *(
                (f"SGPN, {share} %", f"{label}, {share} %")
                for share in _SHARES
                for label, _ in _SEM_ARMS
                if label != "SGPN"
            ),
        ),
        note="The paper's targets are noisy scans, which bounds its figures; ours are free of noise.",
    ),
    "terms": Experiment(
        "SGPN, term by term",
        "Cheng 2023, Table 6",
        _terms(),
        (
            ("+ perceptual", "adversarial"),
            ("+ DiffAugment", "+ perceptual"),
            ("+ semi-supervised", "+ DiffAugment"),
            ("+ semi-supervised", "adversarial"),
        ),
        note="Half of the training scenes keep their ground truth; the last row alone is shown the others.",
    ),
}
