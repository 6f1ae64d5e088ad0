"""The command line: one module per command, each a thin layer of words over the Python API.

In: arguments. Out: tables for a person, or with ``--json`` one JSON object on standard output for a
program; progress and errors go to standard error. Exit code 0 for success, 1 for a failure, 2 for input that
cannot be used, 130 when stopped with Ctrl-C. Not done here: any computation.
"""

from napari_emrestore.cli.program import main

__all__ = ["main"]
