"""What PIL makes of a picture, with torchvision's arithmetic of sizes and crops. Used by the scripts of this folder."""

import zlib

from PIL import Image

FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}


def resized(image, size, interpolation):
    """The shorter side to `size`, the longer one truncated."""
    short, long = sorted(image.size)
    other = int(size * long / short)
    return image.resize((size, other) if image.width < image.height else (other, size), FILTERS[interpolation])


def center_cropped(image, size):
    """From int(round((side - size) / 2)); what is too small gets black edges, the odd pixel at the right and the bottom."""
    if image.width < size or image.height < size:
        padded = Image.new("RGB", (max(size, image.width), max(size, image.height)))
        padded.paste(image, (max(0, size - image.width) // 2, max(0, size - image.height) // 2))
        image = padded
    left, top = int(round((image.width - size) / 2.0)), int(round((image.height - size) / 2.0))
    return image.crop((left, top, left + size, top + size))


def prepared(image, resize, crop, interpolation):
    """`image` in RGB; `resize` and `crop` may be None."""
    if resize:
        image = resized(image, resize, interpolation)
    return center_cropped(image, crop) if crop else image


def crc32(image, before=0):
    return zlib.crc32(image.tobytes(), before)
