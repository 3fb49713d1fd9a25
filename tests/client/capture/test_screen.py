import socket

import pytest

from deskbound_client.capture.screen import Camera, monitor_of, reduce_picture, visible_part
from deskbound_client.store.rows import THUMB_BYTES

MONITOR = (0, 0, 1280, 720)
LEFT_AND_RIGHT = ((0, 0, 1280, 720), (1280, 0, 1920, 1080))


def cells(pixels):
    return [nibble for byte in pixels for nibble in (byte >> 4, byte & 15)]


def test_a_window_belongs_to_the_monitor_that_holds_its_middle():
    assert monitor_of((1200, 100, 400, 200), LEFT_AND_RIGHT) == LEFT_AND_RIGHT[1]
    assert monitor_of((900, 100, 400, 200), LEFT_AND_RIGHT) == LEFT_AND_RIGHT[0]
    assert monitor_of((9_000, 0, 10, 10), LEFT_AND_RIGHT) is None


def test_only_what_lies_on_the_monitor_is_looked_at():
    assert visible_part((-100, 700, 200, 200), MONITOR) == (0, 700, 100, 20)
    assert visible_part((1280, 0, 10, 10), MONITOR) is None


def test_a_white_window_is_white_in_its_cells_and_black_elsewhere():
    part = (640, 360, 320, 180)  # 16 x 9 cells of 20 pixels
    pixels = reduce_picture(b"\xff\xff\xff\x00" * (320 * 180), part, MONITOR)
    assert len(pixels) == THUMB_BYTES
    lit = {(i % 64, i // 64) for i, cell in enumerate(cells(pixels)) if cell}
    assert lit == {(x, y) for x in range(32, 48) for y in range(18, 27)}
    assert set(cells(pixels)) == {0, 15}


def test_brightness_is_averaged_into_sixteen_greys():
    row = b"\x00\x00\x00\x00\xff\xff\xff\x00" * 640
    assert set(cells(reduce_picture(row * 720, MONITOR, MONITOR))) <= {7, 8}


@pytest.mark.parametrize("letter", ["A", "W", "e"])
def test_a_letter_of_text_changes_no_cell_by_more_than_two_greys(letter):
    # Text of 11 pixels in cells of 20: where a letter's strokes lie changes no cell's grey much.
    from PIL import Image, ImageDraw

    def picture(text):
        image = Image.new("RGB", (1280, 720), "white")
        ImageDraw.Draw(image).text((100, 100), text, fill="black")
        return cells(reduce_picture(image.convert("RGBA").tobytes(), MONITOR, MONITOR))

    blank, written = picture(""), picture(letter)
    assert max(abs(a - b) for a, b in zip(blank, written, strict=True)) <= 2


def test_no_picture_is_taken_of_what_answers_on_a_local_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        number = listening.getsockname()[1] - 6_000  # where a TCP display of that number would be
        listening.settimeout(0.5)
        assert Camera(f":{number}").take(MONITOR) is None
        with pytest.raises(TimeoutError):
            listening.accept()
