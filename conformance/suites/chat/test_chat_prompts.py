"""CHAT: what a prompt is made of, and that all of it reaches the model: roles, turns, parts, images, sizes."""

from conformance.exchange import Exchange
from conformance.probes.chat.prompts import LARGE, LENGTHS, PER_PART, PER_TURN, TURNS
from conformance.reading.counting import lost_words, prompt_cost, tokens_per_word
from conformance.reading.traffic import against_their_caps, answered, chat_replies, in_documents, sent
from conformance.rules import texts, usage
from conformance.shape import show
from conformance.suites import requirement
from conformance.target import Target
from conformance.verdict import (
    Inconclusive,
    NotApplicable,
    Violation,
    accept,
    expect,
    hold,
    prefer,
    refuse,
    survive,
    tolerate,
)

TOO_LARGE = (400, 413, 422)
BUSY = (429, 503)
SAME = 5
"""Tokens that the same text may cost more or less as a part than as a string."""
SURE = 2
"""Answers with a damaged character, where one alone could be the model's doing."""


@requirement("CHAT-061")
def test_an_image_is_accepted(chat_reply: Exchange, chat_image: Exchange) -> None:
    answered(chat_reply)
    _breaks_nothing(chat_image)
    expect(chat_image.status == 200, chat_image)


@requirement("CHAT-062")
def test_an_image_does_no_harm(
    chat_reply: Exchange, chat_image: Exchange, chat_tiny_image: Exchange, target: Target
) -> None:
    answered(chat_reply)
    survive({"32 by 32 pixels": chat_image, "one pixel": chat_tiny_image})
    if "vision" in target.declined:
        prefer(chat_image.status != 200, chat_image, "an image is served with 200 where there is to be no vision")


@requirement("CHAT-063")
def test_malformed_parts_are_refused(chat_reply: Exchange, chat_bad_parts: dict[str, Exchange]) -> None:
    answered(chat_reply)
    refuse(chat_bad_parts)


@requirement("CHAT-065")
def test_the_role_developer_is_accepted(chat_reply: Exchange, chat_developer: Exchange) -> None:
    answered(chat_reply)
    accept({"role developer": chat_developer})


@requirement("CHAT-066")
def test_an_unknown_role_is_refused(chat_reply: Exchange, chat_unknown_role: Exchange) -> None:
    answered(chat_reply)
    refuse({"role banana": chat_unknown_role})


@requirement("CHAT-067")
def test_a_name_is_accepted(chat_reply: Exchange, chat_named_user: Exchange) -> None:
    answered(chat_reply)
    accept({"a user's name": chat_named_user})


@requirement("CHAT-078")
def test_a_large_prompt_is_served_or_refused(chat_reply: Exchange, chat_large_prompt: Exchange) -> None:
    answered(chat_reply)
    if chat_large_prompt.status == 429:
        raise Inconclusive("so large a prompt exceeds a rate limit", blame=None)
    slow = chat_large_prompt.failure is not None and chat_large_prompt.failure.kind == "timeout"
    prefer(not slow, chat_large_prompt)
    survive({"100 kB": chat_large_prompt})
    expect(chat_large_prompt.status in (200, *TOO_LARGE), chat_large_prompt)


@requirement("CHAT-079")
def test_a_large_prompt_is_not_cut(
    chat_reply: Exchange, chat_longer_prompt: Exchange, chat_large_prompt: Exchange
) -> None:
    each = tokens_per_word(chat_reply, chat_longer_prompt)
    if chat_large_prompt.status != 200:
        raise NotApplicable("so large a prompt is not served")
    count = prompt_cost(chat_large_prompt)
    expect(count >= 0.5 * each * LARGE, chat_large_prompt, f"prompt_tokens of {LARGE} words is {count}")


