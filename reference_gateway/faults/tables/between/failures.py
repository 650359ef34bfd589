"""What a gateway does wrong where its provider fails: to clients that try again, and where another could stand in."""

from reference_gateway.faults.behind import asked_again, mirrored, remembering_failures, scripted
from reference_gateway.faults.edits import put, reply
from reference_gateway.faults.exchanges import header
from reference_gateway.faults.fault import nothing
from reference_gateway.faults.tables.between.basics import row, usage_twice

# fmt: off
row("provider-failure-not-to-be-tried-again", "SDK-018",
    header("x-should-retry", "false", lambda asked, x: scripted()(asked) and x.status >= 500),
    "The SDK gives up at a failure that its next request would have survived.")
row("provider-failure-remembered", "SDK-018", remembering_failures(),
    "A short outage lasts for as long as the failure is cached.", "caches that keep errors, too")
OF_TWO = '"other"'
"""Stands in the scripts for two providers."""
row("failure-not-taken-elsewhere", "UPS-028", nothing,
    "An outage of one provider is everybody's, though another is there.", behind=remembering_failures(OF_TWO))
row("usage-of-both-providers", "UPS-028", reply(usage_twice, scripted(OF_TWO)),
    "Clients pay for the provider that failed, too.")
row("begun-answer-before-the-other", "UPS-028",
    reply(put("choices[].message.content", lambda text: f"One {text}" if text.startswith("Six") else text),
          scripted(OF_TWO)),
    "Two answers in one.")
row("other-provider-goes-on", "UPS-029", nothing, "Two answers in one.",
    "fallbacks in the middle of a stream",
    behind=asked_again(2, OF_TWO, in_the_middle=True, elsewhere=True))
row("refusal-taken-elsewhere", "UPS-030", nothing, "Each faulty request costs as much as there are providers.",
    "LiteLLM 1.106.2 falls back after 400",
    behind=asked_again(2, OF_TWO, '"status": 400', elsewhere=True, least=400))
row("chats-sent-on-twice", "UPS-031", nothing, "Operators pay twice for each answer.", behind=mirrored)
# fmt: on
