"""Which clients will work: every client's needs are real requirements, and a defect that breaks one turns its row."""

import json
from pathlib import Path

import pytest

from conformance import catalogue, profiles
from conformance.comparing.clients import Client, ClientRow, Outlook, Standing, clients, known_clients
from reference_gateway.faults import FAULTS
from tests.conformance.comparing.runs import altered, document, row
from tests.conftest import Command

NAMES = [client.name for client in known_clients()]
TURNS = [
    ("openai-python", "stream-lone-retry", "openai", Outlook.BREAKS),
    ("openai-node", "stream-events-not-separated", "openai", Outlook.BREAKS),
    ("langchain", "sdk-headers-refused", "openai", Outlook.BREAKS),
    ("langchain-js", "stream-done-in-lower-case", "openai", Outlook.BREAKS),
    ("watsonx-sdk", "providers-under-another-name", "watsonx", Outlook.PARTLY),
    ("chatwatsonx", "stream-payload-over-several-lines", "watsonx", Outlook.BREAKS),
    ("llamaindex", "stream-lone-retry", "openai", Outlook.BREAKS),
    ("litellm", "stream-two-spaces-before-done", "openai", Outlook.BREAKS),
    ("vercel-ai-sdk", "stream-without-finish-reason", "openai", Outlook.BREAKS),
    ("codex-like", "tool-streams-end-with-stop", "openai", Outlook.BREAKS),
    ("open-webui", "stream-declared-as-json", "openai", Outlook.BREAKS),
    ("continue", "stream-two-spaces-before-done", "openai", Outlook.BREAKS),
    ("cline", "chat-system-turns-refused", "openai", Outlook.BREAKS),
    ("nemo-platform-sdk", "route-by-provider-missing", "nemo", Outlook.PARTLY),
]


def fares(name: str, defect: str = "", profile: str = "openai") -> ClientRow:
    """How one client fares with the bundled gateway that has this defect, judged by what the client needs."""
    needs = dict.fromkeys(id for need in named(name).needs for id in need.ids)
    report = document(*needs, defect=defect, profile=profile)
    return next(found for found in clients(report) if found.name == name)


def named(name: str) -> Client:
    return next(client for client in known_clients() if client.name == name)


@pytest.mark.parametrize("client", known_clients(), ids=NAMES)
def test_the_needs_of_a_client_are_whole(client: Client) -> None:
    ids = [id for need in client.needs for id in need.ids]
    assert ids and not [id for id in ids if id not in catalogue.requirements()]
    assert not [id for id in ids if catalogue.requirement(id).not_judged]
    assert all(need.use and need.why and need.source for need in client.needs)
    assert any(need.essential and not need.refusal_only for need in client.needs)
    assert set(client.profiles) <= set(profiles.names())
    dialects = [profiles.profile(name) for name in client.profiles or ("openai",)]
    assert not [id for id in ids if not any(dialect.applies(catalogue.requirement(id)) for dialect in dialects)]


@pytest.mark.parametrize("client", known_clients(), ids=NAMES)
def test_a_defect_breaks_what_a_client_needs_first(client: Client) -> None:
    broken = {id for fault in FAULTS.values() for id in fault.breaks}
    essential = {id for need in client.needs if need.essential for id in need.ids}
    assert essential & broken


def test_every_client_has_a_defect_here() -> None:
    assert [name for name, *_ in TURNS] == NAMES


@pytest.mark.parametrize(("name", "defect", "profile", "outlook"), TURNS, ids=NAMES)
def test_a_client_works_and_a_defect_turns_its_row(name: str, defect: str, profile: str, outlook: Outlook) -> None:
    assert fares(name, profile=profile).outlook is Outlook.WORKS
    turned = fares(name, defect, profile)
    assert turned.outlook is outlook
    assert set(turned.lacks[0].ids) & set(FAULTS[defect].breaks)
    assert turned.lacks[0].ids[0] in turned.summary


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("openai-node", "stream-lone-retry"),  # which stops only the SDK for Python
        ("vercel-ai-sdk", "stream-only-one-of-two-choices-ends"),  # it asks for one
        ("open-webui", "stream-two-spaces-before-done"),
        ("codex-like", "tool-call-without-type-in-streams"),
        ("llamaindex", "embeddings-index-missing"),
        ("langchain", "embeddings-indexes-begin-anew"),
    ],
)
def test_a_defect_that_this_client_does_not_meet_leaves_its_row(name: str, defect: str) -> None:
    assert fares(name, defect).outlook is Outlook.WORKS


def test_a_feature_that_is_refused_is_not_offered() -> None:
    needs = [id for need in named("cline").needs for id in need.ids]
    report = altered(document(*needs), row("STREAM-030", "not-applicable", "refused"))
    found = next(found for found in clients(report) if found.name == "cline")
    assert found.outlook is Outlook.BREAKS
    assert (found.lacks[0].need.use, found.lacks[0].standing) == ("include_usage", Standing.ABSENT)
    report = altered(document(*needs), row("STREAM-030", "fail", "16 chunks carry usage"))
    found = next(found for found in clients(report) if found.name == "cline")
    assert (found.outlook, found.summary) == (Outlook.PARTLY, "cost and context display: STREAM-030")


def test_what_was_not_judged_is_not_told() -> None:
    by_name = {found.name: found for found in clients(document("LIST"))}
    assert by_name["langchain"].outlook is Outlook.UNKNOWN
    assert by_name["langchain"].summary == "not judged: SDK-001, SDK-004"
    assert "speaks watsonx only" in by_name["watsonx-sdk"].summary
    blind = altered(document("SDK-001", "SDK-004", "SDK-022"), row("SDK-001", "untestable", "nothing came"))
    assert next(found for found in clients(blind) if found.name == "openai-python").outlook is Outlook.UNKNOWN


def test_what_a_message_leaves_untold_is_not_taken_for_sound() -> None:
    needs = [id for need in named("codex-like").needs for id in need.ids]
    cut = altered(document(*needs), row("STREAM-005", "warn", "a line ends with a bare CR; and (and 26 more)"))
    assert next(found for found in clients(cut) if found.name == "codex-like").outlook is Outlook.UNKNOWN


def test_the_command_tells_each_client_and_requires_some(run: Command, tmp_path: Path) -> None:
    needs = [id for name in ("codex-like", "openai-node") for need in named(name).needs for id in need.ids]
    report = document(*dict.fromkeys(needs), defect="tool-streams-end-with-stop")
    (tmp_path / "report.json").write_text(json.dumps(report))
    done = run("gateproof", "clients", "report.json")
    assert done.returncode == 0, done.stderr
    assert "Codex-like agents (streaming tool calls)  breaks" in done.stdout
    assert "    tool calls: STREAM-044\n" in done.stdout
    assert "openai SDK for Node                       works\n" in done.stdout
    assert run("gateproof", "clients", "report.json", "--require", "openai-node").returncode == 0
    assert run("gateproof", "clients", "report.json", "--require", "codex-like").returncode == 1
    misspelt = run("gateproof", "clients", "report.json", "--require", "codex")
    assert misspelt.returncode == 4
    assert "did you mean 'codex-like'?" in misspelt.stderr and misspelt.stderr.count("\n") == 1
