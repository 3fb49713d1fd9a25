import hashlib

import pytest

from deskbound_server.model_store import ModelStore
from deskbound_strategies.errors import NotFoundError, VaultDamagedError


def test_a_model_is_found_by_its_hash(tmp_path):
    store = ModelStore(tmp_path)
    name = store.save(b"weights")
    assert name == hashlib.sha256(b"weights").hexdigest()
    assert store.load(name) == b"weights"
    assert store.save(b"weights") == name
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("data", [b"", b"Weights", b"weights\0"])
def test_a_changed_file_is_noticed(tmp_path, data):
    store = ModelStore(tmp_path)
    name = store.save(b"weights")
    store.path(name).write_bytes(data)
    with pytest.raises(VaultDamagedError):
        store.load(name)


@pytest.mark.parametrize("name", ["", "../deskbound", "A" * 64, "a" * 63, "a" * 64 + "\n"])
def test_a_name_that_is_no_hash_leads_nowhere(tmp_path, name):
    with pytest.raises(NotFoundError):
        ModelStore(tmp_path).load(name)


def test_a_hash_nobody_saved(tmp_path):
    with pytest.raises(NotFoundError):
        ModelStore(tmp_path).load("a" * 64)
