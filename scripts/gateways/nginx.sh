#!/bin/bash
# nginx (Debian) as a plain reverse proxy with its DEFAULT settings (buffering on, HTTP/1.0 upstream, 1 MB bodies).
# usage: nginx.sh PORT UPSTREAM_V1_URL      NGINX_MODE=tuned: buffering off, HTTP/1.1 upstream, gzip off
set -e; LAB=${GATEPROOF_LAB:-$HOME/.cache/gateproof-lab}; mkdir -p "$LAB/conf" "$LAB/venvs"; PORT=$1; UP=${2%/v1}
command -v nginx >/dev/null || { apt-get update -q; apt-get install -y -q --no-install-recommends nginx-light; }
W=$(mktemp -d $LAB/nginx.XXXX); chmod 755 $W; C=$W/nginx.conf
T=""; [ "$NGINX_MODE" = tuned ] && T="proxy_buffering off; proxy_cache off; proxy_http_version 1.1; proxy_set_header Connection ''; proxy_read_timeout 600s; client_max_body_size 100m;"
cat > $C <<N
user root; worker_processes 1; daemon off; pid $W/pid; error_log $W/error.log warn;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path $W/b; proxy_temp_path $W/p; fastcgi_temp_path $W/f; uwsgi_temp_path $W/u; scgi_temp_path $W/s;
  server { listen 127.0.0.1:$PORT; location / { proxy_pass $UP; $T } }
}
N
echo "base_url=http://127.0.0.1:$PORT/v1 model=gpt-4o-mini comp=gpt-3.5-turbo-instruct emb=text-embedding-3-small key=sk-upstream"
exec nginx -p $W -c $C
