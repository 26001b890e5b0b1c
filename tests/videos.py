"""Looking into recorded videos, picture by picture."""

import io

import av
from PIL import Image, ImageChops

Colour = tuple[int, int, int]
NEAR = 70  # what compression does to a colour, at most, for the probe's strong ones


def frames(video: bytes) -> list[Image.Image]:
    """Every picture of the file."""
    with av.open(io.BytesIO(video), "r") as container:
        return [frame.to_image().convert("RGB") for frame in container.decode(video=0)]


def coloured(picture: Image.Image, colour: Colour) -> int:
    """How many pixels are nearly of that colour."""
    near = [
        band.point([255 if abs(value - wanted) < NEAR else 0 for value in range(256)])
        for band, wanted in zip(picture.split(), colour, strict=True)
    ]
    return ImageChops.darker(ImageChops.darker(near[0], near[1]), near[2]).histogram()[255]
