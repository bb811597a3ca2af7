"""Explicit vectors, for loops that the compiler does not vectorize well.

A processor operates on a *vector* of 4, 8 or 16 neighboring elements as fast as on a single one. The compiler
vectorizes most loops itself. Three are different: a matrix product, which is fast if a part of the result stays in
registers while its sums are computed (`products.py`); Winograd's maps, whose inputs and outputs are at 36 distant
positions (`winograd.py`); and transposition, where elements change their lanes. An array is always in memory, never in
a register. So this file adds a type for the variables of a kernel, besides scalars, tuples and arrays: a vector of
LANES elements, which may occupy several of the processor's registers.

    zeros(A)                                LANES zeros of A's dtype
    load(A, i, j)                           A[i, j : j + LANES]
    store(A, i, j, vector)                  A[i, j : j + LANES] = vector
    load_if(inside, A, i, j)                load if `inside` is true, zeros if not
    store_if(inside, A, i, j, vector)       store if `inside` is true, nothing if not
    a + b,  a - b,  scalar * a
    transpose_block(A, i, j, out)           out[j :, i :] = A[i :, j :]', a block of SIDE rows and columns

The functions below define them in NumPy, which is also what runs without the compiler. Below each, its result type
(`type_callable`) and its instructions (`lower_builtin`) are registered with Numba, in the language of its compiler,
LLVM; the registered functions are never called by name. LLVM splits a vector into as many registers as it needs. As in
all kernels, nothing checks that i and j are inside the array.

Read more: `tutorials/speed.md`; Numba's manual, "Low-level extension API".
"""

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import lower_builtin, models, register_model, type_callable

# Elements of a vector. Eight vectors of float32, a tile in `products.py`, leave registers free for the terms that are
# added to it: AVX-512 has 32 registers of 16 elements, AVX2 has 16 of 8, NEON has 32 of 4. The features are those that
# Numba compiles for (NUMBA_CPU_NAME may restrict them), not those of this computer. They are part of a kernel's key
# in Numba's cache, so computers that share a cache use the same kernel only if they have the same LANES.
TARGET = cpu_target.target_context.codegen().magic_tuple()  # of the compiler: triple, name of the CPU, its features
LANES = 32 if "+avx512f" in TARGET[2].split(",") else 8

SIDE = 8  # rows and columns of the block that is transposed at a time


class Vector(types.Type):
    """The Numba type of a vector of LANES elements."""

    def __init__(self, dtype: types.Type) -> None:
        self.dtype = dtype
        super().__init__(f"Vector({dtype} x {LANES})")


@register_model(Vector)
class VectorModel(models.PrimitiveModel):
    """The LLVM representation of a Vector: one value in registers, not an address in memory."""

    def __init__(self, manager: Any, vector: Vector) -> None:
        element = manager.lookup(vector.dtype).get_value_type()
        super().__init__(manager, vector, ir.VectorType(element, LANES))


def zeros(A: np.ndarray) -> np.ndarray:
    """LANES zeros of the dtype of the array A."""
    return np.zeros(LANES, A.dtype)


@type_callable(zeros)
def _(context):
    return lambda A: Vector(A.dtype)


@lower_builtin(zeros, types.Array)
def _(context, builder, signature, arguments):
    return ir.Constant(context.get_value_type(signature.return_type), None)


def load(A: np.ndarray, i: int, j: int) -> np.ndarray:
    """A[i, j : j + LANES], of a two-dimensional array whose rows are contiguous."""
    return A[i, j : j + LANES].copy()


@type_callable(load)
def _(context):
    return lambda A, i, j: Vector(A.dtype)


@lower_builtin(load, types.Array, types.Integer, types.Integer)
def _(context, builder, signature, arguments):
    address, alignment = _address_of(context, builder, signature.args, arguments)
    return builder.load(address, align=alignment)


def store(A: np.ndarray, i: int, j: int, vector: np.ndarray) -> None:
    """A[i, j : j + LANES] = vector, of a two-dimensional array whose rows are contiguous."""
    A[i, j : j + LANES] = vector


@type_callable(store)
def _(context):
    return lambda A, i, j, vector: types.none


@lower_builtin(store, types.Array, types.Integer, types.Integer, Vector)
def _(context, builder, signature, arguments):
    address, alignment = _address_of(context, builder, signature.args, arguments)
    builder.store(arguments[3], address, align=alignment)
    return context.get_dummy_value()


# With an `if` around load or store, Numba would count references to A in every iteration, which takes too long.


def load_if(inside: bool, A: np.ndarray, i: int, j: int) -> np.ndarray:
    """A[i, j : j + LANES] if inside; otherwise zeros, for any i and j."""
    return load(A, i, j) if inside else zeros(A)


@type_callable(load_if)
def _(context):
    return lambda inside, A, i, j: Vector(A.dtype)


