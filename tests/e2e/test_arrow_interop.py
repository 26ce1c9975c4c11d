"""Arrow files and streams between leat and pyarrow, both ways.

LEAT_BUILD points at the build directory; arrow_tool there reads a file and writes it again, and
pyarrow judges what came out against what went in.
"""

import datetime
import decimal
import os
import pathlib
import subprocess

import pyarrow as pa
import pyarrow.ipc as ipc
import pytest

from conftest import needed

BUILD = pathlib.Path(
    os.environ.get("LEAT_BUILD", pathlib.Path(__file__).resolve().parents[2] / "build")
)
TOOL = BUILD / "tests" / "unit" / "formats" / "arrow_tool"


@pytest.fixture(scope="module", autouse=True)
def _tool():
    if not TOOL.exists():
        needed("arrow_tool is not built: meson setup with -Dtests=true")


def run(source, target, name="arrow", codec="none", rows=65536, forward=False):
    command = [TOOL, source, target, name, codec, str(rows)] + (["forward"] if forward else [])
    return subprocess.run(command, capture_output=True, text=True, check=False)


def write(path, table, stream=False, batch_rows=None, **options):
    make = ipc.new_stream if stream else ipc.new_file
    with make(str(path), table.schema, options=ipc.IpcWriteOptions(**options)) as writer:
        writer.write_table(table, max_chunksize=batch_rows)


def read(path, stream=False):
    with pa.OSFile(str(path)) as file:
        reader = ipc.open_stream(file) if stream else ipc.open_file(file)
        table = reader.read_all()
    table.validate(full=True)
    return table


def plain_type(type_):
    """The type as leat hands it out: dictionaries and views decoded, at any depth."""
    if pa.types.is_dictionary(type_):
        return plain_type(type_.value_type)
    if type_ == pa.string_view():
        return pa.string()
    if type_ == pa.binary_view():
        return pa.binary()
    if pa.types.is_struct(type_):
        return pa.struct([f.with_type(plain_type(f.type)) for f in type_])
    if pa.types.is_map(type_):
        return pa.map_(plain_type(type_.key_type), plain_type(type_.item_type))
    if pa.types.is_fixed_size_list(type_):
        return pa.list_(type_.value_field.with_type(plain_type(type_.value_type)), type_.list_size)
    if pa.types.is_large_list(type_):
        return pa.large_list(type_.value_field.with_type(plain_type(type_.value_type)))
    if pa.types.is_list(type_):
        return pa.list_(type_.value_field.with_type(plain_type(type_.value_type)))
    return type_


def same(got, want):
    assert [f.name for f in got.schema] == [f.name for f in want.schema]
    assert [f.type for f in got.schema] == [plain_type(f.type) for f in want.schema]
    assert [f.nullable for f in got.schema] == [f.nullable for f in want.schema]
    assert (got.schema.metadata or {}) == (want.schema.metadata or {})
    assert [f.metadata or {} for f in got.schema] == [f.metadata or {} for f in want.schema]
    for field in want.schema:
        if plain_type(field.type) == field.type:
            # Chunks may be cut elsewhere, values may not.
            assert got[field.name].equals(want[field.name]), field.name
        else:
            assert got[field.name].to_pylist() == want[field.name].to_pylist(), field.name


def column(type_, values):
    return pa.array(values, type=type_)


