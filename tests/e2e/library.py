"""libleat by ctypes: the structs and calls of include/leat that the tests use."""
import ctypes
from ctypes import (CFUNCTYPE, POINTER, Structure, byref, c_bool, c_char, c_char_p, c_int, c_int64,
                    c_size_t, c_void_p, cast)

import pyarrow

from conftest import build_folder


class ArrowSchema(Structure):
    pass


class ArrowStream(Structure):
    pass


class ArrowArray(Structure):
    pass


ArrowSchema._fields_ = [("format", c_char_p), ("name", c_char_p), ("metadata", c_void_p),
                        ("flags", c_int64), ("n_children", c_int64), ("children", c_void_p),
                        ("dictionary", c_void_p), ("release", CFUNCTYPE(None, POINTER(ArrowSchema))),
                        ("private_data", c_void_p)]
ArrowArray._fields_ = [("length", c_int64), ("null_count", c_int64), ("offset", c_int64),
                       ("n_buffers", c_int64), ("n_children", c_int64), ("buffers", c_void_p),
                       ("children", c_void_p), ("dictionary", c_void_p),
                       ("release", CFUNCTYPE(None, POINTER(ArrowArray))),
                       ("private_data", c_void_p)]
ArrowStream._fields_ = [
    ("get_schema", CFUNCTYPE(c_int, POINTER(ArrowStream), POINTER(ArrowSchema))),
    ("get_next", CFUNCTYPE(c_int, POINTER(ArrowStream), POINTER(ArrowArray))),
    ("get_last_error", CFUNCTYPE(c_char_p, POINTER(ArrowStream))),
    ("release", CFUNCTYPE(None, POINTER(ArrowStream))), ("private_data", c_void_p)]


class Error(Structure):
    _fields_ = [("status", c_int), ("sys_errno", c_int), ("sqlstate", c_char * 6),
                ("code", c_char * 32), ("place", c_char * 256), ("remedy", c_char * 2048),
                ("message", c_char * 1024)]


class Option(Structure):
    _fields_ = [("name", c_char_p), ("kind", c_int), ("fallback", c_char_p),
                ("choices", c_char_p), ("help", c_char_p)]


class TypeIn(Structure):
    _fields_ = [("system", c_char_p), ("canonical", c_char_p), ("bare", c_char_p),
                ("note", c_char_p)]


class TypeOut(Structure):
    _fields_ = [("canonical", c_char_p), ("system", c_char_p), ("note", c_char_p)]


class Format(Structure):
    _fields_ = [("size", c_size_t), ("name", c_char_p), ("summary", c_char_p),
                ("extensions", POINTER(c_char_p)), ("read_options", POINTER(Option)),
                ("write_options", POINTER(Option)), ("types_in", POINTER(TypeIn)),
                ("types_out", POINTER(TypeOut)), ("binary", c_bool)]


class Param(Structure):
    _fields_ = [("name", c_char_p), ("value", c_char_p)]


WRITE = CFUNCTYPE(c_int, c_void_p, c_void_p, c_size_t)
CAST_KINDS = ("same", "safe", "checked", "refused")


class LeatError(Exception):
    """What a failed call put into its struct leat_error."""

    def __init__(self, error):
        self.code = error.code.decode()
        self.place = error.place.decode()
        self.remedy = error.remedy.decode()
        super().__init__(f"[{self.code}] {self.place}: {error.message.decode()}; {self.remedy}")


def params(options):
    """(name, value) pairs as the library takes them."""
    return (Param * max(len(options), 1))(*[Param(n.replace("_", "-").encode(), str(v).encode())
                                            for n, v in options.items()]), c_size_t(len(options))


class Stream:
    """An ArrowArrayStream of leat's, as other Arrow libraries take one."""

    def __init__(self, keep=None):
        self.struct = ArrowStream()
        self.keep = keep  # what must outlive it
        self.capsules = []

    @property
    def address(self):
        return ctypes.addressof(self.struct)

    @property
    def released(self):
        return not self.struct.release

    def release(self):
        if not self.released:
            self.struct.release(byref(self.struct))

    def reader(self):
        """pyarrow takes it over."""
        return pyarrow.RecordBatchReader._import_from_c(self.address)

    def table(self):
        return self.reader().read_all()

    def __arrow_c_stream__(self, requested_schema=None):
        """A capsule, whose holder takes the struct over by moving it out."""
        new = ctypes.pythonapi.PyCapsule_New
        new.restype = ctypes.py_object
        new.argtypes = [c_void_p, c_char_p, c_void_p]
        capsule = new(self.address, b"arrow_array_stream", None)
        return capsule


def exported(source):
    """A pyarrow reader or table as an ArrowArrayStream to be handed over."""
    reader = source if isinstance(source, pyarrow.RecordBatchReader) else source.to_reader(
        max_chunksize=1000)
    stream = ArrowStream()
    reader._export_to_c(ctypes.addressof(stream))
    return stream


