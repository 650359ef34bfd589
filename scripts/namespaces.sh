#!/bin/bash
# A load run past one machine, on one: the gateway and locust's master in one network namespace, two workers in namespaces
# of their own, each joined to the first by a cable (veth). Needs root on Linux.
# usage: namespaces.sh [SECONDS] [COMMAND…]   COMMAND is run in the master's namespace in the middle of the run, such as a
# browser; the web interface is at http://127.0.0.1:8089 there. Leaves load.json in the current folder.
set -eu
LENGTH=${1:-20}; shift || true
ROOT=$(cd "$(dirname "$0")/.." && pwd); PYTHON=${PYTHON:-$ROOT/.venv/bin/python}
N=gp$$; FILE=$ROOT/load/locustfile.py; LOGS=$(mktemp -d); PIDS=()
export PYTHONPATH=$ROOT GATEPROOF_API_KEY=sk-namespaces

tidy() {
  for pid in "${PIDS[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${PIDS[@]}"; do wait "$pid" 2>/dev/null || true; done
  for name in "$N-master" "$N-1" "$N-2"; do ip netns del "$name" 2>/dev/null || true; done
  rm -rf "$LOGS"
}
trap tidy EXIT

ip netns add "$N-master"; ip -n "$N-master" link set lo up
for i in 1 2; do
  ip netns add "$N-$i"; ip -n "$N-$i" link set lo up
  ip link add "$N-a$i" netns "$N-master" type veth peer name "$N-b$i" netns "$N-$i"
  ip -n "$N-master" address add "10.77.$i.1/24" dev "$N-a$i"; ip -n "$N-master" link set "$N-a$i" up
  ip -n "$N-$i" address add "10.77.$i.2/24" dev "$N-b$i"; ip -n "$N-$i" link set "$N-b$i" up
done
ip -n "$N-master" address add 10.77.0.1/32 dev lo
for i in 1 2; do ip -n "$N-$i" route add 10.77.0.1 via "10.77.$i.1"; done

inside() { local name=$1; shift; ip netns exec "$name" "$@"; }
inside "$N-master" "$PYTHON" -m conformance.cli serve --host 10.77.0.1 --port 8000 --token "$GATEPROOF_API_KEY" \
  --ttft 0.05 --itl 0.01 >"$LOGS/gateway" 2>&1 & PIDS+=($!)
inside "$N-master" "$PYTHON" -m locust -f "$FILE" --master --master-bind-host 10.77.0.1 --expect-workers 2 --autostart \
  --autoquit 1 -u 20 -r 20 -t "${LENGTH}s" -s 5 -H http://10.77.0.1:8000/v1 --web-host 127.0.0.1 \
  --gateproof-json load.json >"$LOGS/master" 2>&1 & MASTER=$!; PIDS+=("$MASTER")
for i in 1 2; do
  inside "$N-$i" "$PYTHON" -m locust -f "$FILE" --worker --master-host 10.77.0.1 >"$LOGS/worker$i" 2>&1 & PIDS+=($!)
done
sleep $((LENGTH / 2 + 5))
[ $# -eq 0 ] || inside "$N-master" "$@"
wait "$MASTER" || { code=$?; cat "$LOGS"/master; exit "$code"; }
"$PYTHON" -c '
import json
found = json.load(open("load.json"))
print(found["requests"], "requests", found["failed"], "failed", found["client"]["processes"], "processes")
print({name: found[name]["p50"] for name in ("ttft_s", "itl_s")}, found["events_per_s"], "events/s")'
