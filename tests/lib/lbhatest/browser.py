"""A headless Chromium, driven over the DevTools protocol through a pair of pipes: nothing but Python's own library.

Messages are JSON with a zero byte behind each; ours come on the browser's descriptor 3, its on 4. What a page asked for, said
and complained of is kept, so that a test can say what there must not be.
"""
import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import time

from .hosts import setns
from .waiting import patience, wait_until

OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", "--no-first-run", "--no-proxy-server",
           "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars",
           "--font-render-hinting=none")
PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


def find_browser():
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


class Failed(AssertionError):
    """The browser refused, or a script of the test's ended with an exception."""


class Browser:
    """One process on a host of the lab, in which each test has a page of its own."""

    def __init__(self, host):
        self.folder = tempfile.mkdtemp(prefix="lbha-browser-")
        to_browser, self.to = os.pipe()
        self.back, from_browser = os.pipe()
        self.numbers, self.buffer, self.answers, self.pages = 0, b"", {}, {}

        def arrange():
            first, second = os.dup(to_browser), os.dup(from_browser)   # 3 and 4 may be any of them
            os.dup2(first, 3)
            os.dup2(second, 4)
            setns(host.fds["mnt"])

        command = [find_browser(), *OPTIONS, f"--user-data-dir={self.folder}", "about:blank"]
        with host.inside(("net", "pid")):
            self.process = subprocess.Popen(command, preexec_fn=arrange, close_fds=False, stdin=subprocess.DEVNULL,
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.to)
        os.close(self.back)
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- messages ---

    def call(self, method, session=None, **params):
        self.numbers += 1
        number, message = self.numbers, {"id": self.numbers, "method": method, "params": params}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        deadline = time.monotonic() + 30 * patience()
        while number not in self.answers:
            assert time.monotonic() < deadline, f"the browser does not answer {method}"
            self.listen(0.5)
        answer = self.answers.pop(number)
        if "error" in answer:
            raise Failed(f"{method}: {answer['error'].get('message')}")
        return answer["result"]

    def listen(self, seconds):
        """Take in what the browser says within that time at the latest."""
        if not select.select([self.back], [], [], seconds)[0]:
            return
        data = os.read(self.back, 1 << 20)
        assert data, "the browser has ended"
        *messages, self.buffer = (self.buffer + data).split(b"\0")
        for text in messages:
            message = json.loads(text)
            if "id" in message:
                self.answers[message["id"]] = message
            elif message.get("sessionId") in self.pages:
                self.pages[message["sessionId"]].heard(message["method"], message["params"])

    @contextlib.contextmanager
    def page(self, **settings):
        page = Page(self, **settings)
        try:
            yield page
        finally:
            page.close()


class Page:
    """A tab of its own kind: width and height in CSS pixels, media features, such as {"prefers-color-scheme": "dark"}."""

    def __init__(self, browser, width=1280, height=900, scale=1, **features):
        self.browser, self.requests, self.complaints = browser, [], []
        self.context = browser.call("Target.createBrowserContext")["browserContextId"]
        self.target = browser.call("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        browser.pages[self.session] = self
        for domain in ("Page", "Runtime", "Network", "Log", "DOM", "Accessibility"):
            self.call(f"{domain}.enable")
        self.resize(width, height, scale)
        self.call("Emulation.setEmulatedMedia", features=[{"name": name.replace("_", "-"), "value": value}
                                                          for name, value in features.items()])

    def call(self, method, **params):
        return self.browser.call(method, self.session, **params)

    def close(self):
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)
        del self.browser.pages[self.session]

    def heard(self, method, params):
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            details = params["exceptionDetails"]
            self.complaints.append(details.get("exception", {}).get("description") or details["text"])
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(" ".join(str(one.get("value", one.get("description"))) for one in params["args"]))
        elif method == "Page.javascriptDialogOpening":
            self.complaints.append(f"a dialogue: {params['message']}")
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")

    def resize(self, width, height, scale=1):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=width < 600)

    def open(self, url):
        self.call("Page.navigate", url=url)
        return self

    def ask(self, script):
        """The value of an expression in the page, also one that has to be awaited."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Failed(details.get("exception", {}).get("description") or details["text"])
        return answer["result"].get("value")

    def wait(self, script, within=10, what=None):
        return wait_until(lambda: self.ask(script), within, what or script, every=0.05)

    def text(self, selector):
        return self.ask(f"document.querySelector({json.dumps(selector)})?.innerText ?? null")

    def texts(self, selector):
        return self.ask(f"[...document.querySelectorAll({json.dumps(selector)})].map(one => one.innerText)")

    def picture(self, path=None, whole=True):
        """A PNG of the page, as bytes and into a file."""
        shot = base64.b64decode(self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole,
                                          optimizeForSpeed=False)["data"])
        if path:
            with open(path, "wb") as file:
                file.write(shot)
        return shot

    def names(self):
        """[(role, accessible name)] of all that assistive technology is told of."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes
                if not node.get("ignored") and "role" in node]

    def press(self, key, code=None):
        text = {"Enter": "\r", " ": " "}.get(key)
        what = {"key": key, "code": code or key, **({"text": text} if text else {}),
                "windowsVirtualKeyCode": {"Tab": 9, "Enter": 13, " ": 32}.get(key, 0)}
        self.call("Input.dispatchKeyEvent", type="keyDown", **what)
        self.call("Input.dispatchKeyEvent", type="keyUp", **what)
