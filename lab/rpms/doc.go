// SPDX-License-Identifier: Apache-2.0

// Package rpms packs the stack's programs into RPMs that are named, laid out
// and related like those of pkgs.k8s.io and download.docker.com, and makes the
// package folder that hosts install from.
//
// Sources of the layouts: the spec templates in kubernetes/release
// (cmd/krel/templates/latest) and docker/containerd-packaging (rpm/containerd.spec).
package rpms
