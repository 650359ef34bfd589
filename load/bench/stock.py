"""Stock locust for comparison: a FastHttpUser that reads a stream with iter_lines, as its documentation has it.

It takes the time of each event with text, which is the least that a load test of streams does, and tells at the end.
"""
# mypy: ignore-errors

import json
import os
from time import perf_counter

from locust import FastHttpUser, events, task

TOKENS = int(os.environ["BENCH_TOKENS"])
BODY = {
    "model": "bench-model",
    "messages": [{"role": "user", "content": "hello"}],
    "stream": True,
    "stream_options": {"include_usage": True},
    "max_tokens": TOKENS,
}
TTFT_S, ITL_S = [], []
READ = {"events": 0}


class Stock(FastHttpUser):
    @task
    def ask(self):
        before_s, known = perf_counter(), TTFT_S
        for line in self.client.iter_lines("/v1/chat/completions", method="POST", json=BODY):
            if not line.startswith("data: "):
                continue
            READ["events"] += 1
            if line == "data: [DONE]":
                continue
            choices = json.loads(line[6:])["choices"]
            if choices and choices[0]["delta"].get("content"):
                now_s = perf_counter()
                known.append(now_s - before_s)
                before_s, known = now_s, ITL_S


@events.quitting.add_listener
def tell(**_):
    found = {name: sorted(values) for name, values in (("ttft", TTFT_S), ("itl", ITL_S))}
    told = {
        f"{name}_s": {f"p{share}": values[len(values) * share // 100] if values else 0 for share in (50, 99)}
        for name, values in found.items()
    }
    with open(os.environ["BENCH_FIGURES"], "w") as file:
        json.dump({**READ, **told}, file)
