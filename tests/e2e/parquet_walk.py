"""Walks a Parquet file byte by byte, by its specification alone, and checks that all it says of
itself is true: lengths, offsets, checksums, counts, statistics and indexes. Values come from
pyarrow, and what the file says of them is computed here anew."""
import dataclasses
import datetime
import decimal
import math
import struct
import zlib

import pyarrow as pa
import pyarrow.parquet as pq

MAGIC = b"PAR1"
DATA_PAGE, DICTIONARY_PAGE, DATA_PAGE_V2 = 0, 2, 3
BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FLBA = range(8)


class Thrift:
    """The compact protocol: a struct is a dict of field id to value."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def byte(self):
        self.at += 1
        return self.data[self.at - 1]

    def varint(self):
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def zigzag(self):
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def value(self, kind):
        if kind in (1, 2):
            return kind == 1
        if kind == 3:
            return struct.unpack("b", bytes([self.byte()]))[0]
        if kind in (4, 5, 6):
            return self.zigzag()
        if kind == 8:
            size = self.varint()
            self.at += size
            return bytes(self.data[self.at - size:self.at])
        if kind == 9:
            head = self.byte()
            size = head >> 4 if head >> 4 < 15 else self.varint()
            if head & 15 in (1, 2):
                return [self.byte() == 1 for _ in range(size)]
            return [self.value(head & 15) for _ in range(size)]
        assert kind == 12, f"a thrift type {kind} that Parquet does not use"
        return self.struct()

    def struct(self):
        fields, last = {}, 0
        while True:
            head = self.byte()
            if not head:
                return fields
            last = last + (head >> 4) if head >> 4 else self.zigzag()
            assert last not in fields
            fields[last] = self.value(head & 15)


@dataclasses.dataclass
class Page:
    offset: int
    header: dict
    length: int  # header and body

    @property
    def kind(self):
        return self.header[1]

    @property
    def values(self):
        return self.header[{0: 5, 2: 7, 3: 8}[self.kind]][1]

    @property
    def encoding(self):
        return self.header[{0: 5, 2: 7, 3: 8}[self.kind]][4 if self.kind == 3 else 2]


@dataclasses.dataclass
class Leaf:
    path: tuple
    type: int
    width: int
    max_def: int
    max_rep: int
    element: dict


def leaves_of(elements):
    """Leaves in order, from the flattened schema."""
    found, at = [], 1

    def walk(path, defs, reps):
        nonlocal at
        element = elements[at]
        at += 1
        path += (element[4].decode(),)
        defs += element[3] in (1, 2)
        reps += element[3] == 2
        if element.get(5):
            assert 1 not in element
            for _ in range(element[5]):
                walk(path, defs, reps)
        else:
            found.append(Leaf(path, element[1], element.get(2, 0), defs, reps, element))

    for _ in range(elements[0].get(5, 0)):
        walk((), 0, 0)
    assert at == len(elements)
    return found


class File:
    def __init__(self, path):
        self.path = str(path)
        with open(path, "rb") as file:
            self.data = file.read()
        assert self.data[:4] == MAGIC and self.data[-4:] == MAGIC
        self.footer_length = struct.unpack("<I", self.data[-8:-4])[0]
        thrift = Thrift(self.data, len(self.data) - 8 - self.footer_length)
        self.footer_at = thrift.at
        self.meta = thrift.struct()
        assert thrift.at == len(self.data) - 8
        self.leaves = leaves_of(self.meta[2])
        self.covered = [(0, 4), (self.footer_at, len(self.data))]

    def pages(self, chunk):
        """All pages of a chunk; checks the bytes they say they have."""
        meta = chunk[3]
        at = start = meta.get(11, meta[9])
        pages = []
        while at < start + meta[7]:
            thrift = Thrift(self.data, at)
            header = thrift.struct()
            body = self.data[thrift.at:thrift.at + header[3]]
            assert len(body) == header[3]
            assert zlib.crc32(body) == header[4] & 0xFFFFFFFF, "a page's checksum"
            pages.append(Page(at, header, thrift.at + header[3] - at))
            if meta[4] == 0:
                assert header[2] == header[3]
            at = thrift.at + header[3]
        assert at == start + meta[7], "total_compressed_size"
        self.covered.append((start, at))
        raw = sum(p.length - p.header[3] + p.header[2] for p in pages)
        assert raw == meta[6], "total_uncompressed_size"
        return pages

    def struct_at(self, offset, length):
        thrift = Thrift(self.data, offset)
        value = thrift.struct()
        assert thrift.at == offset + length
        self.covered.append((offset, offset + length))
        return value


# --- values as bounds ---------------------------------------------------------------------------


def as_number(leaf, data):
    """A bound of a numeric physical type as Python compares it."""
    logical = leaf.element.get(10, {})
    unsigned = 10 in logical and not logical[10][2]
    if leaf.type == BOOLEAN:
        return data == b"\1"
    if leaf.type in (INT32, INT64):
        return int.from_bytes(data, "little", signed=not unsigned)
    if leaf.type == FLOAT:
        return struct.unpack("<f", data)[0]
    if leaf.type == DOUBLE:
        return struct.unpack("<d", data)[0]
    if leaf.type == FLBA and 15 in logical:
        return struct.unpack("<e", data)[0]
    if leaf.type == FLBA and 5 in logical:
        return int.from_bytes(data, "big", signed=True)
    return data


EPOCH = datetime.date(1970, 1, 1)


def stored(leaf, value):
    """A value of pyarrow as the number or bytes Parquet compares."""
    logical = leaf.element.get(10, {})
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, decimal.Decimal):
        with decimal.localcontext() as context:
            context.prec = 100
            return int(value.scaleb(logical[5][1]))
    if isinstance(value, datetime.date) and not isinstance(value, datetime.datetime):
        return (value - EPOCH).days
    if hasattr(value, "bytes") and leaf.type == FLBA:
        return value.bytes
    return value


def physical_values(table, leaf):
    """The column as numbers or bytes, nulls as None. Flat columns only."""
    column = table[leaf.path[0]]
    type_ = column.type
    if isinstance(type_, pa.BaseExtensionType):
        column = pa.chunked_array([c.storage for c in column.chunks], type_.storage_type)
    elif pa.types.is_timestamp(type_) or pa.types.is_time64(type_) or pa.types.is_duration(type_):
        column = column.cast(pa.int64())
    elif pa.types.is_time32(type_):
        column = column.cast(pa.int32())
    return [None if v is None else stored(leaf, v) for v in column.to_pylist()]


def real(values):
    return [v for v in values if v is not None and not (isinstance(v, float) and math.isnan(v))]


def check_bounds(leaf, low, high, values, exact):
    """Bounds against the values they are of; `exact` (min, max) or None where it is not said."""
    least, most = min(values), max(values)
    got_low, got_high = as_number(leaf, low), as_number(leaf, high)
    if isinstance(least, bytes):
        assert len(low) <= 64 or leaf.type == FLBA
        assert least.startswith(got_low), (least, got_low)
        assert got_high >= most, (most, got_high)
        if len(least) <= 64:
            assert got_low == least
        if len(most) <= 64:
            assert got_high == most
        if leaf.element.get(10, {}).keys() & {1}:
            got_low.decode()
            got_high.decode()
        if exact:
            assert exact == (got_low == least, got_high == most)
        return
    assert (got_low, got_high) == (least, most)
    if isinstance(least, float):
        assert not (got_low == 0 and math.copysign(1, got_low) > 0), "a least zero is -0.0"
        assert not (got_high == 0 and math.copysign(1, got_high) < 0), "a greatest zero is +0.0"
    if exact:
        assert exact == (True, True)


# --- the walk -------------------------------------------------------------------------------------


def check_chunk_statistics(leaf, meta, values):
    stats = meta[12]
    assert 1 not in stats and 2 not in stats, "the legacy bounds are not written"
    if values is None:
        return
    assert stats[3] == sum(v is None for v in values)
    if real(values) and leaf.type != INT96:
        check_bounds(leaf, stats[6], stats[5], real(values), (stats[8], stats[7]))
    else:
        assert 5 not in stats and 6 not in stats


def check_column_index(file, leaf, chunk, locations, rows, values):
    """One entry a page, each recomputed from the page's own rows."""
    firsts = [location[3] for location in locations] + [rows]
    slices = None
    if values is not None:
        slices = [values[a:b] for a, b in zip(firsts, firsts[1:])]
    if 6 not in chunk:
        assert leaf.type == INT96 or slices is None or any(
            not real(s) and any(v is not None for v in s) for s in slices), "no column index"
        return
    index = file.struct_at(chunk[6], chunk[7])
    n = len(locations)
    assert len(index[1]) == len(index[2]) == len(index[3]) == len(index[5]) == n
    keys = []
    for i in range(n):
        if slices is not None:
            assert index[1][i] == (not any(v is not None for v in slices[i]))
            assert index[5][i] == sum(v is None for v in slices[i])
        if index[1][i]:
            assert index[2][i] == index[3][i] == b""
            continue
        if slices is not None:
            check_bounds(leaf, index[2][i], index[3][i], real(slices[i]), None)
        keys.append((as_number(leaf, index[2][i]), as_number(leaf, index[3][i])))
    steps = list(zip(keys, keys[1:]))
    up = all(a[0] <= b[0] and a[1] <= b[1] for a, b in steps)
    down = all(a[0] >= b[0] and a[1] >= b[1] for a, b in steps)
    assert index[4] == (1 if up else 2 if down else 0), "boundary order"


