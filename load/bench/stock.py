"""Stock locust for comparison: a FastHttpUser that reads a stream with iter_lines, as its documentation has it."""
# mypy: ignore-errors

import os

from locust import FastHttpUser, task

TOKENS = int(os.environ["BENCH_TOKENS"])
BODY = {
    "model": "bench-model",
    "messages": [{"role": "user", "content": "hello"}],
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_tokens": TOKENS,
}


class Stock(FastHttpUser):
    @task
    def ask(self):
        with self.client.post("/v1/chat/completions", json=BODY, stream=True, catch_response=True) as response:
            for _ in response.iter_lines():
                pass
