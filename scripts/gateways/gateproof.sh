#!/bin/bash
# The bundled gateway: its usual registry, but that the provider of gpt-4o-mini is the given one.
# usage: gateproof.sh PORT UPSTREAM_V1_URL      DIALECT=watsonx or nemo: the base URL of that dialect is told
. "$(dirname "$0")/lib.sh"
BASE=http://127.0.0.1:$PORT
VERSION=$(python -c 'import importlib.metadata as m; print(m.version("gateproof"))')
USUAL=$(python -c 'import importlib.resources as r; print(r.files("reference_gateway") / "default.toml")')
PROVIDER="type = \"upstream\"\nbase_url = \"$UPSTREAM\"\napi_key = \"sk-upstream\"\ntimeout_s = 5"
sed "/^name = \"openai\"/{n;s|.*|$PROVIDER|}" "$USUAL" > "$STATE/config.toml"
MODELS="model=gpt-4o-mini completions_model=gpt-3.5-turbo-instruct embeddings_model=text-embedding-3-small"
case ${DIALECT:-openai} in
  watsonx) BASE=$BASE/ml/gateway/v1 ;;
  nemo)
    BASE=$BASE/apis/inference-gateway/v2/workspaces/default/openai/-/v1
    MODELS="model=default/gpt-4o-mini completions_model=default/gpt-3-5-turbo-instruct embeddings_model=default/text-embedding-3-small"
    ;;
  *) BASE=$BASE/v1 ;;
esac
announce $BASE key=sk-gateproof $MODELS upstream_timeout=5
exec gateproof serve --port "$PORT" --token sk-gateproof --config "$STATE/config.toml" --seed 15
