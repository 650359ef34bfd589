"""Calls of the SDK in a process of its own: what is told of them, and whose fault a failure is."""

import asyncio
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import openai
import pytest

from conformance import profiles
from conformance.probe import PROBES
from conformance.rehearsing.clock import JumpingLoop
from conformance.sdk import calls, clients
from conformance.sdk.playing import Played, played
from conformance.sdk.worker import Lost, Worker
from conformance.sending.gateway import Facts, Gateway
from conformance.sending.recording import Recording, record
from conformance.sending.wire import Wire
from conformance.target import ConfigError, Target
from conformance.verdict import Verdict

from ..suites.edits import asks, chunk, put
from ..suites.judged import KEY, gateway_app, on_stage

OTHER = sys.executable
"""Stands for an interpreter with another openai; that it is the same one does not matter here."""
OPENAI = profiles.profile("openai")


def play(kind: str, body: dict[str, Any], app: Any = None, **options: Any) -> Played:
    async def run(url: str) -> Played:
        async with Wire() as wire:
            gateway = Gateway(wire, Target(f"{url}/v1", api_key=KEY), OPENAI)
            gateway.facts = Facts(model="mock/small")
            return await played(gateway, kind, gateway.chat_body() | body, **options)

    with on_stage(app or gateway_app()) as url:
        return asyncio.run(run(url))


def test_a_call_tells_its_client_its_words_and_what_came() -> None:
    told = play("create", {})
    assert (told["client"], told["call"], told["outcome"]) == (
        f"openai-python {openai.__version__}",
        "chat.completions.create()",
        "returned",
    )
    assert (told["data"]["type"], told["data"]["choices"][0]["role"]) == ("ChatCompletion", "assistant")
    assert [x.status for x in told["exchanges"]] == [200]
    assert KEY not in str(told["data"])


def test_an_exception_of_the_sdk_tells_where_it_came_from() -> None:
    told = play("helper", {"stream": True}, chunk(put("choices[].index", None))(gateway_app()))
    assert (told["outcome"], told["type"]) == ("raised", "TypeError")
    assert told["call"] == "the iteration over chat.completions.stream()"


def test_a_call_that_is_wrong_by_itself_is_no_fault_of_the_gateways() -> None:
    with pytest.raises(RuntimeError, match="no_such_argument"):
        play("create", {"no_such_argument": 1})


def test_the_environment_does_not_lead_the_sdk_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "OPENAI_ORG_ID", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    worker = Worker()
    try:
        assert asyncio.run(worker.client()).version == openai.__version__
    finally:
        worker.end()
    headers = play("create", {})["exchanges"][0].request.headers
    assert "openai-organization" not in {name.lower() for name, _ in headers}


def test_a_worker_that_dies_is_an_error_of_ours() -> None:
    async def run() -> None:
        worker, chat = Worker(), {"model": "m", "messages": []}
        await worker.client()
        call = asyncio.ensure_future(worker.call("create", chat, {"base_url": f"http://127.0.0.1:{silent}/"}))
        await asyncio.sleep(0.1)
        worker.end()
        await call

    listening = socket.create_server(("127.0.0.1", 0))  # takes connections, and answers nothing
    silent = listening.getsockname()[1]
    with listening, pytest.raises(Lost, match="has ended"):
        asyncio.run(run())


@pytest.mark.parametrize("python", ["/nonexistent/python", "/bin/true"])
def test_what_is_no_interpreter_with_the_sdk_is_the_users_to_mend(python: str) -> None:
    with pytest.raises(ConfigError, match=f"--sdk-python:? ?{python}"):
        asyncio.run(Worker(python).client())


def test_the_process_imports_nothing_of_ours() -> None:
    folder = str(Path(calls.__file__).parents[1])
    code = f"import sys; sys.path.append({folder!r}); import calls.process; print('conformance' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path("/"), check=True)
    assert done.stdout.strip() == "False"


def test_the_sdk_is_not_imported_where_it_is_not_judged() -> None:
    code = "import sys, conformance.judging.run, conformance.suites.test_sdk; print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


# A rehearsal


def test_a_rehearsal_sends_as_many_requests_and_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("conformance.sdk.playing.worker", None)
    sent: list[str] = []

    class Stage:
        async def send(self, id: str, label: str, request: Any) -> Any:
            from conformance.exchange import Exchange, Response

            sent.append(request.url)
            return Exchange(id, label, request, Response(200, (), ((0.0, b"{}"),)))

    async def run() -> Played:
        gateway = Gateway(Stage(), Target("http://nowhere/v1"), OPENAI)
        return await played(gateway, "leave", gateway.chat_body())

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        assert len(runner.run(run())["exchanges"]) == len(sent) == 5


# A second client


def recorded(app: Any, *names: str, other: str = OTHER) -> tuple[Recording, Target]:
    with on_stage(app) as url:
        target = Target(f"{url}/v1", api_key=KEY, timeout_s=5.0, sdk_python=other)
        return asyncio.run(record(target, OPENAI, set(names))), target


def test_a_second_client_is_judged_on_its_own() -> None:
    recording, target = recorded(gateway_app(), "sdk_create", "sdk_iterate")
    (row,) = clients.judged(recording, target, OPENAI, ["CHAT-001", "SDK-001", "SDK-004"])
    assert (row["name"], row["version"]) == ("openai-python", openai.__version__)
    assert [(each["id"], each["verdict"]) for each in row["requirements"]] == [("SDK-001", "pass"), ("SDK-004", "pass")]
    assert {verdict: count for verdict, count in row["summary"].items() if count} == {"pass": 2}
    assert len(recording.exchanges) == 4  # the list, the chat that finds the model, a chat and a stream


def test_what_breaks_the_second_client_is_told_of_it() -> None:
    repeated = chunk(put("choices[].delta.role", "assistant"), asks("stream", True))(gateway_app())
    recording, target = recorded(repeated, "sdk_helper")
    (row,) = clients.judged(recording, target, OPENAI, ["SDK-005"])
    assert clients.verdicts([row]) == [Verdict.FAIL]
    assert row["requirements"][0]["message"].startswith(f"openai-python {openai.__version__}, get_final_completion()")


def test_a_recording_keeps_it(tmp_path: Path) -> None:
    recording, target = recorded(gateway_app(), "sdk_create")
    recording.save(tmp_path / "run.json")
    kept = Recording.load(tmp_path / "run.json")
    ids = ["SDK-001"]
    assert clients.judged(kept, target, OPENAI, ids) == clients.judged(recording, target, OPENAI, ids)


def test_without_one_there_is_no_row() -> None:
    with on_stage(gateway_app()) as url:
        target = Target(f"{url}/v1", api_key=KEY)
        recording = asyncio.run(record(target, OPENAI, {"sdk_create"}))
    assert clients.judged(recording, target, OPENAI, ["SDK-001"]) == []


def test_all_probes_of_the_sdk_are_called_so() -> None:
    ours = [name for name, probe in PROBES.items() if probe.send.__module__ == "conformance.probes.sdk"]
    assert ours and all(name.startswith("sdk_") for name in ours)
