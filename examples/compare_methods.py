"""Compare classical methods on simulated low-dose images, with intervals over images."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from imageio.v3 import imwrite

from napari_emrestore.pipeline.evaluation import EvaluationSettings, evaluate, write_report
from napari_emrestore.training import draw_scene

with TemporaryDirectory() as folder:
    clean = Path(folder, "clean")
    clean.mkdir()
    for k in range(4):  # put your own clean images here
        scene = draw_scene("cells", 160, np.random.default_rng(k))
        imwrite(clean / f"cells_{k}.png", (scene * 65535).astype(np.uint16))
    settings = EvaluationSettings(
        str(clean),
        ("gaussian", "wiener"),
        "ede-low",
        tune=("gaussian", "tv-chambolle"),
        shrink=1,
        size_px=128,
    )
    paths = write_report(evaluate(settings), Path(folder, "report"))
    print(Path(folder, "report", "ede-low.md").read_text())
    print("also wrote", ", ".join(path.name for path in paths[:2]))