def all_types(rows=100):
    """One column of every type leat keeps, each with nulls."""

    def fill(type_, make):
        return column(type_, [None if i % 7 == 3 else make(i) for i in range(rows)])

    day = datetime.date(2024, 2, 29)
    text = lambda i: "grün " * (i % 5) + str(i)  # noqa: E731
    columns = {
        "null": pa.nulls(rows),
        "bool": fill(pa.bool_(), lambda i: i % 3 == 0),
        "float16": fill(pa.float16(), lambda i: float(i)),
        "float32": fill(pa.float32(), lambda i: i / 4),
        "float64": fill(pa.float64(), lambda i: i / 3),
        "decimal128": fill(pa.decimal128(20, 3), lambda i: decimal.Decimal(i) / 8),
        "decimal256": fill(pa.decimal256(60, 3), lambda i: decimal.Decimal(-i) / 8),
        "utf8": fill(pa.string(), text),
        "large_utf8": fill(pa.large_string(), text),
        "binary": fill(pa.binary(), lambda i: bytes([i % 256]) * (i % 4)),
        "large_binary": fill(pa.large_binary(), lambda i: b"\0" * (i % 4)),
        "fixed_binary": fill(pa.binary(5), lambda i: bytes([i % 256] * 5)),
        "date32": fill(pa.date32(), lambda i: day + datetime.timedelta(i)),
        "date64": fill(pa.date64(), lambda i: day - datetime.timedelta(i)),
        "month_interval": pa.array(
            [None if i % 7 == 3 else pa.MonthDayNano([i, -i, i * 1000]) for i in range(rows)]
        ),
        "list": fill(pa.list_(pa.int32()), lambda i: [None if k == 1 else k for k in range(i % 4)]),
        "large_list": fill(pa.large_list(pa.string()), lambda i: [str(i)] * (i % 3)),
        "fixed_list": fill(pa.list_(pa.int16(), 2), lambda i: [i, None]),
        "struct": fill(
            pa.struct([("a", pa.int64()), ("b", pa.list_(pa.string()))]),
            lambda i: {"a": i, "b": [text(i), None]},
        ),
        "map": fill(pa.map_(pa.string(), pa.int32()), lambda i: [(str(k), k) for k in range(i % 3)]),
        "list_of_lists": fill(
            pa.list_(pa.list_(pa.bool_())), lambda i: [[True, None], [], None][: i % 4]
        ),
    }
    for bits in (8, 16, 32, 64):
        columns[f"int{bits}"] = fill(getattr(pa, f"int{bits}")(), lambda i: -(i % 100))
        columns[f"uint{bits}"] = fill(getattr(pa, f"uint{bits}")(), lambda i: i % 100)
    for unit in ("s", "ms", "us", "ns"):
        short = unit in ("s", "ms")
        columns[f"time_{unit}"] = fill((pa.time32 if short else pa.time64)(unit), lambda i: i * 800)
        columns[f"timestamp_{unit}"] = fill(pa.timestamp(unit), lambda i: i * 800)
        columns[f"timestamptz_{unit}"] = fill(pa.timestamp(unit, "Europe/Berlin"), lambda i: i)
        columns[f"duration_{unit}"] = fill(pa.duration(unit), lambda i: i)
    if hasattr(pa, "decimal32"):
        columns["decimal32"] = fill(pa.decimal32(7, 2), lambda i: decimal.Decimal(i))
        columns["decimal64"] = fill(pa.decimal64(15, 2), lambda i: decimal.Decimal(i))
    return pa.table(columns)


