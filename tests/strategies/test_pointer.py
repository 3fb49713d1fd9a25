import hashlib
import io
import zipfile
from pathlib import Path

import pytest
from flwr.cli.build import build_fab_from_disk, build_fab_from_files
from flwr.common.config import get_fab_config, get_metadata_from_config

from deskbound_strategies.errors import Refusal, RefusalCode
from deskbound_strategies.pointer import (
    FAB_ID,
    FAB_VERSION,
    POINTER_SHA256,
    check_pointer,
    pointer_fab,
)

SOURCE = Path(__file__).parents[2] / "server" / "fab"


def refused(bundle: bytes) -> None:
    with pytest.raises(Refusal) as caught:
        check_pointer(bundle)
    assert caught.value.code is RefusalCode.BUNDLE_UNKNOWN


def test_flower_builds_the_pinned_bundle_from_source():
    built = build_fab_from_disk(SOURCE)
    assert hashlib.sha256(built).hexdigest() == POINTER_SHA256
    assert pointer_fab() == built
    check_pointer(built)


def test_building_anywhere_else_makes_the_same_bundle(tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "pyproject.toml").write_bytes((SOURCE / "pyproject.toml").read_bytes())
    (folder / "stray.py").write_text("raise SystemExit")
    assert build_fab_from_disk(folder) == pointer_fab()


def test_the_pinned_bundle_carries_no_code_and_no_dependency():
    with zipfile.ZipFile(io.BytesIO(pointer_fab())) as bundle:
        assert bundle.namelist() == ["pyproject.toml", ".info/CONTENT"]
    config = get_fab_config(pointer_fab())
    assert config["project"]["dependencies"] == []
    components = config["tool"]["flwr"]["app"]["components"]
    assert components["clientapp"] == "deskbound_client.federation.client_app:app"
    assert components["serverapp"] == "deskbound_server.server_app:app"
    assert get_metadata_from_config(config) == (FAB_ID, FAB_VERSION)


def test_a_bundle_that_carries_code_is_refused():
    toml = (SOURCE / "pyproject.toml").read_bytes()
    hostile = toml.replace(b'"/pyproject.toml"', b'"/deskbound_client/**"')
    bundle, _ = build_fab_from_files(
        {"pyproject.toml": hostile, "deskbound_client/__init__.py": b"import os"}
    )
    with zipfile.ZipFile(io.BytesIO(bundle)) as opened:
        assert "deskbound_client/__init__.py" in opened.namelist()
    refused(bundle)


def test_a_bundle_that_names_another_app_is_refused():
    toml = (SOURCE / "pyproject.toml").read_bytes()
    bundle, _ = build_fab_from_files(
        {"pyproject.toml": toml.replace(b"client_app:app", b"evil:app")}
    )
    refused(bundle)


def test_every_changed_added_or_missing_byte_is_refused():
    whole = pointer_fab()
    refused(b"")
    refused(whole + b"\x00")
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 0x01
        refused(bytes(changed))
        refused(whole[:position])
