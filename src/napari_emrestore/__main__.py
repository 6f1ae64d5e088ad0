"""``python -m napari_emrestore``: the same as the command ``napari-emrestore``."""

import sys

from napari_emrestore.cli import main

if __name__ == "__main__":
    sys.exit(main())