def check_pages(file, leaf, chunk, rows):
    """Pages against the metadata and the offset index; the page locations."""
    meta = chunk[3]
    pages = file.pages(chunk)
    data = [p for p in pages if p.kind != DICTIONARY_PAGE]
    dictionaries = [p for p in pages if p.kind == DICTIONARY_PAGE]
    assert len(dictionaries) <= 1 and (not dictionaries or pages[0] is dictionaries[0])
    assert (11 in meta) == bool(dictionaries)
    assert meta[9] == data[0].offset
    assert sum(p.values for p in data) == meta[5], "num_values"
    counted = {}
    for page in pages:
        counted[page.kind, page.encoding] = counted.get((page.kind, page.encoding), 0) + 1
    assert {(s[1], s[2]): s[3] for s in meta[13]} == counted, "encoding_stats"
    levels = {3} if leaf.max_def or leaf.max_rep else set()
    assert set(meta[2]) == {encoding for _, encoding in counted} | levels
    assert any(e == 8 for _, e in counted) == bool(dictionaries), "a dictionary that is used"
    locations = file.struct_at(chunk[4], chunk[5])[1]
    assert [(p.offset, p.length) for p in data] == [(l[1], l[2]) for l in locations]
    row = 0
    for page, location in zip(data, locations):
        assert location[3] == row or leaf.max_rep, "first_row_index"
        if page.kind == DATA_PAGE_V2:
            assert location[3] == row
            row += page.header[8][3]
        else:
            row += page.values
    assert row == rows or (leaf.max_rep and data[0].kind == DATA_PAGE)
    assert [l[3] for l in locations] == sorted(l[3] for l in locations)
    return data, locations


