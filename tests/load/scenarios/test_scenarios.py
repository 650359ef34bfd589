"""What each scenario asks, and that a seed names it."""

import itertools
import json
import random
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from conformance.target import ConfigError
from load.client import Request
from load.scenarios import NAMES, SCENARIOS, drawn, members, prompts, weights
from load.scenarios.prompts import Prompt

ALL = {"chat": "c", "completions": "t", "embeddings": "e"}


@dataclass
class Means:
    models: dict[str, str] = field(default_factory=lambda: dict(ALL))
    token_key: str = "max_tokens"
    max_tokens: int | None = None
    prompts: tuple[Prompt, ...] = ()


def asked(name: str, seed: int = 1, **means: Any) -> list[Request]:
    return list(SCENARIOS[name].requests(Means(**means), random.Random(seed)))


def body(request: Request) -> Any:
    return json.loads(request.body)


@pytest.mark.parametrize("name", SCENARIOS)
def test_the_same_seed_sends_the_same_bytes(name: str) -> None:
    assert asked(name, 7) == asked(name, 7)


@pytest.mark.parametrize("name", sorted(set(SCENARIOS) - {"models"}))
def test_another_seed_asks_something_else(name: str) -> None:
    assert asked(name, 7)[0].body != asked(name, 8)[0].body


@pytest.mark.parametrize("name", ["chat-short", "chat-long", "chat-long-prompt", "disconnect", "retry-storm"])
def test_a_streamed_chat_asks_for_usage_and_limits_its_answer(name: str) -> None:
    (request,) = asked(name)
    sent = body(request)
    assert (request.kind, request.path) == ("chat stream", "/chat/completions")
    assert sent["stream"] and sent["stream_options"] == {"include_usage": True}
    assert sent["model"] == "c" and sent["max_tokens"] == {"chat-long": 512}.get(name, 64)


def test_lengths_and_the_name_of_the_limit_are_the_user_s_and_the_model_s() -> None:
    sent = body(asked("chat-short", max_tokens=5, token_key="max_completion_tokens")[0])
    assert sent["max_completion_tokens"] == 5 and "max_tokens" not in sent


def test_a_long_prompt_is_long() -> None:
    words = len(body(asked("chat-long-prompt")[0])["messages"][0]["content"].split())
    assert 1800 < words < 2200


def test_a_plain_chat_does_not_stream() -> None:
    (request,) = asked("chat-plain")
    assert request.kind == "chat" and "stream" not in body(request)


def test_completions_embeddings_and_the_list_go_to_their_own_paths_and_models() -> None:
    found = [
        (request.path, request.kind) for name in ("completions", "embeddings", "models") for request in asked(name)
    ]
    assert found == [("/completions", "completion stream"), ("/embeddings", "embeddings"), ("/models", "get")]
    assert body(asked("completions")[0])["model"] == "t"
    assert body(asked("embeddings")[0])["model"] == "e" and len(body(asked("embeddings")[0])["input"]) == 4


def test_a_conversation_grows_and_keeps_what_was_said() -> None:
    turns = [body(request)["messages"] for request in asked("multi-turn")]
    assert [len(turn) for turn in turns] == [1, 3, 5, 7]
    assert all(later[: len(earlier)] == earlier for earlier, later in itertools.pairwise(turns))
    assert [message["role"] for message in turns[-1]] == ["user", "assistant"] * 3 + ["user"]


def test_only_clients_that_disconnect_leave_and_they_leave_after_an_event() -> None:
    leaves = [asked("disconnect", seed)[0].leave_after for seed in range(50)]
    assert all(leave and 1 <= leave <= 16 for leave in leaves) and len(set(leaves)) > 5
    assert not [name for name in SCENARIOS if name != "disconnect" and asked(name)[0].leave_after]


def test_only_the_storm_obeys() -> None:
    assert [name for name, scenario in SCENARIOS.items() if scenario.obeys] == ["retry-storm"]


def test_prompts_are_marked_so_that_no_two_are_equal() -> None:
    texts = [body(asked("chat-short", seed)[0])["messages"][0]["content"] for seed in range(200)]
    assert len(set(texts)) == 200


def test_a_mixed_workload_is_drawn_in_its_shares() -> None:
    mix = weights(["mixed"], ALL)
    counts = Counter(drawn(mix, str(n)).name for n in range(4000))
    assert sum(members("mixed").values()) == 100
    for name, share in members("mixed").items():
        assert counts[name] / 40 == pytest.approx(share, abs=2.5)


def test_a_mixed_workload_leaves_out_what_the_gateway_does_not_have() -> None:
    mix = weights(["mixed"], {"chat": "c"})
    assert not {"embeddings", "completions"} & set(mix) and sum(mix.values()) == pytest.approx(1)


def test_several_scenarios_that_were_picked_are_drawn_alike() -> None:
    assert weights(["chat-short", "models"], ALL) == {"chat-short": 1, "models": 1}


def test_a_draw_is_the_same_for_the_same_seed() -> None:
    mix = weights(["mixed"], ALL)
    assert [drawn(mix, str(n)) for n in range(20)] == [drawn(mix, str(n)) for n in range(20)]
    assert set(NAMES) == {*SCENARIOS, "mixed"}


def test_a_file_of_prompts_is_asked_as_it_stands(tmp_path: Path) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Häuser?"}]
    lines = ['"one"', "", '{"prompt": "two", "max_tokens": 3}', json.dumps({"messages": messages})]
    (tmp_path / "p.jsonl").write_text("\n".join(lines), "utf-8")
    found = prompts.read(tmp_path / "p.jsonl")
    assert [prompt.text for prompt in found] == ["one", "two", "Be brief.\nHäuser?"]
    assert [prompt.max_tokens for prompt in found] == [None, 3, None]
    sent = {json.dumps(body(asked("chat-short", seed, prompts=found)[0])["messages"]) for seed in range(50)}
    assert sent == {json.dumps(list(prompt.messages)) for prompt in found}
    assert body(asked("completions", prompts=found[:1])[0])["prompt"] == "one"
    assert body(asked("embeddings", prompts=found[:1])[0])["input"] == ["one"] * 4
    assert body(asked("chat-long", prompts=found[1:2], max_tokens=9)[0])["max_tokens"] == 3


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("", "holds no prompts"),
        ('"good"\nbad', "line 2: "),
        ("7", "a text or an object"),
        ('{"messages": []}', "line 1: neither"),
        ('{"prompt": 7}', "line 1: neither"),
        ('{"prompt": "x", "max_tokens": 0}', "max_tokens must be"),
        ('{"prompt": "x", "max_tokens": true}', "max_tokens must be"),
    ],
)
def test_a_line_that_can_t_be_asked_is_named(tmp_path: Path, lines: str, says: str) -> None:
    (tmp_path / "p.jsonl").write_text(lines)
    with pytest.raises(ConfigError, match=says):
        prompts.read(tmp_path / "p.jsonl")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"--prompts .*can't be read"):
        prompts.read(tmp_path / "none")
