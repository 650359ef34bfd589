#!/bin/bash
# nginx as a plain reverse proxy with its default settings: buffering on, HTTP/1.0 to the provider, bodies up to 1 MB.
# usage: nginx.sh PORT UPSTREAM_V1_URL      NGINX_MODE=tuned: no buffering, HTTP/1.1 to the provider, large bodies, 5 s for a silent provider
# By default a second nginx server stands in front of the provider and, as nginx does, keeps its `X-Accel-Buffering: no` to
# itself: most providers (vLLM among them) don't send this header, which would switch the buffering off.
. "$(dirname "$0")/lib.sh"
command -v nginx >/dev/null || { apt-get update -q; apt-get install -y -q --no-install-recommends nginx-light; } >&2
VERSION=$(nginx -v 2>&1 | sed 's|.*/||; s| .*||')
PROVIDER=${UPSTREAM%/v1}
STREAMING="proxy_buffering off; proxy_http_version 1.1; proxy_set_header Connection ''; client_max_body_size 100m;"
BEHIND="server { listen 127.0.0.1:$((PORT + 1)); location / { proxy_pass $PROVIDER; $STREAMING } }"
FRONT="proxy_pass http://127.0.0.1:$((PORT + 1));"
MORE=
if [ "${NGINX_MODE:-}" = tuned ]; then BEHIND=; FRONT="proxy_pass $PROVIDER; $STREAMING proxy_read_timeout 5s;"; MORE=upstream_timeout=5; fi
chmod 755 "$STATE"
cat > "$STATE/nginx.conf" <<N
user $(id -un); worker_processes 1; daemon off; pid $STATE/pid; error_log $STATE/error.log warn;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path $STATE/b; proxy_temp_path $STATE/p; fastcgi_temp_path $STATE/f; uwsgi_temp_path $STATE/u; scgi_temp_path $STATE/s;
  server { listen 127.0.0.1:$PORT; location / { $FRONT } }
  $BEHIND
}
N
announce http://127.0.0.1:$PORT/v1 key=sk-upstream model=gpt-4o-mini completions_model=gpt-3.5-turbo-instruct embeddings_model=text-embedding-3-small $MORE
exec nginx -p "$STATE" -c "$STATE/nginx.conf"
