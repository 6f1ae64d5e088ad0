"""Models of others: TorchScript and ONNX files and BioImage Model Zoo packages in, cards and runners out.

A file is opened for what it holds and never believed: nothing in it is run before it is checked, nothing is
downloaded, and what it does not say (stride, frames) is found by trying. ONNX needs onnxruntime, the zoo
bioimageio.core. Ours go the other way with `onnx_export` and `zoo_export`. Intensities are in model range,
whatever the file was made for.
"""
