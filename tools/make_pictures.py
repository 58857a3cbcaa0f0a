#!/usr/bin/env python3
"""Draws the pictures in testdata/images: simple shapes by formula, as PNG files, from the standard library alone.

    make_pictures.py FOLDER
"""

import math
import os
import struct
import sys
import zlib


def png(width, height, channels, pixel):
    """`pixel(x, y)` gives `channels` levels of 0..255: 1 is grey, 3 is RGB, 4 is RGB and alpha."""
    rows = bytearray()
    for y in range(height):
        row = bytearray()
        for x in range(width):
            row += bytes(min(255, max(0, round(level))) for level in pixel(x, y))
        # Filter 1: each byte less the one of the pixel to the left, which makes gradients small.
        rows.append(1)
        rows += bytes((row[i] - (row[i - channels] if i >= channels else 0)) & 255 for i in range(len(row)))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    color = {1: 0, 3: 2, 4: 6}[channels]
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, color, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b""))


def disc(x, y):
    """An orange disc before a sky that is darker above."""
    inside = min(1.0, max(0.0, 70.5 - math.hypot(x - 160, y - 110)))
    sky = (70 + y / 4, 120 + y / 3, 235)
    return [a + (b - a) * inside for a, b in zip(sky, (255, 150, 20))]


def checkers(x, y):
    """A chessboard whose squares change their colour across the picture."""
    return (x, 255 - y, 128) if (x // 32 + y // 32) % 2 else (240, 240, 240)


def stripes(x, y):
    """Diagonal stripes with soft edges, upright format."""
    wave = 0.5 + 0.5 * math.sin((x + 2 * y) / 12)
    return (30 + 200 * wave, 160 - 60 * wave, 60 + 40 * wave)


def rings(x, y):
    """Rings that narrow outwards, in grey."""
    return [127.5 + 127.5 * math.cos(((x - 128) ** 2 + (y - 96) ** 2) / 400)]


PICTURES = {
    "disc.png": (320, 240, 3, disc),
    "checkers.png": (256, 256, 3, checkers),
    "stripes.png": (240, 320, 3, stripes),
    "rings.png": (256, 192, 1, rings),
}


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    os.makedirs(arguments[0], exist_ok=True)
    for name, picture in PICTURES.items():
        with open(os.path.join(arguments[0], name), "wb") as file:
            file.write(png(*picture))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
