"""A real browser for tests of pages: Debian's chromium, headless, driven by chromium-driver's WebDriver protocol."""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

ABSENT = not (shutil.which("chromium") and shutil.which("chromedriver"))
WANTED = "needs Debian's chromium and chromium-driver"
# Windows that a page has to be readable in: two laptops and a phone.
WINDOWS = [(1280, 720), (1400, 900), (390, 844)]
_ARGUMENTS = (
    "headless",
    "disable-gpu",
    "disable-quic",
    "no-first-run",
    "disable-background-networking",
    "disable-component-update",
    "disable-sync",
)


class Browser:
    """One browser with one page; a context manager. The network is switched off."""

    def __init__(self, profile: Path) -> None:
        self._driver = subprocess.Popen(
            ["chromedriver", "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self._driver.stdout is not None
        started = (re.search(r"successfully on port (\d+)", line) for line in self._driver.stdout)
        port = next(filter(None, started))[1]
        self._address = f"http://127.0.0.1:{port}/session"
        root = ["no-sandbox"] if os.geteuid() == 0 else []
        options = {
            "args": [f"--{each}" for each in [*_ARGUMENTS, *root, f"user-data-dir={profile}"]],
            "binary": shutil.which("chromium"),
        }
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self._address += f"/{self._post('', capabilities={'alwaysMatch': wanted})['sessionId']}"
        self.command("Network.enable")
        self.command("Network.setBlockedURLs", urls=["http://*", "https://*"])

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        urllib.request.urlopen(urllib.request.Request(self._address, method="DELETE")).close()
        self._driver.terminate()
        self._driver.wait()

    def _post(self, path: str, **content: Any) -> Any:
        request = urllib.request.Request(
            self._address + path, json.dumps(content).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)["value"]

    def command(self, name: str, **parameters: Any) -> Any:
        """A command of the browser's devtools."""
        return self._post("/goog/cdp/execute", cmd=name, params=parameters)

    def window(self, width: int, height: int, scheme: str = "light", media: str = "") -> None:
        """Show the page in a window of this many CSS pixels, in a colour scheme; media "print" shows it as printed."""
        self.command(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.command("Emulation.setEmulatedMedia", media=media, features=features)

    def open(self, page: Path) -> None:
        self._post("/url", url=page.absolute().as_uri())

    def value(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        return self._post("/execute/sync", script=f"return {script}", args=[])

    def wait(self, script: str, seconds: float = 60) -> bool:
        """Wait until a JavaScript expression holds; whether it does in that time."""
        end = time.monotonic() + seconds
        while not (found := bool(self.value(f"Boolean({script})"))) and time.monotonic() < end:
            time.sleep(0.1)
        return found

    def errors(self) -> list[str]:
        """What the page complained of on the console since the last call."""
        return [each["message"] for each in self._post("/se/log", type="browser") if each["level"] == "SEVERE"]

    def print(self, file: Path) -> None:
        """The page as a PDF on A4."""
        found = self.command("Page.printToPDF", paperWidth=8.27, paperHeight=11.69, printBackground=False)
        file.write_bytes(base64.b64decode(found["data"]))


def box(browser: Browser, selector: str) -> dict[str, float]:
    """{"left", "top", "right", "bottom"} of the first element of a selector, in CSS pixels from the window's corner."""
    return dict(browser.value(f"document.querySelector({json.dumps(selector)}).getBoundingClientRect().toJSON()"))


_OUT_OF_REACH = """
[...document.querySelectorAll(ROOT + " *")].filter(each => {
  const at = each.getBoundingClientRect(), [x, y] = [at.left + scrollX, at.top + scrollY];
  if (!at.width || !at.height) return false;
  for (let box = each.parentElement; box && box !== document.body; box = box.parentElement)
    if (/auto|scroll/.test(getComputedStyle(box).overflow)) {
      const frame = box.getBoundingClientRect();
      return at.left < frame.left - box.scrollLeft - 1 || at.top < frame.top - box.scrollTop - 1;
    }
  return x < 0 || y < 0 || x + at.width > innerWidth + 1;
}).map(each => each.outerHTML.slice(0, 200))
"""


def out_of_reach(browser: Browser, root: str = "body") -> list[str]:
    """The elements below a selector that cannot be scrolled to, or only sideways.

    These are above or left of the page or of the box that they scroll in; or wider than the window, and in no such box.
    """
    return list(browser.value(_OUT_OF_REACH.strip().replace("ROOT", json.dumps(root))))
