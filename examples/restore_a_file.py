"""Restore a stack on disk and measure it: the whole line in one call."""

from pathlib import Path
from tempfile import TemporaryDirectory

from napari_emrestore import RunSettings, run
from napari_emrestore.io import write_image
from napari_emrestore.samples import load_sample

sample = load_sample("tem-stream")
with TemporaryDirectory() as folder:
    stream = write_image(Path(folder, "stream.ome.tif"), sample.frames, sample.acquisition)
    truth = write_image(Path(folder, "truth.ome.tif"), sample.truths, sample.acquisition)
    result = run(
        RunSettings(
            input=str(stream),
            truth=str(truth),
            output=str(Path(folder, "restored.ome.tif")),
            model="mean",  # leave this out to take the first model that fits
        )
    )
    for score in result.windows[0].scores:
        print(f"{score.what:12} SSIM {score.ssim:.3f}  PSNR {score.psnr:.2f} dB  MAE {score.mae:.1f}")
    print(f"wrote {result.output.name}: {result.restoration.image.shape}, {result.seconds:.1f} s")
