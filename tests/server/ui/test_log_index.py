"""Where the log has a leaf: as the database itself says, also while it grows."""

from contextlib import closing

from deskbound_server.database import Database
from deskbound_server.ui import log_index
from deskbound_server.ui.log_index import LogIndex


def test_it_says_what_the_database_says_while_the_log_grows(tmp_path, monkeypatch):
    monkeypatch.setattr(log_index, "_AT_ONCE", 3)
    with closing(Database.open(tmp_path / "deskbound.db")) as database:
        index, leaves = LogIndex(), [b"leaf %d" % (number % 9) for number in range(20)]
        for begin in range(0, 20, 5):
            database.add_leaves(leaves[begin : begin + 5])
            for leaf in {*leaves, b"none"}:
                assert index.of(database, leaf) == database.leaf_index(leaf)
