"""Takes the pictures of the guide anew: ``.venv/bin/python -m tools.screenshots [FOLDER]``.

A vault of its own is filled with generated days and a few rounds that were never held. Then real
capture runs on a private desktop, and the real pages are looked at with a real Chromium.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from demo.commands import Laptop
from demo.desktop import Desktop, private_desktop, work
from deskbound_client.cli.generate import _row
from deskbound_client.privacy.budget import Budget
from deskbound_client.privacy.ledger_store import LedgerStore
from deskbound_client.processes import keep_memory_private
from deskbound_client.store.keystore import choose_keystore
from deskbound_client.store.vault import Vault
from deskbound_strategies.encoder import Encoder
from deskbound_strategies.generator import generate_day
from deskbound_strategies.personas import PERSONAS
from deskbound_strategies.policy import PROFILES
from tests.helpers.browser import CHROMIUM, FLAGS, Pages, Watched, served, visiting
from tests.helpers.privacy import a_lattice, a_round

FOLDER = Path(__file__).parent.parent / "docs" / "images"
LARGEST = 120_000
PASSPHRASE = "four unrelated plain words"  # noqa: S105 - of a vault that is gone again
PERSONA = "analyst"
DAYS, ROUNDS, RUN = 6, 4, "5f1c0d2e" * 4
WORK_SECONDS, WARM_UP_SECONDS, REST_SECONDS = 110.0, 70.0, 6.0


@dataclass(frozen=True)
class Shot:
    """One picture.

    Attributes:
        name: of its file.
        path: of the page.
        size: of the browser's window.
        dark: whether the desktop is dark.
        click: what is pressed first, by its selector.
    """

    name: str
    path: str
    size: tuple[int, int] = (1200, 900)
    dark: bool = False
    click: str = ""


SHOTS = (
    Shot("today", "/", (1200, 1130)),
    Shot("today-narrow", "/", (360, 1000)),
    Shot("stored", "/stored", (1200, 860)),
    Shot("stored-one", "/stored?q=ctrl%2Bc", (1200, 900), click=".table a"),
    Shot("stored-pictures", "/stored?kind=picture", (1200, 700)),
    Shot("left", "/left", (1200, 1060), click="details summary"),
    Shot("budget-dark", "/budget", (1200, 860), dark=True),
    Shot("consent", "/consent", (1200, 860)),
    Shot("forget", "/forget?scope=last&what=60m", (1200, 620)),
    Shot("settings", "/settings", (1200, 860)),
    Shot("doctor", "/doctor", (1200, 860)),
    Shot("paused", "/", (1200, 640), click="#pause-30m"),  # last: capture stays paused
)


def main() -> None:
    """Fill a vault, work for a while, and take every picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER, help="where they go")
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    keep_memory_private()  # as the command does; the doctor's page would say so
    with TemporaryDirectory(prefix="deskbound-pictures-") as scratch, sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        with at_work(Path(scratch)) as vault, served(vault.home, vault) as pages:
            for shot in SHOTS:
                (folder / f"ui-{shot.name}.png").write_bytes(taken(browser, pages, shot))
                sys.stderr.write(f"ui-{shot.name}.png\n")
        browser.close()


@contextmanager
def at_work(scratch: Path) -> Iterator[Vault]:
    """Yield an open vault of days, while somebody is at work on a private desktop."""
    passphrase = scratch / "passphrase"
    passphrase.write_text(PASSPHRASE, encoding="utf-8")
    passphrase.chmod(0o600)
    with private_desktop() as desktop:
        os.environ["DISPLAY"] = desktop.name  # for the doctor's page
        laptop = Laptop("desk", PERSONA, scratch / "home", desktop.name)
        laptop.deskbound("init", "--passphrase-file", str(passphrase))
        laptop.deskbound("consent", "grant", "all")
        laptop.deskbound("generate", "--persona", PERSONA, "--days", str(DAYS))
        laptop.deskbound("exclude", "app", "chat")
        laptop.deskbound("exclude", "title", "*salary*")
        with Vault.open(laptop.home, choose_keystore(laptop.home, lambda: PASSPHRASE)) as vault:
            live_through_today(vault)
            hold_rounds(vault)
            laptop.deskbound("start")
            busy = threading.Thread(target=_work, args=(desktop,), daemon=True)
            busy.start()
            busy.join(WARM_UP_SECONDS)
            try:
                yield vault
            finally:
                laptop.deskbound("stop")
                busy.join()


def _work(desktop: Desktop) -> None:
    """Work at the pace of a person."""
    work(desktop, WORK_SECONDS, step=lambda _: time.sleep(REST_SECONDS))


def live_through_today(vault: Vault) -> None:
    """Store today's generated activity up to some minutes ago."""
    now = datetime.now(UTC)
    encoder, until = Encoder(rhythm=True), now.timestamp() - 600
    seen = takewhile(lambda one: one[1] < until, generate_day(PERSONAS[PERSONA], now.date(), 1))
    rows = [_row(action) for one, at in seen for action in encoder.feed(one, at)]
    vault.append(rows)


def hold_rounds(vault: Vault) -> None:
    """Charge, release and refuse as rounds do; the updates are made up."""
    ledger = LedgerStore(vault)
    budget = Budget(ledger, PROFILES["balanced"])
    today = datetime.now().astimezone().date()
    for number in range(1, ROUNDS + 1):
        asked = a_round(number, run=RUN)
        cuts = {today - timedelta(days=back): "cut" for back in range(2, 3 + number)}
        if budget.reserve(asked, cuts, a_lattice(asked, 28_000)) is not None:
            budget.release(asked, bytes([number]) * 113_000)


def taken(browser: Browser, pages: Pages, shot: Shot) -> bytes:
    """Return one picture as a small PNG."""
    pages.anew()
    with visiting(browser, pages, size=shot.size, dark=shot.dark) as seen:
        seen.go(shot.path)
        if shot.click:
            seen.page.locator(shot.click).first.click()
        seen.page.wait_for_load_state("networkidle")
        _calm(seen, shot)
        return small(seen.page.screenshot())


def _calm(seen: Watched, shot: Shot) -> None:
    if seen.strangers() or any(word.startswith("error") for word in seen.said):
        raise SystemExit(f"{shot.name}: the page asked a stranger or failed")


def small(picture: bytes) -> bytes:
    """Return a PNG with a palette, small enough to be kept in a repository."""
    for colours in (128, 64, 32):
        kept = BytesIO()
        with Image.open(BytesIO(picture)) as image:
            image.convert("RGB").quantize(colours, dither=Image.Dither.NONE).save(
                kept, "PNG", optimize=True
            )
        if kept.tell() < LARGEST:
            break
    return kept.getvalue()


if __name__ == "__main__":
    main()
