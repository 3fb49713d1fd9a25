from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from benchmarks.people.sets import FEWEST, load

BEGUN = datetime(2026, 11, 2, 9)  # noqa: DTZ001 - the sets tell the time on a wall


def ide(folder, *events) -> None:
    """Events of two people, interleaved: (person, action)."""
    users, actions = zip(*events, strict=True)
    times = [BEGUN + timedelta(seconds=place) for place in range(len(events))]
    table = {"user": users, "t": pa.array(times, pa.timestamp("s")), "action": actions}
    (folder / "abb_ide").mkdir()
    pq.write_table(pa.table(table), folder / "abb_ide" / "events.parquet")


def test_carets_and_scrolls_go_and_repeats_are_one(tmp_path):
    mine = [(1, action) for _ in range(FEWEST) for action in (7, 0, 7, 1, 30)]
    few = [(2, 7)] * 50  # one event, when merged
    ide(tmp_path, *few[:25], *mine, *few[25:])
    crowd = load("abb_ide", tmp_path)
    (person,) = crowd.people
    assert crowd.size == 2
    assert person.tokens.tolist() == [0, 1] * FEWEST
    assert person.seconds[1] - person.seconds[0] == 4
    past, future = person.split()
    assert (len(past.tokens), len(future.tokens)) == (32, 8)
    assert [*past.seconds, *future.seconds] == sorted(person.seconds)


def test_commands_are_by_name_and_repeats_stay(tmp_path):
    folder = tmp_path / "cyber_shell"
    folder.mkdir()
    lines = [f"5,g,s,2026-11-02T09:00:{s:02}+00:00,bash-command,ls\n" for s in range(FEWEST)]
    late = "5,g,s,2026-11-02T08:00:00+00:00,bash-command,cd\n"
    text = "user,game,session,t,cmd_type,name\n" + "".join(lines) + late
    (folder / "commands.csv").write_text(text)
    crowd = load("cyber_shell", tmp_path)
    assert crowd.people[0].tokens.tolist() == [0] + [1] * FEWEST
    assert crowd.size == 2


def test_a_missing_set_is_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match="--data"):
        load("abb_ide", tmp_path)
