"""The same rows once more as Apache Parquet, for those who have pyarrow (extra ``research``)."""

import itertools
from collections.abc import Iterable
from importlib.util import find_spec
from typing import IO, Any

from deskbound_client.archive.rows import ACTION_COLUMNS, THUMB_COLUMNS
from deskbound_strategies.errors import ConfigError

_ROWS_AT_ONCE = 20_000
_COLUMNS = {"actions": ACTION_COLUMNS, "thumbs": THUMB_COLUMNS}


def check_installed() -> None:
    """Check that pyarrow is there.

    Raises:
        ConfigError: when it is not.
    """
    if find_spec("pyarrow") is None:
        raise ConfigError(
            "Parquet needs the package pyarrow, which is not installed.",
            "Install deskbound-client with its extra `research`, or leave --parquet away.",
        )


def write(kind: str, rows: Iterable[Any], sink: IO[bytes]) -> int:
    """Write rows of one kind; return how many."""
    import pyarrow as pa  # noqa: PLC0415 - slow, and seldom there
    from pyarrow import parquet as pq  # noqa: PLC0415

    columns = _COLUMNS[kind]
    types = {"pixels": pa.binary(), "at": pa.int64(), "mono_s": pa.int64(), "boot": pa.int64()}
    schema = pa.schema([(name, types.get(name, pa.int32())) for name in columns])
    waiting, count = iter(rows), 0
    with pq.ParquetWriter(sink, schema) as writer:
        while several := list(itertools.islice(waiting, _ROWS_AT_ONCE)):
            values = {name: [getattr(row, name) for row in several] for name in columns}
            writer.write_table(pa.table(values, schema=schema))
            count += len(several)
    return count
