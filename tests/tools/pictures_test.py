#!/usr/bin/env python3
"""The pictures in testdata/images are what tools/make_pictures.py draws: pixel for pixel, whatever the zlib."""

import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest
import zlib

TOP = pathlib.Path(__file__).resolve().parents[2]


def header_and_rows(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    position, header, packed = 8, b"", b""
    while position < len(data):
        length, kind = struct.unpack(">I4s", data[position:position + 8])
        body = data[position + 8:position + 8 + length]
        (check,) = struct.unpack(">I", data[position + 8 + length:position + 12 + length])
        assert check == zlib.crc32(kind + body), (path, kind)
        if kind == b"IHDR":
            header = body
        if kind == b"IDAT":
            packed += body
        position += 12 + length
    return header, zlib.decompress(packed)


class Pictures(unittest.TestCase):
    def test_are_reproduced(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([sys.executable, "-B", TOP / "tools" / "make_pictures.py", folder], check=True)
            made = sorted(pathlib.Path(folder).iterdir())
            self.assertGreaterEqual(len(made), 4)
            for path in made:
                with self.subTest(path.name):
                    self.assertEqual(header_and_rows(path), header_and_rows(TOP / "testdata" / "images" / path.name))


if __name__ == "__main__":
    unittest.main()