def check_covered(file):
    """No byte of the file is outside what was looked at, and none in two things."""
    at = 0
    for start, end in sorted(file.covered):
        assert start == at, f"bytes {at} to {start}"
        at = end
    assert at == len(file.data)


def check_file(path, page_rows=20000):
    """Checks everything; returns the file, its pages in `file.seen` by leaf path."""
    file = File(path)
    meta = file.meta
    assert meta[1] == 1
    assert len(meta[7]) == len(file.leaves) and all(order == {1: {}} for order in meta[7])
    assert meta[6].startswith(b"leat version ") and b" (build " in meta[6]
    assert [pair[1] for pair in meta.get(5, [])] == [b"ARROW:schema"]
    groups = meta[4]
    assert sum(g[3] for g in groups) == meta[3]
    file.seen = {leaf.path: [] for leaf in file.leaves}
    reader = pq.ParquetFile(path)
    for ordinal, group in enumerate(groups):
        table = reader.read_row_group(ordinal)
        assert group[3] > 0 and group[7] == ordinal and table.num_rows == group[3]
        assert group[2] == sum(c[3][6] for c in group[1])
        assert group[6] == sum(c[3][7] for c in group[1])
        assert 4 not in group, "no sorting columns are claimed"
        if group[1]:
            assert group[5] == group[1][0][3].get(11, group[1][0][3][9])
        for leaf, chunk in zip(file.leaves, group[1], strict=True):
            assert chunk[2] == 0 and tuple(p.decode() for p in chunk[3][3]) == leaf.path
            assert chunk[3][1] == leaf.type
            flat = len(leaf.path) == 1 and leaf.type != INT96
            values = physical_values(table, leaf) if flat else None
            data, locations = check_pages(file, leaf, chunk, group[3])
            check_chunk_statistics(leaf, chunk[3], values)
            check_column_index(file, leaf, chunk, locations, group[3], values)
            ends = [l[3] for l in locations[1:]] + [group[3]]
            assert all(end - l[3] <= page_rows for l, end in zip(locations, ends))
            file.seen[leaf.path] += data
    check_covered(file)
    return file
