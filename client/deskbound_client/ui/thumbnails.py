"""Stored pictures as a browser shows them."""

import io

from PIL import Image

from deskbound_client.store.rows import THUMB_COLUMNS, THUMB_ROWS

_GREY = 17  # sixteen greys spread over 0..255


def png_of(pixels: bytes) -> bytes:
    """Return a stored picture as PNG, point for point: 64 x 36 of sixteen greys, two a byte."""
    grey = bytes(point * _GREY for byte in pixels for point in (byte >> 4, byte & 15))
    image = Image.frombytes("L", (THUMB_COLUMNS, THUMB_ROWS), grey)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
