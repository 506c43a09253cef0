"""What people hand over as arrays, with what a gate may make of it: the same numbers, or an error."""

from __future__ import annotations

import warnings

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
import torch


class Nullable:
    """A column of pandas' Int64, Float64 or boolean, as its older versions convert it: objects, pd.NA among them."""

    def __init__(self, values: list, missing: list[bool]):
        self.values, self.missing = values, missing

    def isna(self) -> np.ndarray:
        return np.array(self.missing)

    def to_numpy(self) -> np.ndarray:
        return np.array(self.values, dtype=object)

    __array__ = None


with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of torch, about its kinds of tensors
    with torch.inference_mode():
        _INFERENCE = torch.tensor([1.5, 2.0])
    _CSR = torch.eye(2).to_sparse_csr()
    _NESTED = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)])
    _JAGGED = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)
    _QUANTIZED = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
    _MASKED = [torch.masked.masked_tensor(torch.tensor([1.5, 2.0]), torch.tensor([True, m])) for m in (True, False)]

# name -> (what is given, the float64 numbers that it is)
EXACT = {
    "nothing masked": (np.ma.masked_array([1.5, 2.0], mask=False), [1.5, 2.0]),
    "nothing masked, torch": (_MASKED[0], [1.5, 2.0]),
    "list": ([1, 2.5, True], [1.0, 2.5, 1.0]),
    "nested": ([[1, 2], (3, 4.5)], [[1.0, 2.0], [3.0, 4.5]]),
    "list of tensors": ([torch.tensor(1.5), torch.tensor(2)], [1.5, 2.0]),
    "list of arrays": ([np.ones(2), torch.zeros(2)], [[1.0, 1.0], [0.0, 0.0]]),
    "int64": (np.array([2**53, -(2**53), 2**60]), [2.0**53, -(2.0**53), 2.0**60]),
    "uint64": (np.array([2**63], dtype=np.uint64), [2.0**63]),
    "Python integers": ([2**70, 0.5], [2.0**70, 0.5]),
    "torch int64": (torch.tensor([7]), [7.0]),
    "bool": (np.array([True, False]), [1.0, 0.0]),
    "float16": (np.float16([1.5]), [1.5]),
    "bfloat16": (torch.tensor([1.5], dtype=torch.bfloat16), [1.5]),
    "long double": (np.array([0.5], dtype=np.longdouble), [0.5]),
    "matrix": (np.asmatrix([[1.0, 2.0]]), [[1.0, 2.0]]),
    "negative view": (torch.conj(torch.tensor([1 + 2j])).imag, [-2.0]),
    "parameter": (torch.nn.Parameter(torch.ones(2)), [1.0, 1.0]),
    "inference": (_INFERENCE, [1.5, 2.0]),
    "big endian": (np.array([1.5, 2.0], dtype=">f8"), [1.5, 2.0]),
    "strided": (np.arange(6.0)[::2], [0.0, 2.0, 4.0]),
    "expanded": (torch.ones(3).expand(2, 3), [[1.0] * 3] * 2),
    "range": (range(3), [0.0, 1.0, 2.0]),
    "number": (np.float32(2), 2.0),
    "nullable integers": (Nullable([1, 2], [False, False]), [1.0, 2.0]),
    "nullable booleans": (Nullable([True, False], [False, False]), [1.0, 0.0]),
    "arrow": (pa.array([1.5, 2.0]), [1.5, 2.0]),
}

# name -> (what is given, a word that the error must have)
REFUSED = {
    "masked": (np.ma.masked_equal([1.0, -999.0], -999.0), "masked"),
    "masked, torch": (_MASKED[1], "masked"),
    "masked in a list": ([1.0, np.ma.masked], "masked"),
    "masked rows": ([np.ma.masked_equal([1.0, 2.0], 2.0), [1.0, 1.0]], "masked"),
    "missing": (Nullable([1, None], [False, True]), "missing"),
    "complex": (np.array([1j]), "complex"),
    "complex list": ([1j], "complex"),
    "torch complex": (torch.ones(2, dtype=torch.complex64), ""),
    "objects": (np.array([1, 2], dtype=object), "objects"),
    "objects in a column": (Nullable(["a"], [False]), "objects"),
    "text": ("abc", "text"),
    "text in a list": (["1"], "text"),
    "bytes": (b"1", "text"),
    "dates": (np.array(["2020"], dtype="M8[D]"), "dates"),
    "spans": (np.array([1], dtype="m8[s]"), "spans"),
    "records": (np.zeros(2, dtype=[("a", float)]), "records"),
    "None": (None, "objects"),
    "None in a list": ([1, None], "objects"),
    "dict": ({"a": 1}, "objects"),
    "generator": ((i for i in range(3)), "objects"),
    "ragged": ([[1, 2], [3]], ""),
    "scipy sparse": (sp.csr_array(np.eye(2)), "toarray"),
    "torch COO": (torch.eye(2).to_sparse(), "to_dense"),
    "torch CSR": (_CSR, "to_dense"),
    "sparse in a list": ([torch.eye(2).to_sparse()], "to_dense"),
    "quantized": (_QUANTIZED, ""),
    "meta": (torch.ones(2, device="meta"), ""),
    "nested": (_NESTED, ""),
    "jagged": (_JAGGED, ""),
    "integer above 2^53": (np.array([2**53 + 1]), "2^53"),
    "torch integer above 2^53": (torch.tensor([2**53 + 1]), "2^53"),
    "listed integer above 2^53": ([2**53 + 1, 0.5], "2^53"),
    "uint64": (np.array([2**64 - 1], dtype=np.uint64), "2^53"),
    "huge": ([10**400], "2^53"),
}
if np.finfo(np.longdouble).nmant > 52:
    REFUSED["long double"] = (np.array([np.longdouble(1) / 3]), "float64 does not have")
