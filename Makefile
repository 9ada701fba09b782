# A thin front: the work is done by CMake, ctest and scripts/.
JOBS ?= $(shell nproc)
PREFIX ?= /usr/local

.PHONY: quickstart test setup setup-cuda build bench fuzz format format-check install clean
quickstart: build
	@scripts/quickstart.sh
test: build
	ctest --preset release -j 2
setup:
	@scripts/setup.sh
setup-cuda:
	@scripts/setup.sh --cuda
build: setup
	@test -e build/build.ninja || cmake --preset release
	@cmake --build --preset release -j $(JOBS)
bench: build
	@scripts/bench.sh $(BENCH)
fuzz: setup
	@scripts/fuzz.sh
format:
	@scripts/format.sh
format-check:
	@scripts/format.sh --check
install: build
	cmake --install build --prefix $(PREFIX)
clean:
	rm -rf build build-*
