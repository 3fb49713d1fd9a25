"""One folder of units for all tests: making days up takes longer than training on them."""

import pytest


@pytest.fixture(scope="session")
def days(tmp_path_factory):
    return tmp_path_factory.mktemp("days")
