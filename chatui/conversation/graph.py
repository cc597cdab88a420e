"""The graph of a turn: START -> model -> END, saved at each step.

It is flat on purpose: replaying a subgraph would restart it from its start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from chatui.conversation.state import state_type
from chatui.storage.channels import Shape

#: Given the messages of the branch and the checkpoint that ends with them, gives the reply.
Answer = Callable[[Sequence[BaseMessage], str], Awaitable[AIMessage]]

#: The node that answers. Saving a message for it (a partial or an edited reply) says `as_node=MODEL`.
MODEL = "model"

Graph = CompiledStateGraph[Any, None, Any, Any]


def build_graph(answer: Answer, checkpointer: BaseCheckpointSaver[Any], shape: Shape | None = None) -> Graph:
    """Return the compiled graph.

    Args:
        answer: Asks the model. It is called once the prompt is on disk.
        checkpointer: Where the steps are saved.
        shape: The state of a thread that another program began; None for ours.
    """
    shape = shape or Shape()

    async def model(state: Any, runtime: Runtime[None]) -> dict[str, list[AIMessage]]:
        info = runtime.execution_info
        if info is None:  # only where LangGraph did not run the node
            raise RuntimeError("the model node runs inside of a graph only")
        return {shape.channel: [await answer(state[shape.channel], info.checkpoint_id)]}

    builder: StateGraph[Any, None, Any, Any] = StateGraph(state_type(shape))
    builder.add_node(MODEL, model)
    builder.add_edge(START, MODEL)
    builder.add_edge(MODEL, END)
    return builder.compile(checkpointer=checkpointer)


def at(thread_id: str, checkpoint_id: str | None, **metadata: str) -> RunnableConfig:
    """Return the config that addresses a checkpoint.

    It always names the namespace: without it `aupdate_state` raises KeyError. The caller has checked that the checkpoint
    exists: at an unknown one LangGraph silently starts an empty conversation.

    Args:
        thread_id: The thread.
        checkpoint_id: The checkpoint; None only in a thread that has none yet.
        metadata: Scalars that are stored with each new checkpoint.
    """
    configurable = {"thread_id": thread_id, "checkpoint_ns": ""}
    if checkpoint_id is not None:
        configurable["checkpoint_id"] = checkpoint_id
    return {"configurable": configurable, "metadata": dict(metadata)}
