"""The file that carries the code into the browser: private, opened once, and gone soon.

A command line or an address would show the code to every user of the machine; a file that only its
owner can read does not. It posts the code by itself.
"""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from markupsafe import escape

from deskbound_strategies.pages.keys import DoorKeys

FILE_NAME = "open-ui.html"
SECONDS = 60.0

_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="referrer" content="no-referrer">
<title>Deskbound</title>
<body>
<form method="post" action="http://{authority}/enter">
<input type="hidden" name="code" value="{code}">
<button>Open Deskbound</button>
</form>
<script>document.forms[0].submit()</script>
</body>
</html>
"""


class Letter:
    """One such file; it takes the place of an older one.

    Args:
        folder: where it is put; private, and there.
        write: writes a file that only its owner can read.
        authority: ``host:port`` that the code is for.
        keys: whose code it carries.
        clock: seconds that only go forward.

    Attributes:
        path: where it lies.
    """

    def __init__(
        self,
        folder: Path,
        write: Callable[[Path, bytes], object],
        authority: str,
        keys: DoorKeys,
        clock: Callable[[], float],
    ) -> None:
        self.path = folder / FILE_NAME
        self._keys, self._clock = keys, clock
        self._burns_at = clock() + SECONDS
        page = _PAGE.format(authority=escape(authority), code=escape(keys.code))
        self._page = page.encode()
        write(self.path, self._page)

    def tidy(self) -> None:
        """Take the file away when its code was used or its time is over."""
        if not self._keys.code or self._clock() >= self._burns_at:
            self.burn()

    def burn(self) -> None:
        """Take the file away, unless another visit has put its own there."""
        # By what it says: a file that took its place may have been given its inode as well.
        with suppress(FileNotFoundError):
            if self.path.read_bytes() == self._page:
                self.path.unlink()
