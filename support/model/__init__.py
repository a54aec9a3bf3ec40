"""The model double: a loopback Messages API that answers by a script, and the scripts' own words."""

from support.model.conversation import Conversation, Result, Turn
from support.model.double import ModelDouble
from support.model.engineer import on_call_engineer
from support.model.exchange import Exchange
from support.model.script import NoAnswer, Reply, Script, Story, story
from support.model.tools import Tool, ToolCall

__all__ = [
    "Conversation",
    "Exchange",
    "ModelDouble",
    "NoAnswer",
    "Reply",
    "Result",
    "Script",
    "Story",
    "Tool",
    "ToolCall",
    "Turn",
    "on_call_engineer",
    "story",
]
