import asyncio
import gc
import sys

import pytest

from systems.operator.sdk import load_client


async def _load():
    return await load_client(seconds=7, retries=1)


def test_the_client_has_its_limits_and_garbage_is_collected_again(monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-test")
    client = asyncio.run(_load())
    assert (client.timeout, client.max_retries) == (7, 1)
    assert gc.isenabled()


def test_an_sdk_that_cannot_be_loaded_says_so_and_garbage_is_collected_again(monkeypatch):
    monkeypatch.setitem(sys.modules, "anthropic", None)
    with pytest.raises(ImportError):
        asyncio.run(_load())
    assert gc.isenabled()
