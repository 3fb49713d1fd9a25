"""Change one setting in ``config.toml``; comments, order and every other line stay as they are."""

import fcntl
import os
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import tomlkit
from tomlkit.items import Array

from deskbound_client.config import Config, load_config, parse_config, write_default
from deskbound_client.store.files import replace_private, translated

Value = str | int | float | bool | tuple[str, ...]


def set_value(path: Path, name: str, value: Value) -> Config:
    """Write one setting and return all settings as they are now.

    What would not be a valid file afterwards is refused and nothing is written. Two writers wait
    for each other; a reader sees the old file or the new one.

    Raises:
        ConfigError: the file, the name or the value is not one we know.
        PermissionsError: others could have written the file.
        DiskFullError: there is no room.
    """
    return change_value(path, name, lambda _: value)


def change_value(path: Path, name: str, change: Callable[[Config], Value]) -> Config:
    """Write one setting made from the present ones; as ``set_value`` otherwise."""
    with _alone(path.parent):
        write_default(path)  # a missing file gets its comments, too
        value = change(load_config(path))
        document = tomlkit.parse(path.read_text(encoding="utf-8"))
        document[name] = _array(value) if isinstance(value, tuple) else value
        text = tomlkit.dumps(document)
        config = parse_config(tomllib.loads(text), path.name)
        replace_private(path, text.encode())
        return config


def _array(items: tuple[str, ...]) -> Array:
    array = tomlkit.array()
    array.extend(items)
    return array.multiline(len(items) > 2)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold off other writers; the folder itself is the lock, so no file is left behind."""
    with translated(folder):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
