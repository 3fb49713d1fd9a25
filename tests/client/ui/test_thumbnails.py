"""Stored pictures as a browser shows them."""

import io

from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deskbound_client.store.rows import THUMB_BYTES, THUMB_COLUMNS, THUMB_ROWS
from deskbound_client.ui.thumbnails import png_of


@given(st.binary(min_size=THUMB_BYTES, max_size=THUMB_BYTES))
def test_a_picture_is_shown_point_for_point(pixels):
    image = Image.open(io.BytesIO(png_of(pixels)))
    assert (image.size, image.mode) == ((THUMB_COLUMNS, THUMB_ROWS), "L")
    points = [point for byte in pixels for point in (byte >> 4, byte & 15)]
    assert list(image.tobytes()) == [17 * point for point in points]
    assert not image.info
