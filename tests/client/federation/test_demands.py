"""What a floor demands of the machine, looked at for real: this process is confined by nobody."""

import base64
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deskbound_client.federation.demands import Demands
from deskbound_client.paths import HomePaths
from deskbound_client.sandbox import report
from deskbound_client.sandbox.confine import Confinement
from deskbound_client.store.files import replace_private
from deskbound_strategies import installed
from deskbound_strategies.errors import CodeChangedError, SandboxError
from deskbound_strategies.floor import DEFAULT
from deskbound_strategies.release import PACKAGES, Release, manifest_name, sign_release

KEY = Ed25519PrivateKey.generate()
REVIEWER = base64.b64encode(KEY.public_key().public_bytes_raw()).decode()


@pytest.fixture
def paths(tmp_path):
    made = HomePaths(tmp_path / "home")
    made.prepare()
    return made


def codes(paths, floor):
    told = []
    demands = Demands(paths, told.append)
    met = demands.met(floor)
    assert demands.met(floor) is met
    assert met is not bool(told), "what is in the way is told once"
    return [type(error) for error in told]


def test_a_floor_that_demands_nothing_is_met(paths):
    assert codes(paths, DEFAULT) == []


def test_a_sandbox_that_is_demanded_must_hold_for_this_very_process(paths):
    floor = replace(DEFAULT, sandbox="required")
    assert codes(paths, floor) == [SandboxError]
    report.write(paths, "executor", Confinement(0, seccomp=True))
    assert codes(paths, floor) == [SandboxError], "half a sandbox is none"
    report.write(paths, "executor", Confinement(7, seccomp=True))
    assert codes(paths, floor) == []


def test_code_must_be_signed_for_by_one_of_the_reviewers(paths):
    other = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    floor = replace(DEFAULT, reviewers=(other, REVIEWER))
    assert codes(paths, floor) == [CodeChangedError], "there is no manifest"
    found = tuple(installed.read_package(name) for name in PACKAGES)
    replace_private(paths.release, sign_release(Release(found, {}), KEY))
    assert codes(paths, floor) == []
    assert codes(paths, replace(DEFAULT, reviewers=(other,))) == [CodeChangedError]
    less = replace(found[0], files=dict(list(found[0].files.items())[1:]))
    replace_private(paths.release, sign_release(Release((less, *found[1:]), {}), KEY))
    assert codes(paths, floor) == [CodeChangedError], "a file that nobody signed for"


def test_the_manifest_is_the_one_that_this_process_was_compared_with(paths):
    found = tuple(installed.read_package(name) for name in PACKAGES)
    signed = sign_release(Release(found, {}), KEY)
    replace_private(paths.release, signed)
    demands, floor = Demands(paths), replace(DEFAULT, reviewers=(REVIEWER,))
    assert demands.manifest(DEFAULT) == "", "nobody asked"
    assert demands.manifest(floor) == manifest_name(signed)
    replace_private(paths.release, sign_release(Release(found, {"torch": "ab" * 32}), KEY))
    assert demands.manifest(floor) == manifest_name(signed), "what came later was not looked at"
    assert Demands(paths).manifest(floor) != manifest_name(signed)


def test_code_that_no_reviewer_signed_has_no_manifest(paths):
    floor = replace(DEFAULT, reviewers=(REVIEWER,))
    assert Demands(paths).manifest(floor) == ""
    found = tuple(installed.read_package(name) for name in PACKAGES)
    replace_private(paths.release, sign_release(Release(found, {}), Ed25519PrivateKey.generate()))
    assert Demands(paths).manifest(floor) == ""
