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


def test_roles_speak_line_by_line_and_who_says_one_line_says_nothing(tmp_path):
    folder = tmp_path / "shakespeare_roles"
    folder.mkdir()
    lines = [(1, "Words, words, words."), (2, "Who's there?"), (1, "Ay, marry, \u00e9.")]
    rows = [f'{user},hamlet,R,{place},"{text}"\n' for place, (user, text) in enumerate(lines)]
    (folder / "lines.csv").write_text("user,play,role,line,text\n" + "".join(rows), "utf-8")
    crowd = load("shakespeare_roles", tmp_path)
    (person,) = crowd.people
    text = f"{lines[0][1]}\n{lines[2][1]}\n"
    alphabet = sorted(set(text))
    assert [alphabet[token] for token in person.tokens] == list(text)
    assert person.seconds.tolist() == [0] * (len(lines[0][1]) + 1) + [1] * (len(lines[2][1]) + 1)
    assert crowd.size == len(alphabet)


def test_a_missing_set_is_one_sentence(tmp_path):
    with pytest.raises(SystemExit, match="--data"):
        load("abb_ide", tmp_path)
