"""Pictures from outside, made ours: decoded, shrunk and written anew as PNG. Nothing but pixels gets through."""

import warnings
from io import BytesIO

from PIL import Image, UnidentifiedImageError

from vault.errors import Invalid

FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "ICO", "BMP")  # none that can hold script
PIXELS_MOST = 4096 * 4096


def image_png(data: bytes, *, width: int, height: int) -> bytes:
    """The picture as PNG, no larger than `width` by `height` and in its own proportions. Raises `Invalid`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # Pillow warns of pictures that unpack to far more than they seem
            with Image.open(BytesIO(data), formats=FORMATS) as image:
                if image.width * image.height > PIXELS_MOST:
                    raise Invalid("The picture has too many pixels")
                picture = image.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError, Warning):
        raise Invalid("The picture cannot be read: PNG, JPEG, WebP, GIF, ICO and BMP can") from None
    picture.thumbnail((width, height), Image.Resampling.LANCZOS)
    written = BytesIO()
    picture.save(written, format="PNG", optimize=True)
    return written.getvalue()