@lower_builtin(load_if, types.Boolean, types.Array, types.Integer, types.Integer)
def _(context, builder, signature, arguments):
    vector, before = context.get_value_type(signature.return_type), builder.block
    with builder.if_then(arguments[0]):
        address, alignment = _address_of(context, builder, signature.args[1:], arguments[1:])
        loaded, within = builder.load(address, align=alignment), builder.block
    result = builder.phi(vector)  # one of two values, depending on the preceding block
    result.add_incoming(loaded, within)
    result.add_incoming(ir.Constant(vector, None), before)
    return result


def store_if(inside: bool, A: np.ndarray, i: int, j: int, vector: np.ndarray) -> None:
    """A[i, j : j + LANES] = vector if inside; otherwise nothing, for any i and j."""
    if inside:
        store(A, i, j, vector)


@type_callable(store_if)
def _(context):
    return lambda inside, A, i, j, vector: types.none


@lower_builtin(store_if, types.Boolean, types.Array, types.Integer, types.Integer, Vector)
def _(context, builder, signature, arguments):
    with builder.if_then(arguments[0]):
        address, alignment = _address_of(context, builder, signature.args[1:], arguments[1:])
        builder.store(arguments[4], address, align=alignment)
    return context.get_dummy_value()


def _address_of(context, builder, argument_types, arguments, lanes=LANES, rows_below=0):
    """The address of A[i + rows_below, j] as that of a vector, and its alignment, which is that of a single element."""
    array_type, *index_types = argument_types[:3]
    array = context.make_array(array_type)(context, builder, arguments[0])
    i, j = (context.cast(builder, arguments[1 + n], index_types[n], types.intp) for n in range(2))
    i = builder.add(i, i.type(rows_below))
    element = cgutils.get_item_pointer(context, builder, array_type, array, (i, j))
    vector = ir.VectorType(context.get_value_type(array_type.dtype), lanes)
    return builder.bitcast(element, vector.as_pointer()), array_type.dtype.bitwidth // 8


# Arithmetic. "contract" allows a product and a sum to become one instruction.


@type_callable(operator.add)
@type_callable(operator.sub)
def _(context):
    return lambda a, b: a if isinstance(a, Vector) and a == b else None


@lower_builtin(operator.add, Vector, Vector)
def _(context, builder, signature, arguments):
    return builder.fadd(*arguments, flags=["contract"])


@lower_builtin(operator.sub, Vector, Vector)
def _(context, builder, signature, arguments):
    return builder.fsub(*arguments, flags=["contract"])


@type_callable(operator.mul)
def _(context):
    return lambda scalar, vector: vector if isinstance(scalar, types.Number) and isinstance(vector, Vector) else None


@lower_builtin(operator.mul, types.Number, Vector)
def _(context, builder, signature, arguments):
    vector, index = arguments[1], ir.IntType(32)
    scalar = context.cast(builder, arguments[0], signature.args[0], signature.args[1].dtype)
    undefined = ir.Constant(vector.type, ir.Undefined)
    in_first_lane = builder.insert_element(undefined, scalar, index(0))
    first_lane_for_all = ir.Constant(ir.VectorType(index, LANES), None)  # zeros: each lane takes lane 0
    in_all_lanes = builder.shuffle_vector(in_first_lane, undefined, first_lane_for_all)
    return builder.fmul(in_all_lanes, vector, flags=["contract"])


# Transposition: the only operation that moves elements between lanes.


def transpose_block(A: np.ndarray, i: int, j: int, out: np.ndarray) -> None:
    """out[j : j + SIDE, i : i + SIDE] = the transpose of A[i : i + SIDE, j : j + SIDE]; rows are contiguous."""
    out[j : j + SIDE, i : i + SIDE] = A[i : i + SIDE, j : j + SIDE].T


@type_callable(transpose_block)
def _(context):
    return lambda A, i, j, out: types.none


@lower_builtin(transpose_block, types.Array, types.Integer, types.Integer, types.Array)
def _(context, builder, signature, arguments):
    rows = []
    for r in range(SIDE):
        address, alignment = _address_of(context, builder, signature.args, arguments, SIDE, r)
        rows.append(builder.load(address, align=alignment))
    # Exchanging two elements transposes a 2 x 2 matrix. It also transposes a matrix of 2 x 2 blocks, if the blocks are
    # transposed as well: blocks of 4 x 4 elements, in these blocks of 2 x 2, then single elements.
    for distance in (4, 2, 1):
        for r in range(SIDE):
            if not r & distance:
                upper, lower = rows[r], rows[r + distance]
                lanes = range(SIDE)  # of `upper`; those of `lower` are counted from SIDE on
                new_upper = [SIDE + lane - distance if lane & distance else lane for lane in lanes]
                new_lower = [SIDE + lane if lane & distance else lane + distance for lane in lanes]
                for target, choice in ((r, new_upper), (r + distance, new_lower)):
                    mask = ir.Constant(ir.VectorType(ir.IntType(32), SIDE), choice)
                    rows[target] = builder.shuffle_vector(upper, lower, mask)
    for r in range(SIDE):
        address, alignment = _address_of(context, builder, signature.args[::-1], arguments[::-1], SIDE, r)  # out, j, i
        builder.store(rows[r], address, align=alignment)
    return context.get_dummy_value()
