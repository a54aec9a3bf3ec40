"""An agent that asks its model although there is no ticket."""

from support.sabotage.sabotage import Sabotage
from support.sabotage.tampering import agent_behind

_ASK = """
import json, os, sys, urllib.request
if os.fork():
    os.execvp(sys.argv[1], sys.argv[1:])
tool = {"name": "shell", "input_schema": {"type": "object", "properties": {"command": {"type": "string"}}}}
body = {"model": "any", "max_tokens": 100, "tools": [tool]}
body["messages"] = [{"role": "user", "content": "Is there anything to do?"}]
headers = {"x-api-key": os.environ["ANTHROPIC_API_KEY"], "content-type": "application/json"}
url = os.environ["ANTHROPIC_BASE_URL"] + "/v1/messages"
urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers), timeout=10)
open(os.environ["SABOTAGE_MARK"], "w").close()
"""


SABOTAGE = Sabotage(
    title="restless agent",
    sentence="The agent asks its model, and spends money, although there is no ticket.",
    breaks={
        "DEMO-02.1": "requests to the model: an empty collection\n  but: was <['POST",
    },
    leaves=("DEMO-01.1", "DEMO-05.12"),
    profile=lambda profile: agent_behind(profile, "{python}", "-c", _ASK),
)
