"""The installed library, as an embedding program sees it: header, pkg-config file, symbols."""
import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import ROOT, build_folder, needed


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """The build installed under a prefix of its own; the environment that finds it there."""
    build = build_folder()
    if not (build / "build.ninja").exists():
        needed("no build folder: run `make build`")
    root = tmp_path_factory.mktemp("installed")
    subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", root, "--quiet"],
                   check=True)
    found = list(root.rglob("leat.pc"))
    assert len(found) == 1
    libraries = found[0].parent.parent
    prefix = next(p for p in root.rglob("include") if (p / "leat" / "leat.h").exists()).parent
    env = {**os.environ, "PKG_CONFIG_PATH": str(found[0].parent),
           "LD_LIBRARY_PATH": str(libraries)}
    return prefix, libraries, env


def compile_example(installed, source, output, *flags):
    prefix, libraries, env = installed
    wanted = subprocess.run(
        ["pkg-config", f"--define-variable=prefix={prefix}", "--cflags", "--libs", "leat"],
        check=True, capture_output=True, text=True, env=env).stdout.split()
    subprocess.run([shutil.which("cc"), "-std=c11", "-Wall", "-Wextra", "-Werror", *flags,
                    str(source), "-o", str(output), *wanted], check=True)


def test_the_example_is_built_against_the_installed_library_and_copies(installed, tmp_path):
    program = tmp_path / "embed"
    compile_example(installed, ROOT / "examples" / "embed.c", program)
    (tmp_path / "in.csv").write_text("id,name\n1,one\n2,two\n", encoding="utf-8")
    env = {"PATH": os.environ["PATH"], "LD_LIBRARY_PATH": installed[2]["LD_LIBRARY_PATH"]}
    done = subprocess.run([program, tmp_path / "in.csv", f"sqlite:{tmp_path}/shop.db#orders"],
                          capture_output=True, text=True, check=False, env=env, timeout=60)
    assert done.returncode == 0, done.stderr
    assert "2 rows, counts equal" in done.stdout and "read back: 2 rows" in done.stdout
    done = subprocess.run([program, tmp_path / "none.csv", f"sqlite:{tmp_path}/shop.db#orders"],
                          capture_output=True, text=True, check=False, env=env, timeout=60)
    assert done.returncode == 1 and "[not-found]" in done.stderr and done.stdout == ""


def test_public_headers_compile_from_cxx_and_each_alone(installed, tmp_path):
    prefix, _, _ = installed
    headers = sorted(p.name for p in (prefix / "include" / "leat").iterdir())
    assert headers == ["arrow.h", "config.h", "connector.h", "error.h", "execution.h", "leat.h", "pipe.h",
                       "state.h"]
    compilers = [[shutil.which("cc"), "-std=c11", "-x", "c"]]
    if shutil.which("c++"):
        compilers.append([shutil.which("c++"), "-std=c++17", "-x", "c++"])
    for header in headers:
        source = tmp_path / "one.c"
        source.write_text(f"#include <leat/{header}>\n", encoding="utf-8")
        for compiler in compilers:
            subprocess.run([*compiler, "-Wall", "-Wextra", "-Werror", f"-I{prefix}/include",
                            "-fsyntax-only", str(source)], check=True)


def test_the_library_exports_nothing_by_accident(installed):
    _, libraries, _ = installed
    library = pathlib.Path(os.path.realpath(libraries / "libleat.so"))
    listed = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                            capture_output=True, text=True).stdout
    names = [line.split()[-1] for line in listed.splitlines()]
    assert "leat_run" in names
    assert [name for name in names if not name.startswith("leat_")] == []
