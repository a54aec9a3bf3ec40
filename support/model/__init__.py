"""What answers the operator: a model double and its scripts, a replayed model, or the real one."""

from support.model.conversation import Conversation, Result, Turn
from support.model.double import ModelDouble
from support.model.engineer import on_call_engineer
from support.model.exchange import Exchange
from support.model.model import Model
from support.model.script import Answer, NoAnswer, Reply, Script, Story, Troubled, story
from support.model.tools import Tool, ToolCall

__all__ = [
    "Answer",
    "Conversation",
    "Exchange",
    "Model",
    "ModelDouble",
    "NoAnswer",
    "Reply",
    "Result",
    "Script",
    "Story",
    "Tool",
    "ToolCall",
    "Troubled",
    "Turn",
    "on_call_engineer",
    "story",
]
