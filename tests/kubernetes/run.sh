#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What we ship for Kubernetes, and what `fusewire inject` makes, judged by Kubernetes' own schemas (npm's
# kubernetes-models, made from its OpenAPI documents) and by kubectl's kustomize. No cluster is asked.
# Usage: run.sh BUILD_FOLDER
set -euo pipefail
build=$(realpath "${1:?the folder of the build}")
cd "$(dirname "${BASH_SOURCE[0]}")"
# shellcheck source=tests/npm_modules.sh
source ../npm_modules.sh
root=$(realpath ../..)
here=$PWD

modules=$build/kubernetes
npm_modules "$modules"
cp ./*.mjs "$modules"
kubectl kustomize "$root/examples/kubernetes" >"$modules/egress.yaml"
kubectl kustomize "$root/examples/kubernetes/ingress" >"$modules/ingress.yaml"
cd "$modules"
FUSEWIRE=$build/fusewire MANIFESTS=$here/manifests ROOT=$root exec node --test manifests.test.mjs
