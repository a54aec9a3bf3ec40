"""A page in a real Chromium, driven over the DevTools protocol through a pair of pipes."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--remote-debugging-pipe",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--allow-file-access-from-files",
    "--proxy-server=127.0.0.1:9",  # whatever asks the network is refused
)


class Browser:
    """One tab. The protocol: https://chromedevtools.github.io/devtools-protocol/."""

    def __init__(self, executable: str, profile: Path) -> None:
        to_browser, ours_out = os.pipe()
        ours_in, from_browser = os.pipe()

        def hand_over() -> None:  # Chromium reads from 3 and writes to 4
            incoming, outgoing = os.dup(to_browser), os.dup(from_browser)
            os.dup2(incoming, 3)
            os.dup2(outgoing, 4)

        self._process = subprocess.Popen(
            [executable, *_FLAGS, f"--user-data-dir={profile}", "about:blank"],
            env={**os.environ, "TMPDIR": str(profile.parent)},
            preexec_fn=hand_over,
            close_fds=False,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._out = os.fdopen(ours_out, "wb")
        self._in = os.fdopen(ours_in, "rb")
        self._last = 0
        self._session: str | None = None
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method and return its result; events that come meanwhile are kept."""
        self._last += 1
        message = {"id": self._last, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        self._out.flush()
        while True:
            answer = self._read()
            if answer.get("id") == self._last:
                assert "error" not in answer, answer["error"]
                return answer["result"]

    def open(self, path: Path, fragment: str = "") -> None:
        """Load a file and wait until it is there."""
        self.call("Page.navigate", url=f"{path.as_uri()}{fragment}")
        self.until("document.readyState === 'complete'")

    def run(self, script: str) -> Any:
        """The value of an expression in the page; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition: str, within: float = 10.0) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + within
        while not self.run(condition):
            assert time.monotonic() < end, f"it never came true: {condition}"

    def show(self, *, width: int = 1280, height: int = 900, dark: bool = False, phone: bool = False) -> None:
        """Look like this screen."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=2 if phone else 1,
            mobile=phone,
        )
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Save what is on the screen, or the whole page, as PNG."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self) -> bytes:
        """The page as it is printed."""
        return base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"])

    @property
    def complaints(self) -> list[str]:
        """What the console says is wrong, and every request beyond the page's own file."""
        said = []
        for event in self.events:
            method, parameters = event.get("method"), event.get("params", {})
            if method == "Runtime.exceptionThrown":
                said.append(str(parameters["exceptionDetails"]))
            elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
                said.append(str(parameters["args"]))
            elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                said.append(str(parameters["entry"]))
            elif method == "Network.requestWillBeSent":
                url = parameters["request"]["url"]
                if not url.startswith(("file:", "data:", "about:")):
                    said.append(f"a request to {url}")
        return said

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(timeout=20)
        self._out.close()
        self._in.close()

    def _read(self) -> dict[str, Any]:
        message = bytearray()
        while not message.endswith(b"\0"):
            piece = self._in.read(1) if not message else self._read_on()
            assert piece, "the browser has gone"
            message += piece
        found: dict[str, Any] = json.loads(message[:-1])
        if "method" in found:
            self.events.append(found)
        return found

    def _read_on(self) -> bytes:
        """What is there up to the end of this message."""
        waiting = self._in.peek()  # type: ignore[attr-defined]
        end = waiting.find(b"\0")
        return self._in.read(end + 1 if end >= 0 else len(waiting))


@pytest.fixture(scope="session")
def chromium() -> str:
    found = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    return found


@pytest.fixture
def browser(chromium: str) -> Iterator[Browser]:
    # Short, for its path is part of a socket's; and Chromium leaves things in it.
    with tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True) as directory:
        browser = Browser(chromium, Path(directory) / "profile")
        try:
            yield browser
        finally:
            browser.close()
