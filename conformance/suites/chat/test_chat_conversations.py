"""CHAT: conversations: results of tools reach the model, requests leave nothing behind, unusual turns are served."""

from conformance.exchange import Exchange
from conformance.probes.chat.conversations import (
    BESIDE,
    FIRST,
    FOREIGN_WORDS,
    MANY_TOOLS,
    MANY_TURNS,
    OF_OTHERS,
    SECOND,
)
from conformance.probes.chat.prompts import LENGTHS
from conformance.reading.counting import LEAST_PER_WORD, lost_words, prompt_cost, tokens_per_word
from conformance.reading.traffic import answered, sent
from conformance.rules import replies, usage
from conformance.shape import show
from conformance.suites import requirement
from conformance.verdict import Inconclusive, NotApplicable, accept, expect, prefer

TOO_LARGE = (400, 413, 422)
ENOUGH = 16
"""Characters of a text that does not come again by chance."""


@requirement("CHAT-116", both_modes=True)
def test_every_result_reaches_the_model(
    chat_reply: Exchange, chat_longer_prompt: Exchange, chat_long_results: dict[str, Exchange]
) -> None:
    each = tokens_per_word(chat_reply, chat_longer_prompt)
    short, long = chat_long_results.values()
    if short.status in TOO_LARGE:
        raise NotApplicable("two calls and their results are refused")
    if long.status in TOO_LARGE:
        raise Inconclusive("the model takes no prompt of so many words")
    lost = lost_words(short, long, BESIDE + FIRST + SECOND, each)
    seen = f"of {FIRST} and {SECOND} more words in two results, and {BESIDE} beside the calls, {lost} are not counted"
    expect(lost < (BESIDE + FIRST) / 2, long, f"{seen} in prompt_tokens")
    prefer(lost <= BESIDE / 2, long, f"{seen} in prompt_tokens")


@requirement("CHAT-117")
def test_letters_beyond_ascii_reach_the_model(
    chat_reply: Exchange, chat_longer_prompt: Exchange, chat_foreign_prompt: Exchange
) -> None:
    tokens_per_word(chat_reply, chat_longer_prompt)
    more = prompt_cost(chat_foreign_prompt) - prompt_cost(chat_reply)
    seen = f"{FOREIGN_WORDS} more words in Cyrillic letters cost {more} more prompt tokens"
    expect(more >= LEAST_PER_WORD * FOREIGN_WORDS, chat_foreign_prompt, seen)


@requirement("CHAT-118")
def test_nothing_is_left_of_other_requests(
    chat_reply: Exchange, chat_longer_prompt: Exchange, chats_after_others: dict[str, Exchange]
) -> None:
    answered(chat_reply)
    first, last = chats_after_others["plain"], chats_after_others["plain again"]
    if not (first.ok and last.ok):
        raise Inconclusive("the prompt is not served, or not with a user", blame=None)
    one, other = replies.text(first.document), replies.text(last.document)
    in_json = chats_after_others["in JSON"]
    stops_where = one[len(other) :][:1] if one.startswith(other) else ""  # of the same text, so no whim of the model's
    starved = stops_where in ("e", "a") and "length" not in replies.finishes(last.document)
    expect(not starved, last, f"the text was {show(one)}, and {show(other)} after a request with stop")
    of_json = [replies.text(x.document).lstrip().startswith("{") for x in (first, in_json, last) if x.ok]
    expect(of_json != [False, True, True], last, f"after a request for JSON a plain one gives {show(other)}")
    before, after = usage.prompt_tokens(first.document), usage.prompt_tokens(last.document)
    if before is None or after is None:
        raise Inconclusive("the answers carry no usage", blame=None)
    each = tokens_per_word(chat_reply, chat_longer_prompt)
    seen = f"prompt_tokens is {before}, and after other conversations {after} for the same prompt"
    expect(after - before < each * OF_OTHERS / 2, last, seen)


@requirement("CHAT-119")
def test_another_request_has_another_answer(
    chat_reply: Exchange,
    chats_after_others: dict[str, Exchange],
    chat_stop: Exchange,
    chat_tool_required: list[Exchange],
) -> None:
    answered(chat_reply)
    first = chats_after_others["plain"]
    said = replies.text(first.document) if first.ok else ""
    if len(said) < ENOUGH:
        raise Inconclusive("the prompt is not served, or not with a text")
    stopped, called = chats_after_others["with stop"], chats_after_others["with tools"]
    short = replies.text(chat_stop.document) if chat_stop.ok else ""  # CHAT-026
    stops = bool(short) and not set(short) & {"e", "a"}
    if stopped.ok and stops and set(said) & {"e", "a"}:
        same = replies.text(stopped.document) == said
        expect(not same, stopped, f"with stop the same text comes as without: {show(said)}")
    calls = any(x.ok and replies.tool_calls(x.document) for x in chat_tool_required)
    if called.ok and calls and sent(called).get("tools"):
        costs = [usage.prompt_tokens(x.document) for x in (first, called)]
        same = replies.text(called.document) == said and not replies.tool_calls(called.document)
        same = same and costs[0] is not None and costs[0] == costs[1]  # tools that came to the model cost tokens
        expect(not same, called, f"with a tool that is required the same text comes as without: {show(said)}")


@requirement("CHAT-119")
def test_prompts_that_differ_late_are_two_prompts(
    chat_reply: Exchange, chat_longer_prompt: Exchange, chats_in_parallel: dict[str, dict[str, Exchange]]
) -> None:
    each = tokens_per_word(chat_reply, chat_longer_prompt)
    short, long = (chats_in_parallel["alone"][f"{length}"] for length in (LENGTHS[0], LENGTHS[-1]))
    if not (short.ok and long.ok):
        raise Inconclusive("the prompts are not served", blame=None)
    words = LENGTHS[-1] - LENGTHS[0]
    lost = lost_words(short, long, words, each)
    expect(lost <= words / 2, long, f"of {words} words more at the end of a prompt {lost} are not counted")


@requirement("CHAT-120")
def test_many_tools_and_turns_are_taken(
    chat_tool_named: Exchange, chat_many_tools: Exchange, chat_reply: Exchange, chat_many_turns: Exchange
) -> None:
    answered(chat_reply)
    cases = {f"{2 * MANY_TURNS + 1} messages": chat_many_turns}
    if chat_tool_named.ok:
        cases[f"{MANY_TOOLS} tools with names of 64 characters"] = chat_many_tools
    accept(cases)


@requirement("CHAT-121")
def test_turns_in_any_order_are_taken(chat_reply: Exchange, chat_odd_turns: dict[str, Exchange]) -> None:
    answered(chat_reply)
    accept(chat_odd_turns)
