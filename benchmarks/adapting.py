"""What adapting gains on real bursts: python benchmarks/adapting.py FOLDER [STEPS].

FOLDER holds one folder of frames per burst. Prints the change of the squared error on held-out pixels, and
the processor time.
"""

import sys
import tempfile
import time
from pathlib import Path

from napari_emrestore.core import EmRestoreError
from napari_emrestore.io import open_frames
from napari_emrestore.training.adapting import AdaptSettings, TuningPlan, adapt

MODELS = ("naf-denoise", "burst-naf")


def main(folder: Path, steps: int) -> None:
    settings = AdaptSettings(plan=TuningPlan(steps=steps))
    for burst in sorted(path for path in folder.iterdir() if path.is_dir()):
        for model in MODELS:
            began = time.process_time()
            with tempfile.TemporaryDirectory() as home:
                try:
                    with open_frames(burst) as stack:
                        frames = stack.data.compute()
                    said = adapt(
                        model, frames, "b", settings=settings, folder=Path(home), device="cpu"
                    ).gain.text()
                except EmRestoreError as error:
                    said = f"refused: {error}"
            print(f"{burst.name:20} {model:12} {time.process_time() - began:5.0f} s  {said}", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200)
