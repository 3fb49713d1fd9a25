"""Release manifests: what is signed is what is read back, and every difference is named."""

import hashlib

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from deskbound_strategies import dsse
from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.errors import VerificationError
from deskbound_strategies.release import (
    MAX_BYTES,
    PACKAGES,
    Change,
    Kind,
    Package,
    Release,
    differences,
    manifest_name,
    parse_release,
    sign_release,
    verify_release,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
A, B = "aa" * 32, "bb" * 32
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
files = st.dictionaries(st.text("abc/._", min_size=1, max_size=12), hashes, max_size=6)


def a_release(**more):
    packages = tuple(Package(name, "0.1.0", {"a.py": A, "b/c.py": B}) for name in PACKAGES)
    return Release(packages, more)


def test_what_was_signed_is_read_back():
    release = a_release(torch=A)
    assert verify_release(sign_release(release, KEY), KEY.public_key()) == release
    assert parse_release(release.to_bytes()).digest() == release.digest()


def test_a_manifest_is_named_by_what_was_signed_and_by_whom():
    mine = sign_release(a_release(), KEY)
    theirs = sign_release(a_release(), Ed25519PrivateKey.generate())
    assert manifest_name(mine) == hashlib.sha256(mine).hexdigest()
    assert (
        len({manifest_name(one) for one in (mine, theirs, sign_release(a_release(x=A), KEY))}) == 3
    )


def test_a_manifest_that_is_too_large_is_not_even_parsed():
    with pytest.raises(VerificationError, match="too large"):
        verify_release(b"[" * (MAX_BYTES + 1), KEY.public_key())


def test_another_reviewer_does_not_count():
    other = Ed25519PrivateKey.generate().public_key()
    with pytest.raises(VerificationError, match="another key"):
        verify_release(sign_release(a_release(), KEY), other)


def test_a_signature_over_something_else_is_none():
    envelope = dsse.sign(a_release().to_bytes(), "application/vnd.other", KEY)
    with pytest.raises(VerificationError):
        verify_release(envelope, KEY.public_key())


def test_every_changed_byte_of_an_envelope_is_found():
    envelope = sign_release(a_release(), KEY)
    for at in range(len(envelope)):
        changed = envelope[:at] + bytes([envelope[at] ^ 1]) + envelope[at + 1 :]
        with pytest.raises(VerificationError):
            verify_release(changed, KEY.public_key())


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"[]",
        b"{}",
        canonical_bytes({"format": 1, "packages": {}, "records": {}}),
        canonical_bytes({"format": 2, "packages": {}, "records": {}}),
        a_release().to_bytes().replace(b'"format":1', b'"format":2'),
        a_release().to_bytes().replace(b'"format":1', b'"format":1.0'),
        a_release().to_bytes().replace(b'"format":1', b'"format":true'),
        a_release().to_bytes().replace(A.encode(), b"AA" * 32),
        a_release().to_bytes().replace(A.encode(), b"aa"),
        a_release().to_bytes().replace(b"deskbound_client", b"deskbound_cliant"),
        a_release().to_bytes().replace(b'"version":"0.1.0"', b'"version":"0/1"'),
        a_release().to_bytes().replace(b'"version":"0.1.0"', b'"version":7'),
        a_release().to_bytes() + b"\n",
    ],
)
def test_what_is_not_exactly_a_manifest_is_refused(payload):
    with pytest.raises(VerificationError):
        parse_release(payload)


@given(reviewed=files, here=files)
def test_differences_are_exactly_the_differences(reviewed, here):
    release = Release((Package(PACKAGES[0], "1", reviewed), Package(PACKAGES[1], "1", {})))
    found = (Package(PACKAGES[0], "1", here), Package(PACKAGES[1], "1", {}))
    changes = differences(release, found)
    assert (not changes) == (reviewed == here)
    rebuilt = dict(reviewed)
    for change in changes:
        path = change.path.partition("/")[2]
        if change.kind is Kind.MISSING:
            del rebuilt[path]
        else:
            assert (path in reviewed) == (change.kind is Kind.CHANGED)
            rebuilt[path] = here[path]
    assert rebuilt == here


def test_another_version_and_a_missing_package_are_differences():
    release = a_release()
    older = Package(PACKAGES[0], "0.0.9", dict(release.packages[0].files))
    assert differences(release, (older,)) == (
        Change(Kind.CHANGED, f"{PACKAGES[0]}/version"),
        Change(Kind.MISSING, PACKAGES[1]),
    )
