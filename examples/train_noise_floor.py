"""Train the regression that tells noise from texture anew (`napari_emrestore.metrics.noise_floor`).

    python train_noise_floor.py FOLDER 100000 noise_floor.npz   # made the one in use

FOLDER is the one that the image patterns of the recipe naf-denoise start from. Without arguments a small one
is trained on drawn scenes alone, to see that it works.
"""

import sys
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from tempfile import TemporaryDirectory

from napari_emrestore.training.data import load_scenes
from napari_emrestore.training.noise_floor import fit_noise_floor, noise_examples
from napari_emrestore.training.recipe import read_recipe

SEED = 5
PRESETS = {
    "poisson": 0.35,
    "still_camera": 0.25,
    "sem_fast": 0.1,
    "sem_defocus": 0.1,
    "tem_stream": 0.1,
    "low_dose": 0.1,
}


def train(folder: Path, count: int, output: Path) -> None:
    """Train on `count` simulated images of the recipe's sources and say how good it is on held-out ones."""
    recipe = read_recipe(Path(str(files("napari_emrestore.training") / "recipes" / "naf-denoise.toml"))).data
    recipe = replace(recipe, presets=PRESETS, more_scenes={"sections": 8})
    if count < 1000:
        recipe = replace(recipe, sources=(), procedural_scenes=1, procedural_size_px=256)
    # Area means of 3 and 4 px make texture as fine as the pixels, which this is to learn.
    sources = tuple(replace(source, shrink=(1, 2, 3, 4)) for source in recipe.sources)
    scenes, held_out = load_scenes(replace(recipe, sources=sources), folder, SEED)
    if not held_out:
        scenes, held_out = scenes[::2], scenes[1::2]
    training = noise_examples(scenes, recipe, count, SEED)
    validation = noise_examples(held_out, recipe, max(20, count // 50), SEED + 1000)
    steps = 60_000 if count >= 1000 else 100
    error = fit_noise_floor(training, validation, SEED, output, steps=steps)
    print(f"{len(training[0])} images; the noise deviation of others is off by {error:.1%} at the median")


if len(sys.argv) == 4:
    train(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))
else:
    with TemporaryDirectory() as scratch:
        train(Path(scratch), 60, Path(scratch) / "noise_floor.npz")
