# shellcheck shell=bash
# Sourced by the other scripts: strict mode, the repository as working directory, uv at hand.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export PYTHONUNBUFFERED=1

say() { printf '\n== %s\n' "$*"; }

uv_ensure() {
  command -v uv >/dev/null && return
  say "installing uv"
  python3 -m pip install --quiet uv || python3 -m pip install --quiet --user --break-system-packages uv
  export PATH="$HOME/.local/bin:$PATH"
  command -v uv >/dev/null
}