def decoded_types(rows=100):
    """Columns that arrive encoded: dictionaries and views, alone and nested."""
    words = ["", "a", "something longer than twelve bytes", None, "ÿ"]
    text = [words[i % 5] for i in range(rows)]
    indexed = pa.array(text).dictionary_encode()
    lists = [None if i % 6 == 5 else [words[k] for k in range(i % 4)] for i in range(rows)]
    columns = {
        "dictionary": indexed,
        "dictionary_int64": pa.array([i % 3 for i in range(rows)], pa.int64()).dictionary_encode(),
        "dictionary_large": pa.array(text, pa.large_string()).dictionary_encode(),
        "utf8_view": pa.array(text, pa.string_view()),
        "binary_view": pa.array([t and t.encode() for t in text], pa.binary_view()),
        "list_view_text": pa.array(lists, pa.list_(pa.string_view())),
        "list_dictionary": pa.ListArray.from_arrays(
            pa.array(range(0, 2 * rows + 1, 2), pa.int32()),
            pa.concat_arrays([indexed, indexed]),
        ),
        "fixed_list_dictionary": pa.FixedSizeListArray.from_arrays(
            pa.concat_arrays([indexed, indexed]), 2
        ),
        "struct_dictionary": pa.StructArray.from_arrays(
            [indexed, pa.array(range(rows))], ["d", "n"]
        ),
        "bool_dictionary": pa.DictionaryArray.from_arrays(
            pa.array([i % 2 for i in range(rows)], pa.int8()), pa.array([True, False])
        ),
        "dictionary_of_lists": pa.DictionaryArray.from_arrays(
            pa.array([i % 3 for i in range(rows)], pa.uint16()),
            pa.array([[1, 2], None, []], pa.list_(pa.int32())),
        ),
        "all_null": pa.array([None] * rows, pa.dictionary(pa.int8(), pa.string())),
    }
    return pa.table(columns)


TABLES = {"all_types": all_types, "decoded_types": decoded_types}


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
@pytest.mark.parametrize("codec_in", [None, "lz4", "zstd"])
@pytest.mark.parametrize("codec_out", ["none", "lz4", "zstd"])
def test_what_pyarrow_wrote_comes_back_as_it_was(tmp_path, table, stream, codec_in, codec_out):
    want = TABLES[table]()
    write(tmp_path / "in", want, stream, batch_rows=33, compression=codec_in)
    result = run(tmp_path / "in", tmp_path / "out", "arrows" if stream else "arrow", codec_out, 10)
    assert result.returncode == 0, result.stderr
    assert "rows 100 " in result.stdout
    same(read(tmp_path / "out", stream), want)


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("start", [0, 1, 8, 13])
def test_slices_keep_their_rows_and_nothing_else(tmp_path, table, start):
    want = TABLES[table]().slice(start, 50)
    write(tmp_path / "in", want)
    assert run(tmp_path / "in", tmp_path / "out", rows=7).returncode == 0
    same(read(tmp_path / "out"), want)


