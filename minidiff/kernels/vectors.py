"""Vectors of numbers, for the one loop where the compiler does not find them itself.

A processor works on a *vector* of 4, 8 or 16 neighbouring numbers as fast as on a single one. Most loops need no help:
the compiler sees that neighbours are treated alike and takes many at a time. A matrix product is different. It is fast
when a part of the result stays in the processor's registers while its sums grow (`products.py`), and an array is
memory, never a register. So here is one more kind of value for a kernel's variables, beside numbers, tuples and
arrays: a vector of LANES numbers, and four things to do with it.

    total = zeros(A)                                      LANES zeros of A's dtype
    row = load(A, i, j)                                   A[i, j : j + LANES]
    total = multiply_add(number, row, total)              number * row + total
    store(A, i, j, total)                                 A[i, j : j + LANES] = total

The functions below are their meaning, in NumPy; without the compiler they are what runs. Under each, the compiler is
told which type comes out (`type_callable`) and which instructions do it (`lower_builtin`), in the language of LLVM, the
compiler under Numba; these functions are registered and never called by name. LLVM makes of a vector as many registers
as it takes. As in all kernels, nothing checks that i and j lie within the array.

Read more: `tutorials/speed.md`; Numba's manual, "Low-level extension API".
"""

import numpy as np
from llvmlite import ir
from llvmlite.binding import get_host_cpu_features
from numba import types
from numba.core import cgutils
from numba.extending import lower_builtin, models, register_model, type_callable

# Numbers in a vector. Eight of them in float32, a tile in `products.py`, leave registers free for what is added to it:
# AVX-512 has 32 registers of 16 numbers, AVX2 16 of 8, NEON 32 of 4.
LANES = 32 if get_host_cpu_features().get("avx512f", False) else 8


class Vector(types.Type):
    """The type of a vector of LANES numbers, as the compiler knows it."""

    def __init__(self, dtype):
        self.dtype = dtype
        super().__init__(f"Vector({dtype} x {LANES})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """A Vector lives in registers: to LLVM it is one value, not a place in memory."""

    def __init__(self, manager, vector):
        number = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(number, LANES))


def zeros(A):
    """LANES zeros of the dtype of the array A."""
    return np.zeros(LANES, A.dtype)


@type_callable(zeros)
def _(context):
    return lambda A: Vector(A.dtype)


@lower_builtin(zeros, types.Array)
def _(context, builder, signature, arguments):
    return ir.Constant(context.get_value_type(signature.return_type), None)


def load(A, i, j):
    """A[i, j : j + LANES], of a two-dimensional array whose rows are contiguous."""
    return A[i, j : j + LANES].copy()


@type_callable(load)
def _(context):
    return lambda A, i, j: Vector(A.dtype)


@lower_builtin(load, types.Array, types.Integer, types.Integer)
def _(context, builder, signature, arguments):
    place = _address(context, builder, signature, arguments, context.get_value_type(signature.return_type))
    return builder.load(place, align=_alignment(signature.args[0]))


def store(A, i, j, vector):
    """A[i, j : j + LANES] = vector, of a two-dimensional array whose rows are contiguous."""
    A[i, j : j + LANES] = vector


@type_callable(store)
def _(context):
    return lambda A, i, j, vector: types.none


@lower_builtin(store, types.Array, types.Integer, types.Integer, Vector)
def _(context, builder, signature, arguments):
    place = _address(context, builder, signature, arguments, arguments[3].type)
    builder.store(arguments[3], place, align=_alignment(signature.args[0]))
    return context.get_dummy_value()


def multiply_add(number, vector, total):
    """number * vector + total."""
    return number * vector + total


@type_callable(multiply_add)
def _(context):
    return lambda number, vector, total: total


@lower_builtin(multiply_add, types.Float, Vector, Vector)
def _(context, builder, signature, arguments):
    number, vector, total = arguments
    undefined, index = ir.Constant(vector.type, ir.Undefined), ir.IntType(32)
    in_first_lane = builder.insert_element(undefined, number, index(0))
    first_lane_for_all = ir.Constant(ir.VectorType(index, LANES), None)  # zeros: each lane takes lane 0
    in_all_lanes = builder.shuffle_vector(in_first_lane, undefined, first_lane_for_all)
    # "contract" allows the two to be one instruction
    return builder.fadd(builder.fmul(in_all_lanes, vector, flags=["contract"]), total, flags=["contract"])


def _address(context, builder, signature, arguments, vector):
    """Where A[i, j] lies, as the address of a vector."""
    array = context.make_array(signature.args[0])(context, builder, arguments[0])
    element = cgutils.get_item_pointer(context, builder, signature.args[0], array, arguments[1:3])
    return builder.bitcast(element, vector.as_pointer())


def _alignment(array):
    """A vector may begin at any number of an array, not only at multiples of its own size."""
    return array.dtype.bitwidth // 8
