#!/usr/bin/env python3
"""Writes what PIL makes of the photos in a folder, to compare lib/image with. Needs PIL, and numpy for --output.

    preprocess_pil.py [--resize N] [--crop N] [--interpolation NAME] [--output FOLDER] PHOTOS

For each photo: its pixels after convert("RGB"), a resize of the shorter side to N pixels and a crop of the centre, in torchvision's
arithmetic; without --resize and --crop the decoded pixels. With --output as FOLDER/NAME.npy, (height, width, 3) in uint8. On stdout
one CRC-32 of all photos' pixels, one after the other in the order of their names, as tests/image/photos_test.cc has it. A file that
PIL refuses is reported and left out.
"""

import argparse
import os
import sys

from PIL import Image

import pil

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif", ".tif", ".tiff")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resize", type=int)
    parser.add_argument("--crop", type=int)
    parser.add_argument("--interpolation", choices=pil.FILTERS, default="bilinear")
    parser.add_argument("--output")
    parser.add_argument("photos")
    options = parser.parse_args()
    crc, failed = 0, 0
    for name in sorted(name for name in os.listdir(options.photos) if name.lower().endswith(SUFFIXES)):
        try:
            image = Image.open(os.path.join(options.photos, name)).convert("RGB")
        except OSError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed += 1
            continue
        image = pil.prepared(image, options.resize, options.crop, options.interpolation)
        crc = pil.crc32(image, crc)
        if options.output:
            import numpy
            os.makedirs(options.output, exist_ok=True)
            numpy.save(os.path.join(options.output, name + ".npy"), numpy.asarray(image))
    print(f"{crc:08x}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
