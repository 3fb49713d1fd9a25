"""However a pause meets capture, nothing is stored after it, and nothing of before it later."""

import pytest

from tests.helpers.display import desktop
from tests.helpers.pause_storm import storm

__all__ = ["desktop"]

pytestmark = pytest.mark.display


@pytest.mark.parametrize(
    ("count", "long_one_in"), [(40, 8), pytest.param(300, 10, marks=pytest.mark.slow)]
)
def test_no_row_comes_after_a_pause(tmp_path, desktop, count, long_one_in):
    found = storm(tmp_path, desktop, count, seed=count, long_one_in=long_one_in)
    assert found.honest, "the account of capture must be the vault's"
    assert found.stored > 0, "pauses must meet a capture that stores"
    assert found.busy, "some pauses must come while rows are being committed"
    assert (found.after, found.stale, found.forbidden) == (0, 0, 0)
