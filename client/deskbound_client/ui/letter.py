"""The file that carries the code into the browser: private, opened once, and gone soon.

A command line or an address would show the code to every user of the machine; a file that only its
owner can read does not. It posts the code by itself.
"""

from markupsafe import escape

from deskbound_client.store.files import make_private_folder, replace_private
from deskbound_client.ui.desk import Desk

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
        desk: whose address and code it carries.

    Attributes:
        path: where it lies.
    """

    def __init__(self, desk: Desk) -> None:
        self.path = desk.paths.run / FILE_NAME
        self._desk = desk
        self._burns_at = desk.clock() + SECONDS
        make_private_folder(self.path.parent)
        page = _PAGE.format(authority=escape(desk.authority), code=escape(desk.keys.code))
        replace_private(self.path, page.encode())
        self._inode = self.path.stat().st_ino

    def tidy(self) -> None:
        """Take the file away when its code was used or its time is over."""
        if not self._desk.keys.code or self._desk.clock() >= self._burns_at:
            self.burn()

    def burn(self) -> None:
        """Take the file away, unless another visit has put its own there."""
        try:
            if self.path.stat().st_ino == self._inode:
                self.path.unlink()
        except FileNotFoundError:
            pass
