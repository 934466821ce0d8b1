#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The dashboard's pictures in docs/images, of a busy scene before the built proxy (scene.mjs). It takes a minute and a half.
# Usage: screenshots.sh BUILD_FOLDER
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
exec "$here/run.sh" "${1:?the folder of the build}" screenshots "$here/../../docs/images"
