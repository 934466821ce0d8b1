#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The dashboard's pictures in docs/images, of the running demo (`fusewire demo --serve --traffic`). It takes five minutes.
# Usage: screenshots.sh BUILD_FOLDER
set -euo pipefail
here=$(dirname "${BASH_SOURCE[0]}")
exec "$here/run.sh" "${1:?the folder of the build}" demo "$here/../../docs/images"
