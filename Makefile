# The commands of everyday work; each installs what it needs. The build itself is CMake's (CMakePresets.json).
.DEFAULT_GOAL := help
.PHONY: help demo test bench build release web asan tsan fuzz memory soak stress format tidy clean

# TCP congestion control of `make bench` (needs root); empty: the system's.
CONGESTION ?=
# Seconds for each fuzz target.
FUZZ_SECONDS ?= 60
# Of `make soak`: seconds under attack, and what honest peers come over (tcp, tls or nginx).
SECONDS ?= 600
OVER ?= tcp

sources = $$(git ls-files -co --exclude-standard '*.cpp' '*.hpp')

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

demo: ## a relay, a file and a tree that pass through it, compared byte for byte
	scripts/demo

test: ## every test
	scripts/test

bench: ## a ten-minute set of measurements beside other programs, with a page of plots (build/bench.html)
	scripts/install-deps --bench
	scripts/build release parley parley-relay parley-bench
	build/release/bench/parley-bench all --quick $(if $(CONGESTION),--congestion $(CONGESTION)) --json build/bench.json
	bench/report.py build/bench.json -o build/bench.html

build: ## everything, for development (-O1), with debug information (build/dev)
	scripts/build dev

release: ## everything, as it is released (build/release)
	scripts/build release

web: ## the page for browsers, as a folder of static files (build/web)
	scripts/build-web

asan: ## every test under AddressSanitizer and UndefinedBehaviorSanitizer
	scripts/test asan-ubsan

tsan: ## every test under ThreadSanitizer
	scripts/test tsan

fuzz: ## every fuzz target for FUZZ_SECONDS (60) seconds
	scripts/install-deps --fuzz
	tests/fuzz/run $(FUZZ_SECONDS)

memory: ## what sender, receiver and relay hold in memory while large documents pass
	scripts/stress memory

soak: ## honest peers beside every known attack on a relay, for SECONDS (600), over OVER (tcp, tls, nginx)
	tests/soak/run --seconds $(SECONDS) --over $(OVER)

stress: ## the long form of TARGET: bench, soak, fuzz, kills, memory, filesystems, changes, network, continuing or web
	scripts/stress $(TARGET)

format: ## all sources as .clang-format says
	scripts/install-deps --tools
	clang-format-19 -i $(sources)

tidy: ## all sources through .clang-tidy
	scripts/install-deps --tools
	scripts/build clang
	run-clang-tidy-19 -quiet -p build/clang '/(framework/src|relay|peer|bench)/'

clean: ## the build folder goes
	rm -rf build
