"""Settings: what is never looked at, when, how long it stays, and what Deskbound may take up."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from deskbound_client.archive import export_vault
from deskbound_client.config import DEFAULTS, Config, load_config
from deskbound_client.config_edit import Value, set_value
from deskbound_client.employee import autostart, excluding
from deskbound_client.employee.forgetting import bump
from deskbound_client.ui.desk import Notice
from deskbound_client.ui.page import back, desk_of, render
from deskbound_strategies.errors import ConfigError
from deskbound_strategies.pages.answers import Form, form_of

PATH, TITLE = "/settings", "Settings"
_SHORTEST = 8
_PART = 256 << 10


@dataclass(frozen=True, slots=True)
class Field:
    """One setting on the page.

    Attributes:
        name: of the setting in ``config.toml``.
        words: its label.
        unit: what the number counts; empty for texts and switches.
    """

    name: str
    words: str
    unit: str = ""

    @property
    def kind(self) -> str:
        """How it is asked for: ``switch``, ``lines``, ``number`` or ``text``."""
        default = getattr(DEFAULTS, self.name)
        if isinstance(default, bool):
            return "switch"
        if isinstance(default, tuple):
            return "lines"
        return "text" if isinstance(default, str) else "number"

    @property
    def step(self) -> str:
        """How fine a number may be."""
        return "any" if isinstance(getattr(DEFAULTS, self.name), float) else "1"

    def shown(self, config: Config) -> str:
        """Return the present value as the form shows it."""
        value = getattr(config, self.name)
        if isinstance(value, tuple):
            return "\n".join(value)
        return f"{value:g}" if isinstance(value, float) else str(value)

    def read(self, form: Form) -> Value:
        """Return the value of a form.

        Raises:
            ConfigError: it is no number where one is asked for.
        """
        text, default = form.get(self.name, "").strip(), getattr(DEFAULTS, self.name)
        if isinstance(default, bool):
            return bool(text)
        if isinstance(default, tuple):
            return tuple(line.strip() for line in text.splitlines() if line.strip())
        if isinstance(default, str):
            return text
        try:
            return float(text) if isinstance(default, float) else int(text)
        except ValueError:
            raise ConfigError(f"{self.words}: that is not a number.", "Type digits.") from None


GROUPS: dict[str, tuple[str, str, tuple[Field, ...]]] = {
    "hours": ("When it may look", "Acts at once.", (
        Field("schedule", "Weekly hours, one line each, as in “mon-fri 09:00-17:00”; none: always"),
    )),
    "keeping": ("What is kept, and how long", "Acts when Deskbound starts next.", (
        Field("retention_days", "Kept for, today included", "days"),
        Field("size_cap_mb", "All days together take at most", "MB"),
        Field("idle_seconds", "Nobody is here after", "seconds without input"),
        Field("thumbnail_seconds", "Between two pictures at least", "seconds"),
    )),
    "load": ("What it may take up", "Acts when Deskbound starts next.", (
        Field("capture_cpu_percent", "Capture uses at most", "% of one core"),
        Field("capture_rss_mb", "Capture remembers at most", "MB"),
        Field("training_rss_mb", "Training remembers at most", "MB"),
        Field("disk_mb", "All files together take at most", "MB"),
        Field("network_mb_per_month", "Sent and received at most", "MB a month"),
        Field("training_only_on_mains", "Train on mains power only"),
        Field("training_only_when_idle", "Train only while nobody uses the laptop"),
        Field("training_idle_seconds", "Nobody uses it after", "seconds without input"),
        Field("holdout_days", "Kept out of training to measure with", "days"),
        Field("torch_threads", "Training uses at most", "threads"),
    )),
    "desk": ("On your desktop", "Acts when Deskbound starts next.", (
        Field("hotkey", "Keys that pause at once; empty for none"),
        Field("notifications", "Say when capture begins or resumes"),
        Field("tray", "Show an icon in the tray"),
    )),
}  # fmt: skip


def show(request: Request) -> Response:
    """Show the page."""
    paths = desk_of(request).paths
    return render(
        request,
        "settings.html",
        config=load_config(paths.config),
        groups=GROUPS,
        rules=excluding.rules(paths),
        always=excluding.always(),
        start=autostart.state(paths),
    )


def save(request: Request) -> Response:
    """Write the settings of one group that have changed."""
    paths, form = desk_of(request).paths, form_of(request)
    title, when, fields = _group(form.get("group", ""))
    wanted = [(field, field.read(form)) for field in fields]
    config = load_config(paths.config)
    changed = [(field, value) for field, value in wanted if getattr(config, field.name) != value]
    for field, value in changed:
        set_value(paths.config, field.name, value)
    if any(field.name == "schedule" for field, _ in changed):
        bump(paths)
    said = Notice(f"Saved: {title.lower()}.", (when,)) if changed else Notice("Nothing changed.")
    return back(request, PATH, said)


def _group(name: str) -> tuple[str, str, tuple[Field, ...]]:
    if name not in GROUPS:
        raise ConfigError("There is no such group of settings.", "Choose one on the page.")
    return GROUPS[name]


def exclude(request: Request) -> Response:
    """Never look at a program or title again, and offer to forget its past."""
    desk, form = desk_of(request), form_of(request)
    rule = excluding.exclude(desk.paths, _kind(form), form.get("pattern", ""))
    with desk.vault() as vault:
        past = excluding.past_of(vault, rule)
    what = f"%23{past.app}" if isinstance(past.app, int) else past.app
    link = (f"Forget {past.app}" if past.whole else "Forget its past days as well",
            f"/forget?scope=app&what={what}&back={PATH}")  # fmt: skip
    links = (link,) if past.app is not None else ()
    return back(request, PATH, Notice(f"Never looked at: {rule.words}.", (past.words,), links))


def include(request: Request) -> Response:
    """Take a rule back."""
    form = form_of(request)
    pattern = form.get("pattern", "")
    excluding.remove(desk_of(request).paths, _kind(form), pattern)
    return back(request, PATH, Notice(f"The rule for {pattern} is gone."))


def _kind(form: Form) -> excluding.Kind:
    return "title" if form.get("kind") == "title" else "app"


def start_at_login(request: Request) -> Response:
    """Let Deskbound start at login, or no longer."""
    paths = desk_of(request).paths
    if form_of(request).get("on"):
        autostart.switch_on(paths)
        return back(request, PATH, Notice("Deskbound starts when you log in. A pause stays one."))
    autostart.switch_off(paths)
    return back(request, PATH, Notice("Deskbound does not start by itself."))


def export(request: Request) -> Response:
    """Hand out everything about the employee, encrypted: no plain copy touches the disk here.

    Raises:
        ConfigError: the passphrase is too short, or not the same twice.
    """
    desk, form = desk_of(request), form_of(request)
    passphrase = form.get("passphrase", "")
    if len(passphrase) < _SHORTEST or passphrase != form.get("again", ""):
        raise ConfigError(
            f"Type a passphrase of {_SHORTEST} characters or more, the same twice.",
            "The archive cannot be read without it, by nobody.",
        )
    target = desk.paths.run / f"export-{secrets.token_hex(8)}.age"
    try:
        with desk.vault() as vault:
            export_vault(desk.paths, vault, target, passphrase=passphrase)
        archive = target.open("rb")
    finally:
        # Gone before the first byte is sent: nothing that ends the visit can leave it behind.
        target.unlink(missing_ok=True)
    headers = {"content-disposition": 'attachment; filename="deskbound.zip.age"'}
    return StreamingResponse(
        _parts(archive), media_type="application/octet-stream", headers=headers
    )


def _parts(archive: BinaryIO) -> Iterator[bytes]:
    with archive:
        while part := archive.read(_PART):
            yield part


routes = [
    Route(PATH, show),
    Route(PATH, save, methods=["POST"]),
    Route("/settings/exclude", exclude, methods=["POST"]),
    Route("/settings/include", include, methods=["POST"]),
    Route("/settings/autostart", start_at_login, methods=["POST"]),
    Route("/settings/export", export, methods=["POST"]),
]
