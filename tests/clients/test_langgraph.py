"""langchain-ibm's ChatWatsonx, alone and as the model of a small LangGraph agent with a tool."""

from pathlib import Path
from typing import Any

import pytest

from .conftest import KEY, Needed


@pytest.fixture(scope="module")
def client(needed: Needed, secure: tuple[str, Path]) -> Any:
    sdk = needed("ibm_watsonx_ai")
    credentials = sdk.Credentials(url=secure[0], token=KEY, verify=str(secure[1]))
    return sdk.APIClient(credentials, project_id="project")


@pytest.fixture(scope="module")
def llm(needed: Needed, client: Any) -> Any:
    return needed("langchain_ibm").ChatWatsonx(model="azure/gpt-4o", watsonx_client=client)


def test_a_chat_whole_and_streamed(llm: Any) -> None:
    assert llm.invoke("hi").content
    assert "".join(str(each.content) for each in llm.stream("hi"))


def test_embeddings(needed: Needed, client: Any) -> None:
    embeddings = needed("langchain_ibm").WatsonxEmbeddings(model="text-embedding-3-small", watsonx_client=client)
    assert len(embeddings.embed_query("a")) == 1536


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("streamed", [False, True])
def test_an_agent_calls_its_tool_and_answers(needed: Needed, llm: Any, streamed: bool) -> None:
    graphs, prebuilt = needed("langgraph.graph"), needed("langgraph.prebuilt")
    asked: list[str] = []

    def weather(city: str) -> str:
        """Tells the weather of a city."""
        asked.append(city)
        return f"It rains in {city}."

    model = llm.bind_tools([weather])

    def think(state: Any) -> Any:
        return {"messages": [model.invoke(state["messages"])]}

    graph = graphs.StateGraph(graphs.MessagesState)
    graph.add_node("think", think)
    graph.add_node("tools", prebuilt.ToolNode([weather]))
    graph.add_edge(graphs.START, "think")
    graph.add_conditional_edges("think", prebuilt.tools_condition)
    graph.add_edge("tools", "think")
    agent = graph.compile()
    question = {"messages": [("user", "What is the weather in Berlin?")]}
    if streamed:
        pieces = [piece for piece, _ in agent.stream(question, stream_mode="messages")]
        assert "".join(str(each.content) for each in pieces if each.type == "AIMessageChunk")
    else:
        said = agent.invoke(question)["messages"]
        assert [each.type for each in said] == ["human", "ai", "tool", "ai"]
        assert said[-1].content
    assert len(asked) == 1
