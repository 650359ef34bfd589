#!/bin/bash
# The bundled gateway: the provider behind the others, and one that is judged itself. Needs no upstream.
# usage: gateproof.sh PORT      DIALECT=watsonx or nemo: the base URL of that dialect is told
. "$(dirname "$0")/lib.sh"
BASE=http://127.0.0.1:$PORT
VERSION=$(python -c 'import importlib.metadata as m; print(m.version("gateproof"))')
case ${DIALECT:-openai} in
  watsonx) announce $BASE/ml/gateway/v1 key=sk-upstream ;;
  nemo) announce $BASE/apis/inference-gateway/v2/workspaces/default/openai/-/v1 key=sk-upstream ;;
  *) announce $BASE/v1 key=sk-upstream ;;
esac
exec gateproof serve --port "$PORT" --token sk-upstream --seed 15 --ttft 0.05 --itl 0.01
