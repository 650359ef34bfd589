"""The token model: lossless, never half a character, about a token a word."""

from random import Random

import pytest

from reference_gateway.backends.simulator import prose
from reference_gateway.backends.simulator.tokens import count, count_chat_prompt, tokenise

TEXTS = [
    "", " ", "a  b\n\nc", "don't stop, l'été", "12345 €12", "x_y --- !!!", "東京は今日も雨です。", "e\u0301te\u0301",
    "👨‍👩‍👧‍👦👍🏽🇯🇵🏳️‍🌈", "مرحبا، كيف حالك؟", '{"a": [1, "Zoë"]}', "half \ud83d pair", "\u2028\x00\t", "x" * 1000,
]  # fmt: skip


@pytest.mark.parametrize("text", TEXTS)
def test_the_tokens_joined_are_the_text(text: str) -> None:
    assert "".join(tokenise(text)) == text


def test_random_characters_are_never_lost() -> None:
    rng = Random(1)
    for _ in range(300):
        text = "".join(chr(rng.choice((rng.randrange(0x300), rng.randrange(0x10FFFF)))) for _ in range(40))
        assert "".join(tokenise(text)) == text


def test_the_tokens_of_an_answer_cut_anywhere_are_counted_alike() -> None:
    for seed in range(200):
        tokens = prose.write(Random(seed), 30)
        assert tokens == tokenise("".join(tokens))
        assert all(count("".join(tokens[:end])) == end for end in range(len(tokens)))


@pytest.mark.parametrize("sequence", ["👨‍👩‍👧‍👦", "👍🏽", "🇯🇵", "🏳️‍🌈", "❤️‍🔥", "字", "é"])
def test_what_a_reader_sees_as_one_character_is_one_token(sequence: str) -> None:
    assert tokenise(sequence) == [sequence]


def test_english_costs_a_token_per_word() -> None:
    assert count("The orchestra plays near the old harbour") == 7


def messages(text: str) -> list[dict[str, object]]:
    return [{"role": "user", "content": text}]


def test_a_prompt_costs_more_by_each_word_added() -> None:
    costs = [count_chat_prompt(messages("word " * words + "end")) for words in range(50)]
    assert costs == list(range(costs[0], costs[0] + 50))


def test_content_parts_cost_what_their_text_costs() -> None:
    parts = [{"type": "text", "text": "Say"}, {"type": "text", "text": " OK"}]
    assert count_chat_prompt([{"role": "user", "content": parts}]) == count_chat_prompt(messages("Say OK"))


def test_pictures_names_calls_and_tools_have_their_cost() -> None:
    plain = count_chat_prompt(messages("Hi"))
    picture = [{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "image_url", "image_url": {}}]}]
    called = [
        *messages("Hi"),
        {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f", "arguments": "{}"}}]},
    ]
    tool = {"type": "function", "function": {"name": "f"}}
    assert count_chat_prompt(picture) > plain
    assert count_chat_prompt([{"role": "user", "content": "Hi", "name": "alice"}]) > plain
    assert count_chat_prompt(called) > plain + 3
    assert count_chat_prompt(messages("Hi"), [tool]) > plain