@pytest.mark.parametrize("table", TABLES)
def test_a_file_is_read_from_front_to_back_too(tmp_path, table):
    want = TABLES[table]()
    write(tmp_path / "in", want, batch_rows=40)
    result = run(tmp_path / "in", tmp_path / "out", "arrows", forward=True)
    assert result.returncode == 0, result.stderr
    same(read(tmp_path / "out", True), want)


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
def test_old_metadata_and_old_framing_are_read(tmp_path, stream):
    want = all_types()
    options = {"metadata_version": ipc.MetadataVersion.V4, "use_legacy_format": True}
    write(tmp_path / "in", want, stream, batch_rows=40, **options)
    result = run(tmp_path / "in", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    same(read(tmp_path / "out"), want)


def test_deltas_and_replacements_of_dictionaries_apply_from_their_place_on(tmp_path):
    type_ = pa.dictionary(pa.int32(), pa.string())
    parts = [
        pa.DictionaryArray.from_arrays(pa.array(rows, pa.int32()), pa.array(words))
        for rows, words in [
            ([0, 1, None], ["a", "b"]),
            ([2, 0, 1], ["a", "b", "c"]),
            ([3, 2], ["a", "b", "c", "d"]),
            ([0, 1, 0], ["other", "words"]),
            ([2], ["other", "words", "more"]),
        ]
    ]
    schema = pa.schema([("d", type_)])
    options = ipc.IpcWriteOptions(emit_dictionary_deltas=True)
    with ipc.new_stream(str(tmp_path / "in"), schema, options=options) as writer:
        for part in parts:
            writer.write_batch(pa.record_batch([part], schema=schema))
        assert writer.stats.num_dictionary_deltas == 3
        assert writer.stats.num_replaced_dictionaries == 1
    result = run(tmp_path / "in", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert read(tmp_path / "out")["d"].to_pylist() == [
        v for part in parts for v in part.to_pylist()
    ]


@pytest.mark.parametrize(
    "values",
    [
        pa.array([7, 8], pa.int64()),
        pa.array(["x", "y"]),
        pa.array([{"a": 1, "b": ["x"]}], pa.struct([("a", pa.int8()), ("b", pa.list_(pa.string()))])),
        pa.array([[1]], pa.list_(pa.int32())),
    ],
    ids=["int64", "utf8", "struct", "list"],
)
def test_a_dictionary_never_sent_is_missed_only_by_values(tmp_path, values):
    for rows, fine in [([None, None], True), ([None, 0], False)]:
        column = pa.DictionaryArray.from_arrays(pa.array(rows, pa.int8()), values)
        write(tmp_path / "whole", pa.table({"d": column}), stream=True)
        with pa.OSFile(str(tmp_path / "whole")) as file:
            messages = list(ipc.MessageReader.open_stream(file))
        assert [m.type for m in messages] == ["schema", "dictionary", "record batch"]
        parts = [m.serialize().to_pybytes() for m in messages if m.type != "dictionary"]
        (tmp_path / "in").write_bytes(b"".join(parts))
        result = run(tmp_path / "in", tmp_path / "out")
        if fine:
            assert result.returncode == 0, result.stderr
            assert read(tmp_path / "out")["d"].to_pylist() == rows
        else:
            assert result.returncode == 1
            assert "[corrupt-file]" in result.stderr and "was not sent" in result.stderr


def test_metadata_of_schema_and_fields_is_kept(tmp_path):
    schema = pa.schema(
        [
            pa.field("a", pa.int32(), nullable=False, metadata={"leat.key": "1", "x": "ü"}),
            pa.field("b", pa.struct([pa.field("c", pa.string(), metadata={"deep": "yes"})])),
        ],
        metadata={"table": "orders", "empty": "", "zero": "a\0b"},
    )
    want = pa.table({"a": [1, 2], "b": [{"c": "x"}, None]}, schema=schema)
    write(tmp_path / "in", want)
    assert run(tmp_path / "in", tmp_path / "out").returncode == 0
    got = read(tmp_path / "out")
    same(got, want)
    assert got.schema.equals(schema, check_metadata=True)


@pytest.mark.parametrize("stream", [False, True], ids=["file", "stream"])
def test_a_table_without_rows_or_columns_is_a_table(tmp_path, stream):
    for want in (pa.table({"a": pa.array([], pa.string())}), pa.table({}), all_types().slice(0, 0)):
        write(tmp_path / "in", want, stream)
        name = "arrows" if stream else "arrow"
        result = run(tmp_path / "in", tmp_path / "out", name)
        assert result.returncode == 0, result.stderr
        same(read(tmp_path / "out", stream), want)


def test_a_wide_batch_is_given_out_in_pieces(tmp_path):
    want = pa.table({f"c{i}": pa.array(range(200_000), pa.int64()) for i in range(20)})
    write(tmp_path / "in", want)
    result = run(tmp_path / "in", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    rows, batches = result.stdout.split()[-3::2]
    assert int(rows) == 200_000 and int(batches) >= 4
    assert read(tmp_path / "out").equals(want)


@pytest.mark.parametrize(
    "array",
    [
        pa.UnionArray.from_sparse(pa.array([0], pa.int8()), [pa.array([1])]),
        pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["a"])),
        pa.array([[1]], pa.list_view(pa.int32())),
    ],
    ids=["union", "run-end", "list-view"],
)
def test_types_without_a_place_are_refused_by_name(tmp_path, array):
    write(tmp_path / "in", pa.table({"odd": array}))
    result = run(tmp_path / "in", tmp_path / "out")
    assert result.returncode == 1
    assert "[unsupported]" in result.stderr and 'column "odd"' in result.stderr
