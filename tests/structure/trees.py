"""Small trees of files for the tests of this folder."""

import contextlib
import os
import tempfile


@contextlib.contextmanager
def tree_of(files):
    """A folder that holds `files` (path -> text), gone afterwards; gives its path."""
    with tempfile.TemporaryDirectory() as top:
        for name, text in files.items():
            path = os.path.join(top, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        yield top
