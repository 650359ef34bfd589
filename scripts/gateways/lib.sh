# What the start scripts share; each sources it. usage of each: NAME.sh PORT [UPSTREAM_V1_URL]
# Runs in the foreground until SIGTERM. Installs itself on first use under $GATEPROOF_LAB (default ~/.cache/gateproof-lab).
# When it can be used, it prints one line of words for `gateproof check`: version=… base_url=… key=… model=… and so on.
set -eu
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LAB=${GATEPROOF_LAB:-$HOME/.cache/gateproof-lab}
PYTHON=$(command -v python3.11 || command -v python3)
PORT=$1
UPSTREAM=${2:-}
STATE=$(mktemp -d)
mkdir -p "$LAB/venvs"
export DO_NOT_TRACK=1 NO_PROXY=127.0.0.1

# The version of a package in the environment $V, "" if it is not there.
installed() { "$V/bin/python" -c 'import importlib.metadata as m, sys; print(m.version(sys.argv[1]))' "$1" 2>/dev/null || true; }

# environment NAME PACKAGE==VERSION [PACKAGE…]: $V is a virtual environment with these, and $VERSION the first one's version.
environment() {
  V=$LAB/venvs/$1
  local name=${2%%[[=]*} wanted=${2##*==}
  shift
  [ "$(installed "$name")" = "$wanted" ] || { "$PYTHON" -m venv "$V" && "$V/bin/pip" install -q --disable-pip-version-check "$@"; } >&2
  VERSION=$(installed "$name")
}

# announce BASE_URL WORD…: prints the line as soon as the server answers there, with whatever is not its own failure.
announce() {
  (
    for _ in $(seq 600); do
      case $(curl -s -o "$STATE/answer" -w '%{http_code}' --max-time 5 "$1/models") in
        [1-4]??) echo "version=$VERSION base_url=$*"; exit ;;
      esac
      sleep 0.5
    done
  ) &
}
