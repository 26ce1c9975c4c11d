# A thin face over meson and tools/: nobody needs to know either to try leat.
.POSIX:
.PHONY: all setup build check test demo docs lint fuzz bench clean

all: build

setup:
	tools/setup

build:
	@command -v meson >/dev/null || \
		{ echo "make build: there is no meson; run tools/setup build first" >&2; exit 1; }
	test -f build/build.ninja || meson setup build
	ninja -C build

check: build
	tools/run-tests quick

test:
	tools/setup build test
	tools/run-tests all

demo:
	tools/demo

docs: build
	tools/gen-docs

lint:
	tools/lint

fuzz:
	tools/run-tests fuzz

bench: build
	bench/run

clean:
	rm -rf build build-asan build-tsan build-clang build-fuzz
