"""Adapt a model to a camera with strange noise, without ground truth, and look whether it has helped."""

import tempfile
from pathlib import Path

import numpy as np

from napari_emrestore import restore
from napari_emrestore.models import find_card
from napari_emrestore.restoration import TorchRestorer
from napari_emrestore.training.adapting import AdaptSettings, TuningPlan, adapt

# a camera whose rows share noise: no model of ours has seen one like it
rng = np.random.default_rng(0)
y, x = np.mgrid[:96, :192]
truth = (40 + 25 * np.sin(x / 6) * np.cos(y / 9)) * 20 + 100
frames = rng.poisson((truth - 100) / 20, (4, 96, 192)) * 20 + 100 + rng.normal(0, 200, (4, 96, 1))

with tempfile.TemporaryDirectory() as folder:  # leave it out: the model goes to your models folder
    made = adapt(
        "naf-denoise",
        frames,
        "my-camera",
        settings=AdaptSettings(kind=None, plan=TuningPlan(steps=30, check_every=10)),
        folder=Path(folder),
    )
    print(made.gain.text())
    for card in (find_card("naf-denoise"), made.card):
        if card is not None:
            image = restore(frames[0], TorchRestorer.from_card(card)).image
            print(f"{card.id}: error against the truth {np.sqrt(((image - truth) ** 2).mean()):.0f} counts")
