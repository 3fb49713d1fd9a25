"""Weights and updates as bytes: one strict, fixed layout per model, and nothing to interpret.

    offset  bytes  what
    0       7      magic ``DSKBTNS``
    7       1      format version, 1
    8       32     SHA-256 of the layout (names, types, shapes, in order)
    40      n      the tensors' values in layout order, little-endian, C order, no padding

Both sides know the layout beforehand, from the task; none is read from the bytes. So the length is
known before anything is allocated, and there is no pickle, no numpy header and no compression for a
hostile sender to play with.
"""

import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from deskbound_strategies.canonical import canonical_bytes
from deskbound_strategies.errors import Refusal, RefusalCode

MAGIC = b"DSKBTNS\x01"
HEADER_BYTES = len(MAGIC) + hashlib.sha256().digest_size

DType = Literal["float32", "int64"]
Tensors = dict[str, npt.NDArray[Any]]

# int64 is the seam for secure aggregation, which sums integers; no task uses it yet.
_WIRE_DTYPES: dict[str, np.dtype[Any]] = {"float32": np.dtype("<f4"), "int64": np.dtype("<i8")}
_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,128}")
_MAX_RANK = 8
_MAX_ELEMENTS = 2**31


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """One tensor of a layout.

    Attributes:
        name: its name in the model, letters, digits and ``_.-`` only.
        shape: its shape; every dimension is at least 1, ``()`` is a scalar.
        dtype: element type, from a closed list.

    Raises:
        ValueError: when a field is outside its range.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType = "float32"

    def __post_init__(self) -> None:
        if _NAME.fullmatch(self.name) is None or self.dtype not in _WIRE_DTYPES:
            raise ValueError("a tensor needs a plain name and a known type")
        if len(self.shape) > _MAX_RANK or any(
            type(dimension) is not int or dimension < 1 for dimension in self.shape
        ):
            raise ValueError("a tensor needs at most eight positive dimensions")
        if self.elements > _MAX_ELEMENTS:
            raise ValueError("a tensor of a model this project trains is not that large")

    @property
    def elements(self) -> int:
        """How many values the tensor holds."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """How many bytes the tensor takes on the wire."""
        return self.elements * _WIRE_DTYPES[self.dtype].itemsize


Layout = tuple[TensorSpec, ...]


def layout_hash(layout: Layout) -> str:
    """Return SHA-256 (hex) of a layout's canonical description.

    Raises:
        ValueError: when two tensors have the same name.
    """
    return _layout_digest(layout).hex()


def encoded_size(layout: Layout) -> int:
    """Return how many bytes tensors of this layout take, header included."""
    return HEADER_BYTES + sum(spec.size for spec in layout)


def encode(tensors: Mapping[str, npt.NDArray[Any]], layout: Layout) -> bytes:
    """Write tensors in the order of the layout.

    Raises:
        ValueError: when a name is missing or extra, a type or shape differs, or a value is not
            finite. The sentence never holds a value.
    """
    if set(tensors) != {spec.name for spec in layout}:
        raise ValueError("the tensors are not those of the layout")
    chunks = [MAGIC, _layout_digest(layout)]
    for spec in layout:
        tensor = np.asarray(tensors[spec.name])
        if tensor.shape != spec.shape or tensor.dtype.name != spec.dtype:
            raise ValueError("a tensor has another type or shape than the layout says")
        if not _all_finite(tensor):
            raise ValueError("a tensor holds a value that is not finite")
        chunks.append(tensor.astype(_WIRE_DTYPES[spec.dtype], order="C", copy=False).tobytes())
    return b"".join(chunks)


def decode(data: bytes, layout: Layout) -> Tensors:
    """Read tensors of a known layout; checks length, header and finiteness, in that order.

    Returns:
        New writable arrays in native byte order, keyed by name, in layout order.

    Raises:
        Refusal: ``weights-malformed`` when the length or header is not the layout's,
            ``weights-not-finite`` when a value is NaN or infinite.
    """
    if len(data) != encoded_size(layout):
        raise Refusal(RefusalCode.WEIGHTS_MALFORMED)
    if data[:HEADER_BYTES] != MAGIC + _layout_digest(layout):
        raise Refusal(RefusalCode.WEIGHTS_MALFORMED)
    tensors: Tensors = {}
    offset = HEADER_BYTES
    for spec in layout:
        view = np.frombuffer(data, _WIRE_DTYPES[spec.dtype], spec.elements, offset)
        if not _all_finite(view):
            raise Refusal(RefusalCode.WEIGHTS_NOT_FINITE)
        tensors[spec.name] = view.reshape(spec.shape).astype(np.dtype(spec.dtype))
        offset += spec.size
    return tensors


def _layout_digest(layout: Layout) -> bytes:
    if len({spec.name for spec in layout}) != len(layout):
        raise ValueError("two tensors of a layout have the same name")
    described = [
        {"dtype": spec.dtype, "name": spec.name, "shape": list(spec.shape)} for spec in layout
    ]
    return hashlib.sha256(canonical_bytes(described)).digest()


def _all_finite(tensor: npt.NDArray[Any]) -> bool:
    return tensor.dtype.kind == "i" or bool(np.isfinite(tensor).all())
