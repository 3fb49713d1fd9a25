"""``deskbound predict``: the shared model measured on this laptop's own held-out day."""

import pytest

from deskbound_strategies import codec
from deskbound_strategies.task import find_task, weights_of
from deskbound_strategies.vocabulary import VOCABULARY_HASH
from tests.helpers.cli import days_ago
from tests.helpers.federation import fill


@pytest.fixture(scope="module")
def model():
    task = find_task("next_action")
    assert task.vocabulary_hash == VOCABULARY_HASH
    return codec.encode(weights_of(task.build_model(0)), task.layout())


@pytest.fixture
def trained(desk, model):
    """Three complete days, and the model that came last."""
    with desk.vault() as vault:
        for back in (3, 2, 1):
            fill(vault, back, seed=back, count=120)
    desk.paths.model_weights.write_bytes(model)
    return desk


def test_the_model_is_measured_beside_what_one_could_do_alone(trained):
    found = trained.ask("predict")
    assert found["held_out"] == [days_ago(1).isoformat()]
    assert found["positions"] > 50
    assert {"before", "shared model"} < set(found["scores"])
    assert len(found["scores"]) >= 5, "the baselines"
    for score in found["scores"].values():
        assert 0 <= score["hit1"] <= score["hit5"] <= 1
    assert found["scores"]["before"] == found["scores"]["shared model"]  # the same first weights
    assert len(found["next"]) == 5
    chances = [guess["probability"] for guess in found["next"]]
    assert chances == sorted(chances, reverse=True)
    said = trained.ok("predict")
    assert "shared model" in said
    assert found["next"][0]["words"] in said


def test_several_models_make_a_curve(trained, model, tmp_path):
    file = tmp_path / "published.bin"
    file.write_bytes(model)
    found = trained.ask("predict", "--model", str(file), "--model", str(file))
    assert len(found["models"]) == 2


@pytest.mark.parametrize("harm", ["cut short", "not finite", "something else"])
def test_what_is_no_model_is_told(trained, model, harm):
    nan = bytes.fromhex("0000c07f")
    content = {
        "cut short": model[:-1],
        "not finite": model[: codec.HEADER_BYTES] + nan + model[codec.HEADER_BYTES + 4 :],
        "something else": b"PK\x03\x04",
    }[harm]
    trained.paths.model_weights.write_bytes(content)
    trained.fails(10, "predict")


def test_without_a_model_the_mend_is_to_join(desk):
    assert "Join a fleet" in desk.fails(17, "predict")


def test_without_days_to_measure_on_it_says_so(desk, model):
    desk.paths.model_weights.write_bytes(model)
    desk.store(days_ago(1))
    assert "Measuring needs activity" in desk.fails(10, "predict")
    text = desk.paths.config.read_text()
    desk.paths.config.write_text(text.replace("holdout_days = 1", "holdout_days = 0"))
    assert "holdout_days" in desk.fails(10, "predict")
