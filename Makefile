# SPDX-License-Identifier: Apache-2.0
# `make` lists the targets. Three of them set everything up first: lab, test and soak.

# A service has no HOME, and Go wants one.
ifeq ($(HOME),)
export HOME := $(shell getent passwd "$$(id -u)" | cut -d: -f6)
endif

# Where scripts/setup puts Go when the machine's own is too old.
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/nodeprep
export PATH := $(CACHE)/go/bin:$(PATH):/usr/local/go/bin

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
NODES ?= 3
RUNS ?= 5
GOBUILD := CGO_ENABLED=0 go build -buildvcs=false -trimpath

.PHONY: help setup build rpm lint unit rings rack lab test soak clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 8

lab: ## set up, then take NODES bare hosts (3, or 1 to 3) to routed nodes
	@scripts/stages 'setup: scripts/setup lab' 'packages: make rpm' 'rack: make rack ARGS="up --nodes $(NODES)"'

test: ## set up, then pass every test, a rack of two hosts included
	@scripts/stages 'setup: scripts/setup test' 'modules: scripts/modules' 'lint: make lint' 'unit: make unit' 'packages: make rpm' \
		'images: make rack ARGS=build' 'rings: make rings' 'rack: make rack ARGS="test --nodes 2 --limit 45m"'

soak: ## `make lab` RUNS times (5), one processor kept busy beside it; the table of the runs is in out/soak
	scripts/setup lab
	cd lab && go build -buildvcs=false -o ../bin/soak ./cmd/soak
	bin/soak -runs $(RUNS) -out out/soak -- $(MAKE) --no-print-directory lab NODES=$(NODES)

setup: ## install what everything needs on Debian 12, and nothing twice
	scripts/setup test

build: ## bin/nodeprep and bin/joinsvc, static
	$(GOBUILD) -ldflags '-s -w -X main.version=$(VERSION)' -o bin/ ./cmd/nodeprep ./cmd/joinsvc

rpm: ## out/rpm: the packages of nodeprep and joinsvc
	rm -rf out/rpm
	packaging/rpm/build out/rpm

lint: bin/golangci-lint ## the rules of .golangci.yml, over both modules
	bin/golangci-lint run
	cd lab && ../bin/golangci-lint run --config ../.golangci.yml

bin/golangci-lint: tools/lint/go.mod tools/lint/go.sum
	cd tools/lint && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o ../../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

unit: ## the product's tests: no root, no network, no machines
	go test -timeout 45m ./...

rings: ## tests in virtual machines, against a real API server, with real dnf (root)
	go test -count=1 -timeout 45m -tags 'root packages' ./pkg/atomicfile/... ./pkg/host/... ./packaging/...
	go -C lab test -count=1 -timeout 45m ./...

rack: ## the rack itself: ARGS="up|test|build [flags]", after `make rpm` (root)
	cd lab && go build -buildvcs=false -o ../bin/rack ./cmd/rack && exec ../bin/rack $(ARGS)

clean: ## remove what was built here; caches stay in ~/.cache
	rm -rf bin out
