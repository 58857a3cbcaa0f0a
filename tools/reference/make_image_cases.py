#!/usr/bin/env python3
"""Makes the pictures and figures that tests/image compares with: testdata/images/formats. Needs PIL.

    make_image_cases.py TESTDATA/images

One picture, drawn by formula, in the formats and colour modes that photos come in; decode.csv has the CRC-32 of the RGB pixels
that PIL decodes from each, prepare.csv that of resizes and crops of the pictures in TESTDATA/images.
"""

import csv
import math
import os
import struct
import sys
import zlib

from PIL import Image, ImageOps

import pil

WIDTH, HEIGHT = 53, 37  # odd: chroma blocks do not fit


def level(x, y, channel):
    wave = math.sin((x * (channel + 2) + 3 * y) / (7 + 2 * channel))
    return round(127.5 + 100 * wave + 27 * ((x // 9 + y // 9) % 2))


def picture(mode):
    image = Image.new(mode, (WIDTH, HEIGHT))
    bands = len(image.getbands())
    image.putdata([tuple(min(255, max(0, level(x, y, c))) for c in range(bands)) if bands > 1 else min(255, max(0, level(x, y, 0)))
                   for y in range(HEIGHT) for x in range(WIDTH)])
    return image


def png16(path, channels):
    """16 bits per sample, whose low bytes would round some high bytes up. Returns the RGB picture of the high bytes."""
    rows, pixels = bytearray(), []
    for y in range(HEIGHT):
        rows.append(0)
        for x in range(WIDTH):
            high = [min(255, max(0, level(x, y, c))) for c in range(channels)]
            for c, value in enumerate(high):
                rows += bytes((value, (x * 37 + y * 11 + c * 101) % 256))
            pixels.append(tuple(high if channels == 3 else high * 3))

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", WIDTH, HEIGHT, 16, {1: 0, 3: 2}[channels], 0, 0, 0)
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(rows), 9)) + chunk(b"IEND", b""))
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.putdata(pixels)
    return image


def without_adobe_marker(data):
    at = data.index(b"\xff\xee")
    return data[:at] + data[at + 2 + int.from_bytes(data[at + 2:at + 4], "big"):]


def make_pictures(folder):
    def path(name):
        return os.path.join(folder, name)

    rgb = picture("RGB")
    rgb.save(path("420.jpg"), quality=80, subsampling=2)
    rgb.save(path("422.jpg"), quality=80, subsampling=1)
    rgb.save(path("444.jpg"), quality=80, subsampling=0)
    rgb.save(path("progressive.jpg"), quality=80, progressive=True)
    picture("L").save(path("grey.jpg"), quality=80)
    picture("CMYK").save(path("cmyk.jpg"), quality=90)
    with open(path("cmyk.jpg"), "rb") as file:
        data = without_adobe_marker(file.read())
    with open(path("cmyk_no_marker.jpg"), "wb") as file:
        file.write(data)
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        rgb.save(path(f"exif{orientation}.jpg"), quality=60, exif=exif)
    rgb.save(path("rgb.png"))
    picture("RGBA").save(path("rgba.png"))
    picture("L").save(path("grey.png"))
    picture("LA").save(path("grey_alpha.png"))
    rgb.quantize(16).save(path("palette.png"))
    rgb.quantize(16).save(path("palette_transparent.png"), transparency=3)
    picture("L").convert("1").save(path("one_bit.png"))
    rgb.save(path("rgb.tif"), compression="tiff_lzw")
    picture("CMYK").save(path("cmyk.tif"), compression="tiff_lzw")
    picture("RGBA").save(path("rgba.webp"), lossless=True)
    rgb.quantize(16).save(path("animated.gif"), save_all=True, append_images=[rgb.transpose(Image.FLIP_LEFT_RIGHT).quantize(16)])


def decode_rows(folder):
    """(file, exif, width, height, crc32)"""
    # Where PIL clips 16 grey bits to white, what is wanted is the high byte, as PIL takes it of three channels.
    own = {name: png16(os.path.join(folder, name), channels) for name, channels in (("grey16.png", 1), ("rgb16.png", 3))}
    for name in sorted(os.listdir(folder)):
        if name.endswith(".csv"):
            continue
        opened = Image.open(os.path.join(folder, name))
        for exif in (0, 1) if name.startswith("exif") else (0,):
            image = ImageOps.exif_transpose(opened) if exif else opened
            image = own.get(name, image).convert("RGB")
            yield name, exif, image.width, image.height, f"{pil.crc32(image):08x}"


def prepare_rows(folder):
    """(file, resize, crop, interpolation, width, height, crc32); 0: not resized, not cropped"""
    for name in ("disc.png", "checkers.png", "stripes.png", "rings.png"):
        image = Image.open(os.path.join(folder, name)).convert("RGB")
        for resize, crop in ((256, 224), (224, 224), (100, 0), (600, 0), (37, 32), (0, 100), (0, 501), (150, 301), (1, 1), (1, 0)):
            for interpolation in pil.FILTERS if resize else ("bilinear",):
                result = pil.prepared(image, resize, crop, interpolation)
                yield name, resize, crop, interpolation, result.width, result.height, f"{pil.crc32(result):08x}"


def write(path, rows):
    with open(path, "w", newline="", encoding="ascii") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def main(arguments):
    if len(arguments) != 1:
        print(__doc__, file=sys.stderr)
        return 2
    formats = os.path.join(arguments[0], "formats")
    os.makedirs(formats, exist_ok=True)
    make_pictures(formats)
    write(os.path.join(formats, "decode.csv"), decode_rows(formats))
    write(os.path.join(formats, "prepare.csv"), prepare_rows(arguments[0]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
