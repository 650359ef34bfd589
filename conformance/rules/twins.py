"""Plain answers and streamed ones to the same prompt, compared: what streaming does to a text and to its count.

All are documents, the streamed ones put together (`accumulated`). Each rule says of every streamed answer what is wrong
with it, "" if nothing is; it speaks only where all of them are alike, as one may be the model's own doing.
"""

from conformance.rules import Json
from conformance.rules.replies import finishes, text
from conformance.rules.streams.chunks import SPOKEN
from conformance.rules.streams.content import distortion, is_said_twice
from conformance.rules.usage import completion_tokens, usage_of
from conformance.shape import messages, show

THINNED, THICKENED = 0.6, 1.6
"""How much less or more text per token, as a share of the plain one's, no model writes to one prompt."""
LETTERS_PER_TOKEN = 1.5
"""With fewer, a plain answer holds hidden thoughts, whose share differs from answer to answer."""
MANY_TOKENS = 8
MANY_FOREIGN, LONG = 8, 16
"""Characters beyond ASCII that are no accident, and of a text that could have had some."""
THOUGHTS = ("reasoning_content", "reasoning")


def distorted(plain: list[Json], streamed: list[Json]) -> list[str]:
    """What was done to a text that at least two plain answers have alike."""
    if len(plain) < 2 or len({text(each) for each in plain}) > 1 or any(map(thinks, plain)):
        return []
    return _if_all([distortion(text(plain[0]), text(each)) for each in streamed])


def distorted_in_pairs(plain: list[Json], streamed: list[Json]) -> list[str]:
    """What was done to each plain text on its way to the streamed one that was asked for with the same seed."""
    if any(map(thinks, plain)):
        return []
    return _if_all([distortion(text(one), text(other)) for one, other in zip(plain, streamed, strict=True)])


def curtailed_in_pairs(plain: list[Json], streamed: list[Json]) -> list[str]:
    """Each plain text goes on where the streamed one of the same seed and of as many tokens ends, at least one of them
    with letters, of which no cap makes half ones."""
    pairs = list(zip(plain, streamed, strict=True))
    if any(map(thinks, plain)) or any(completion_tokens(one) != completion_tokens(other) for one, other in pairs):
        return []
    said = [(text(one), text(other)) for one, other in pairs]
    rests = [one[len(other) :] if other and one.startswith(other) else "" for one, other in said]
    letters = any(c.isalnum() for rest in rests for c in rest)
    seen = "in as many tokens the plain text goes on: {}"
    return _if_all([seen.format(show(rest)) if rest and letters else "" for rest in rests])


def flattened(plain: list[Json], streamed: list[Json]) -> list[str]:
    """Every plain answer has many characters beyond ASCII, and no streamed one has any."""
    if len(plain) < 2 or not all(_foreign(text(each)) >= MANY_FOREIGN for each in plain):
        return []
    told = [text(each) for each in streamed]
    seen = "plain answers have characters beyond ASCII, {} and more of them, the streamed one has none: {}"
    least = min(_foreign(text(each)) for each in plain)
    return _if_all([seen.format(least, show(each)) if each.isascii() and len(each) >= LONG else "" for each in told])


def silent(plain: list[Json], streamed: list[Json]) -> list[str]:
    """Tokens are counted and nothing is shown, while every plain answer shows something."""
    if not plain or not all(map(_shows, plain)) or any(thinks(each) or _hides(each) for each in plain):
        return []
    counts = [0 if _shows(each) else completion_tokens(each) or 0 for each in streamed]
    return _if_all([f"{count} tokens are counted, and nothing is streamed" if count else "" for count in counts])


def doubled(plain: list[Json], streamed: list[Json]) -> list[str]:
    """The text is one text twice, while that of no plain answer is."""
    if not plain or any(is_said_twice(text(each)) for each in plain):
        return []
    found = [text(each) for each in streamed]
    return _if_all([f"the text comes twice: {show(each)}" if is_said_twice(each) else "" for each in found])


def thinned(plain: list[Json], streamed: list[Json]) -> list[str]:
    """Clearly less, or more, text for its tokens than any plain answer has. A count of its own is miscounted's
    business."""
    if len({completion_tokens(each) for each in plain + streamed}) > 1:
        return []
    whole, other = ([_density(each) for each in group] for group in (plain, streamed))
    if len(whole) < 2 or min(whole) < LETTERS_PER_TOKEN or not all(other) or any(map(thinks, plain)):
        return []
    seen = "{:.1f} letters per token are streamed, plain {:.1f}"
    least, most = min(whole) * THINNED, max(whole) * THICKENED
    thin = _if_all([seen.format(each, min(whole)) if each < least else "" for each in other])
    return thin or _if_all([seen.format(each, max(whole)) if each > most else "" for each in other])


def miscounted(cap: int, plain: list[Json], streamed: list[Json]) -> list[str]:
    """Of answers that ran into their cap the plain ones count as many tokens, and no streamed one does. Counts of none
    and beyond the cap are the business of StreamedUsage."""
    cut = [completion_tokens(each) for each in streamed if _was_cut(each)]
    if not plain or any(not _was_cut(each) or completion_tokens(each) != cap for each in plain):
        return []
    seen = "{} tokens are counted in a stream that was cut at {}"
    return _if_all([seen.format(count, cap) if count and count != cap and count <= cap + 1 else "" for count in cut])


def _if_all(found: list[str]) -> list[str]:
    return found if len(found) > 1 and all(found) else []


def _was_cut(document: Json) -> bool:
    found = finishes(document)
    return bool(found) and all(finish == "length" for finish in found)


def _shows(document: Json) -> bool:
    """Whether an answer shows anything at all: text, thoughts, a refusal or a call."""
    shown = (*SPOKEN, "tool_calls", "function_call")
    return any(message.get(key) for _, message in messages(document) for key in shown)


def thinks(document: Json) -> bool:
    """Whether an answer holds thoughts, shown or counted."""
    details = (usage_of(document) or {}).get("completion_tokens_details")
    counted = isinstance(details, dict) and bool(details.get("reasoning_tokens"))
    return counted or any(message.get(key) for _, message in messages(document) for key in THOUGHTS)


def _hides(document: Json) -> bool:
    """Whether an answer shows so little for its tokens that most of them may be hidden thoughts."""
    return len(_letters(document)) < LETTERS_PER_TOKEN * (completion_tokens(document) or 0)


def _foreign(said: str) -> int:
    """How many of the characters of a text are beyond ASCII, if they are a tenth of it; else 0."""
    count = sum(not c.isascii() and not c.isspace() for c in said)
    return count if 10 * count >= len(said) else 0


def _letters(document: Json) -> str:
    return "".join(text(document).split())


def _density(document: Json) -> float:
    """Letters of text per token of an answer that ran into its cap; 0 for any other, and for a short one."""
    tokens = completion_tokens(document) or 0
    return len(_letters(document)) / tokens if tokens >= MANY_TOKENS and _was_cut(document) else 0.0