class Schema:
    """An ArrowSchema of leat's, released with it."""

    def __init__(self):
        self.struct = ArrowSchema()

    def __del__(self):
        if self.struct.release:
            self.struct.release(byref(self.struct))


class Plan:
    def __init__(self, library, options):
        self.library = library
        self.handle = c_void_p()
        library.call("leat_plan_new", library.session, byref(self.handle))
        for name, value in options.items():
            library.call("leat_plan_set", self.handle, name.replace("_", "-").encode(),
                         str(value).encode())

    def free(self):
        self.library.c.leat_plan_free(self.handle)
        self.handle = c_void_p()

    def call(self, name, *arguments):
        self.library.call(name, self.handle, *arguments)
        return self


class Library:
    """One session."""

    def __init__(self):
        self.c = ctypes.CDLL(str(build_folder() / "src" / "libleat.so"))
        for name in ("leat_error_new", "leat_report_json"):
            getattr(self.c, name).restype = c_void_p
        self.c.leat_format_at.restype = c_bool
        for name in ("leat_free", "leat_plan_free", "leat_error_free", "leat_report_free",
                     "leat_text_free", "leat_report_json"):
            getattr(self.c, name).argtypes = [c_void_p]
        self.error = cast(self.c.leat_error_new(), POINTER(Error))
        self.session = c_void_p()
        self.call("leat_new", byref(self.session))

    def close(self):
        self.c.leat_free(self.session)
        self.c.leat_error_free(self.error)

    def call(self, name, *arguments):
        status = getattr(self.c, name)(*arguments, self.error)
        if status:
            assert status == self.error.contents.status
            raise LeatError(self.error.contents)

    def text(self, pointer):
        """A text of the library's, freed."""
        value = cast(pointer, c_char_p).value.decode()
        self.c.leat_text_free(pointer)
        return value

    # --- types

    def type(self, name):
        schema = Schema()
        self.call("leat_type_parse", name.encode(), byref(schema.struct))
        return schema

    def type_name(self, schema):
        text = c_void_p()
        self.call("leat_type_print", byref(schema.struct), byref(text))
        return self.text(text)

    def cast_kind(self, a, b):
        a, b = self.type(a), self.type(b)
        return CAST_KINDS[self.c.leat_cast_kind(byref(a.struct), byref(b.struct))]

    def cast_stream(self, source, arrow_schema, null=False):
        wanted, taken, made = ArrowSchema(), exported(source), Stream()
        arrow_schema._export_to_c(ctypes.addressof(wanted))
        try:
            self.call("leat_cast_stream", byref(taken), byref(wanted), int(null),
                      byref(made.struct))
        except LeatError:
            assert taken.release  # it stays the caller's
            taken.release(byref(taken))
            raise
        finally:
            wanted.release(byref(wanted))
        assert not taken.release
        return made

    # --- formats

    def formats(self):
        found = []
        while True:
            format_ = Format(size=ctypes.sizeof(Format))
            if not self.c.leat_format_at(self.session, c_size_t(len(found)), byref(format_)):
                return found
            found.append(format_)

    def read_file(self, path, format_=None, **options):
        stream = Stream()
        self.call("leat_format_read", self.session, format_ and format_.encode(),
                  str(path).encode(), *params(options), byref(stream.struct))
        return stream

    def read_bytes(self, data, format_=None, **options):
        stream = Stream(keep=data)
        self.call("leat_format_read_bytes", self.session, format_ and format_.encode(),
                  c_char_p(data), c_size_t(len(data)), *params(options), byref(stream.struct))
        return stream

    def write_file(self, source, path, format_=None, **options):
        taken = exported(source)
        self.call("leat_format_write", self.session, byref(taken), format_ and format_.encode(),
                  str(path).encode(), *params(options))
        assert not taken.release

    def write_bytes(self, source, format_, write=None, **options):
        taken, chunks = exported(source), []

        def keep(_, data, size):
            chunks.append(ctypes.string_at(data, size))
            return 0

        self.call("leat_format_write_bytes", self.session, byref(taken), format_.encode(),
                  WRITE(write or keep), None, *params(options))
        return b"".join(chunks)

    # --- plans

    def read(self, location, **options):
        """A stream and its plan, which must be freed after it."""
        plan, stream = Plan(self, options), Stream()
        try:
            plan.call("leat_plan_source", str(location).encode())
            plan.call("leat_read", byref(stream.struct))
        except LeatError:
            plan.free()
            raise
        stream.keep = plan
        return stream

    def load(self, source, location, **options):
        """Runs a plan from a pyarrow table into a location; returns the report's text."""
        plan, taken, report = Plan(self, options), exported(source), c_void_p()
        try:
            plan.call("leat_plan_source_stream", byref(taken), b"given")
            assert not taken.release
            plan.call("leat_plan_destination", str(location).encode())
            plan.call("leat_run", None, byref(report))
            return cast(self.c.leat_report_json(report), c_char_p).value.decode()
        finally:
            self.c.leat_report_free(report)
            plan.free()
