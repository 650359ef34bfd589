"""llama.cpp's own HTTP server, the one behind llama-server, out of the xllamacpp wheel: on a port of 127.0.0.1.

python llama_cpp_serve.py PORT MODEL.gguf
"""

import signal
import sys
import time
from typing import Any

import xllamacpp


def main() -> None:
    port, model = int(sys.argv[1]), sys.argv[2]
    options: Any = xllamacpp.CommonParams()
    options.model.path = model
    options.n_ctx, options.n_parallel, options.warmup, options.fit_params = 16384, 2, False, False
    options.hostnames, options.port = ["127.0.0.1"], port
    options.api_keys, options.model_alias = ["sk-llama", "sk-upstream"], {"tiny-llama"}
    options.cpuparams.n_threads = options.cpuparams_batch.n_threads = 1
    options.embedding, options.pooling_type = True, xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    server: Any = xllamacpp.Server(options)
    print("listening", server.listening_address, flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
