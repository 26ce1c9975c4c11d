"""Equality of Arrow tables: names, types, nullability, and values down to the bits of floats."""
import pyarrow as pa
import pyarrow.compute as pc


def storage(type_):
    return type_.storage_type if isinstance(type_, pa.BaseExtensionType) else type_


def bits(array):
    """Floats as the integers of the same bits: NaNs are compared, too, and signs of zeros."""
    widths = {pa.float16(): pa.uint16(), pa.float32(): pa.uint32(), pa.float64(): pa.uint64()}
    return array.view(widths[array.type]) if array.type in widths else array


def leaves(array, path=""):
    """The flat parts of a nested array: validity and lengths of each level, values of the leaves."""
    array = array.storage if isinstance(array, pa.ExtensionArray) else array
    type_ = array.type
    if pa.types.is_map(type_):
        first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
        yield path + "{}", pc.if_else(array.is_null(), None,
                                      pc.subtract(array.offsets[1:], array.offsets[:-1]))
        yield from leaves(array.keys[first:last], path + ".key")
        yield from leaves(array.items[first:last], path + ".value")
    elif pa.types.is_list(type_) or pa.types.is_large_list(type_):
        yield path + "[]", pc.list_value_length(array)
        yield from leaves(pc.list_flatten(array), path + "[]")
    elif pa.types.is_struct(type_):
        yield path + "()", array.is_null()
        for field, child in zip(type_, array.flatten()):
            yield from leaves(child, f"{path}.{field.name}")
    else:
        yield path, bits(array)


def one_array(column):
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def compare(got, want):
    assert got.column_names == want.column_names
    assert got.num_rows == want.num_rows
    for mine, theirs in zip(got.schema, want.schema):
        assert same_type(mine, theirs), f"{mine} where {theirs} is expected"
        a = list(leaves(one_array(got.column(mine.name))))
        b = list(leaves(one_array(want.column(mine.name))))
        assert [path for path, _ in a] == [path for path, _ in b]
        for (path, x), (_, y) in zip(a, b):
            assert x.equals(y), f"{mine.name}{path}: {x.diff(y)}"


def same_type(mine, theirs):
    """Types and nullability at every depth; what the parts of lists are called is not compared."""
    a, b = storage(mine.type), storage(theirs.type)
    if mine.nullable != theirs.nullable:
        return False
    if pa.types.is_map(a) and pa.types.is_map(b):
        return same_type(a.key_field, b.key_field) and same_type(a.item_field, b.item_field)
    if pa.types.is_list(a) and pa.types.is_list(b):
        return same_type(a.value_field, b.value_field)
    if pa.types.is_struct(a) and pa.types.is_struct(b):
        return [f.name for f in a] == [f.name for f in b] and all(map(same_type, a, b))
    return a == b
