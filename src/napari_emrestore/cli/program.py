"""The program: which commands there are, how errors become a sentence and an exit code."""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from typing import TYPE_CHECKING

from napari_emrestore import __version__
from napari_emrestore.cli.terminal import Terminal
from napari_emrestore.core import Cancelled, EmRestoreError, InputError
from napari_emrestore.restoration import tune_allocator

if TYPE_CHECKING:
    from collections.abc import Sequence

COMMANDS = {
    "demo": "restore the bundled sample and measure the result against its ground truth",
    "restore": "restore images, stacks and folders of frames",
    "live": "watch a camera: restore its newest frames, record all of them",
    "mosaic": "make one overview of a scan, each place restored from the frames that cover it",
    "register": "align the frames of a stack and write them on one grid",
    "models": "list the models, or show one of them",
    "evaluate": "compare models and classical methods on clean images, degraded on purpose",
    "probe": "run known patterns through models: what they keep, smear or invent",
    "inject": "add faint patterns to your own image: what a model keeps of them",
    "regions": "take regions of interest to the microscope and to other programs, and theirs back",
    "simulate": "turn a clean image into a stream as a microscope would have taken it",
    "train": "train a model from a recipe",
    "trust": "check whether a model is as far off as it expects, or teach one to expect its errors",
    "experiment": "repeat a paper's experiment: train its networks side by side and score them",
    "export": "write a model as ONNX or as a package of the BioImage Model Zoo",
    "adapt": "fit a trained model to your own frames, without ground truth",
    "calibrate": "measure the noise of a camera and keep it under a name that restore takes",
    "doctor": "report versions, devices, models and speed, to be copied into a question",
}
EXIT_FAILURE, EXIT_INPUT, EXIT_STOPPED = 1, 2, 130


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands; imports no command's heavy packages."""
    parser = argparse.ArgumentParser(
        prog="napari-emrestore",
        description="Restore fast, noisy, blurry electron-microscopy streams: register, restore, measure.",
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    everywhere = argparse.ArgumentParser(add_help=False)
    everywhere.add_argument("--json", action="store_true", help="print one JSON object instead of tables")
    everywhere.add_argument("--debug", action="store_true", help="show where in the program an error arose")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        module = import_module(f"napari_emrestore.cli.{name}")
        command = commands.add_parser(name, help=summary, description=module.__doc__, parents=[everywhere])
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Without the program's name; by default those of this process.
    """
    parsed = build_parser().parse_args(arguments)
    tune_allocator()
    terminal = Terminal(json=parsed.json)
    try:
        with terminal.stop_on_interrupt():
            outcome = parsed.run(parsed, terminal)
    except (Cancelled, KeyboardInterrupt) as error:
        return _fail(terminal, error, EXIT_STOPPED, debug=parsed.debug)
    except InputError as error:
        return _fail(terminal, error, EXIT_INPUT, debug=parsed.debug)
    # The command line is the outermost edge: whatever comes this far must end as a sentence and a code.
    except Exception as error:  # noqa: BLE001
        return _fail(terminal, error, EXIT_FAILURE, debug=parsed.debug)
    terminal.finish(outcome.record)
    return int(outcome.code)


def _fail(terminal: Terminal, error: BaseException, code: int, *, debug: bool) -> int:
    if debug:
        import traceback

        traceback.print_exception(error, file=sys.stderr)
    terminal.fail(_sentence(error), error)
    return code


def _sentence(error: BaseException) -> str:
    if isinstance(error, EmRestoreError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return "Stopped as asked."
    kind = type(error).__name__
    return f"Unexpected {kind}: {error}. Run it again with --debug and report what you see."