@requirement("CHAT-080")
def test_a_prompt_beyond_the_context_is_refused_in_so_many_words(
    chat_reply: Exchange, chat_large_prompt: Exchange
) -> None:
    answered(chat_reply)
    if chat_large_prompt.status not in (400, 422):
        raise NotApplicable(f"100 kB are not beyond the model's context: {chat_large_prompt.seen}")
    error = chat_large_prompt.json.get("error") if isinstance(chat_large_prompt.json, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    seen = f"HTTP {chat_large_prompt.status} with the code {show(code)}"
    expect(chat_large_prompt.status == 400 and code == "context_length_exceeded", chat_large_prompt, seen)


@requirement("CHAT-083")
def test_parallel_requests_are_not_mixed_up(
    chat_reply: Exchange, chats_in_parallel: dict[str, dict[str, Exchange]]
) -> None:
    answered(chat_reply)
    alone, parallel = chats_in_parallel["alone"], chats_in_parallel["in parallel"]
    short, long = (alone[f"{length}"] for length in (LENGTHS[0], LENGTHS[-1]))
    each = tokens_per_word(short, long, LENGTHS[-1] - LENGTHS[0])
    if any(x.status in BUSY for x in parallel.values()):
        raise Inconclusive("so many requests at once exceed a limit", blame=None)
    survive(parallel)
    hold(Violation(x, f"in parallel: {x.seen}") for x in parallel.values() if not x.ok)
    counts = {length: usage.prompt_tokens(parallel[f"{length}"].document) for length in LENGTHS}
    due = {length: prompt_cost(short) + each * (length - LENGTHS[0]) for length in LENGTHS}
    hold(
        Violation(
            parallel[f"{length}"], f"{length} words cost {count} prompt tokens in parallel, {due[length]:.0f} alone"
        )
        for length, count in counts.items()
        if count is not None and abs(count - due[length]) > each * (LENGTHS[1] - LENGTHS[0]) / 2
    )
    if "another model" in alone:
        hold(_named_after_another(alone, parallel))


@requirement("CHAT-088")
def test_a_user_who_says_nothing_is_refused(chat_reply: Exchange, chat_no_content: dict[str, Exchange]) -> None:
    answered(chat_reply)
    refuse(chat_no_content)


@requirement("CHAT-100", both_modes=True)
def test_every_turn_reaches_the_model(
    chat_reply: Exchange, chat_longer_prompt: Exchange, chat_history: dict[str, Exchange]
) -> None:
    each = tokens_per_word(chat_reply, chat_longer_prompt)
    short, long = chat_history.values()
    if short.status in TOO_LARGE:
        raise NotApplicable("conversations are refused, of which CHAT-064 tells")
    words = PER_TURN * (2 * TURNS + 1)
    _takes(long, words)
    lost = lost_words(short, long, words, each)
    seen = f"of {words} more words in a system message and {2 * TURNS} turns, {lost} are not counted in prompt_tokens"
    expect(lost <= PER_TURN / 2, long, seen)


@requirement("CHAT-101", both_modes=True)
def test_every_text_part_reaches_the_model(
    chat_reply: Exchange, chat_longer_prompt: Exchange, chat_long_parts: dict[str, Exchange]
) -> None:
    each = tokens_per_word(chat_reply, chat_longer_prompt)
    short, long = chat_long_parts.values()
    if short.status in TOO_LARGE:
        raise NotApplicable("text parts are refused, of which CHAT-060 tells")
    _takes(long, sum(PER_PART))
    lost = lost_words(short, long, sum(PER_PART), each)
    seen = f"of {show(list(PER_PART))} more words in three text parts, {lost} are not counted in prompt_tokens"
    expect(lost <= min(PER_PART) / 2, long, seen)


@requirement("CHAT-102")
def test_a_text_part_costs_what_its_text_costs(chat_reply: Exchange, chat_one_part: Exchange) -> None:
    if chat_one_part.status in (400, 422):
        raise NotApplicable("text parts are refused, of which CHAT-060 tells")
    text, part = prompt_cost(chat_reply), prompt_cost(chat_one_part)
    expect(abs(text - part) <= SAME, chat_one_part, f"prompt_tokens is {text} for a text and {part} for it as a part")


@requirement("CHAT-103")
def test_a_developer_message_reaches_the_model(
    chat_reply: Exchange, chat_longer_prompt: Exchange, chat_developer: Exchange, chat_long_developer: Exchange
) -> None:
    each = tokens_per_word(chat_reply, chat_longer_prompt)
    if not chat_developer.ok:
        raise NotApplicable("the role developer is not accepted, of which CHAT-065 tells")
    lost = lost_words(chat_developer, chat_long_developer, PER_TURN, each)
    seen = f"of {PER_TURN} more words in a developer message, {lost} are not counted in prompt_tokens"
    expect(lost <= PER_TURN / 2, chat_long_developer, seen)


@requirement("CHAT-104")
def test_the_tokens_of_an_answer_are_shown(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    answers = chat_replies(exchanges, chat_reply)
    counts = against_their_caps(answers, ("max_completion_tokens", "max_tokens"))
    beyond = {x.id for x, spent, cap in counts if spent > cap}  # CHAT-031
    judged = [x for x in answers if x.id not in beyond and not sent(x).get("stop")]
    hold(in_documents(judged, texts.tokens_are_shown))


@requirement("CHAT-105")
def test_a_text_comes_once(exchanges: list[Exchange], chat_reply: Exchange) -> None:
    twice = list(in_documents(chat_replies(exchanges, chat_reply), texts.says_all_twice))
    if len(twice) >= SURE:  # one alone may be the model's own doing
        hold(twice)


@requirement("CHAT-108")
def test_characters_come_whole(
    exchanges: list[Exchange], chat_reply: Exchange, chat_other_scripts: list[Exchange]
) -> None:
    answers = [x for x in chat_replies(exchanges, chat_reply) if b"\\ud83d" not in x.request.body]
    hold(in_documents(answers, texts.surrogates_come_in_pairs))
    damaged = list(in_documents(answers, texts.characters_are_whole))
    (hold if len(damaged) >= SURE else tolerate)(damaged)
    if all(texts.is_ascii(x.document) for x in answers):
        raise Inconclusive("no answer holds a character beyond ASCII")


@requirement("CHAT-109")
def test_an_image_is_part_of_the_prompt(chat_image: Exchange, chat_one_part: Exchange) -> None:
    if not (chat_image.ok and chat_one_part.ok):
        raise NotApplicable("images or text parts are not accepted")
    without, with_image = prompt_cost(chat_one_part), prompt_cost(chat_image)
    seen = f"prompt_tokens is {without} without an image and {with_image} with one"
    expect(with_image > without, chat_image, seen)


@requirement("CHAT-110")
def test_broken_images_are_refused(
    chat_reply: Exchange, chat_image: Exchange, chat_broken_images: dict[str, Exchange]
) -> None:
    answered(chat_reply)
    _breaks_nothing(chat_image)
    refuse(chat_broken_images, (400, 415, 422))


@requirement("CHAT-111")
def test_text_parts_are_accepted_of_any_speaker(
    chat_reply: Exchange, chat_turns: Exchange, chat_one_part: Exchange, chat_parts_elsewhere: Exchange
) -> None:
    answered(chat_reply)
    if not (chat_turns.ok and chat_one_part.ok):
        raise NotApplicable("turns or text parts are refused of anybody, of which CHAT-060 and CHAT-064 tell")
    accept({"text parts of system and assistant": chat_parts_elsewhere})


@requirement("CHAT-112")
def test_an_unknown_field_of_a_message_does_no_harm(chat_reply: Exchange, chat_odd_message: Exchange) -> None:
    answered(chat_reply)
    expect(chat_odd_message.status in (200, 400, 422), chat_odd_message)


def _breaks_nothing(image: Exchange) -> None:
    if not image.complete or image.status >= 500:
        raise Inconclusive("any image breaks the gateway, of which CHAT-062 tells", blame=None)


def _takes(long: Exchange, words: int) -> None:
    if long.status in TOO_LARGE:
        raise Inconclusive(f"the model takes no prompt of {words} words")


def _named_after_another(alone: dict[str, Exchange], parallel: dict[str, Exchange]) -> list[Violation]:
    """Answers that name the model of another request, as it names itself alone."""
    one, other = (alone[case].document.get("model") for case in (f"{LENGTHS[0]}", "another model"))
    wrong = {case: one if case == "another model" else other for case in parallel}
    return [
        Violation(x, f"in parallel, {show(sent(x)['model'])} is answered as {show(wrong[case])}")
        for case, x in parallel.items()
        if one != other and x.document.get("model") == wrong[case]
    ]
