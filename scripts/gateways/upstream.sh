#!/bin/bash
# The provider behind the others: `gateproof upstream`, which is told what to answer.  usage: upstream.sh PORT
. "$(dirname "$0")/lib.sh"
VERSION=$(python -c 'import importlib.metadata as m; print(m.version("gateproof"))')
announce http://127.0.0.1:$PORT/v1 key=sk-upstream model=gpt-4o-mini completions_model=gpt-3.5-turbo-instruct embeddings_model=text-embedding-3-small
exec gateproof upstream --port "$PORT" --key sk-upstream
