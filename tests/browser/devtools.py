"""A headless Chromium, driven over its DevTools protocol: as much of a client as the report's test needs."""

import asyncio
import base64
import json
import pathlib
import re
import shutil
import tempfile

import websockets

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def found():
    """The browser's program, or None."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


class Browser:
    """A browser with one page. Use as `async with`."""

    async def __aenter__(self):
        self.profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.process = await asyncio.create_subprocess_exec(
            found(), "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
            "--disable-extensions", "--disable-background-networking", "--disable-dev-shm-usage",
            "--remote-debugging-port=0", f"--user-data-dir={self.profile.name}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE)
        while line := (await asyncio.wait_for(self.process.stderr.readline(), 60)).decode():
            if match := re.search(r"DevTools listening on (ws://\S+)", line):
                break
        else:
            raise RuntimeError("the browser did not start")
        # Nobody reads the rest: a full pipe would stop the browser.
        self.drain = asyncio.create_task(self.process.stderr.read())
        self.socket = await websockets.connect(match[1], max_size=None)
        self.number, self.waiting, self.session = 0, {}, None
        self.complaints, self.requests, self.loaded = [], [], asyncio.Event()
        self.reader = asyncio.create_task(self._read())
        target = await self.send("Target.createTarget", url="about:blank")
        attached = await self.send("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self.session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.send(f"{domain}.enable")
        return self

    async def __aexit__(self, *_):
        self.reader.cancel()
        await self.socket.close()
        if self.process.returncode is None:
            self.process.terminate()
        await self.process.wait()
        self.drain.cancel()
        self.profile.cleanup()

    async def _read(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self.waiting.pop(message["id"]).set_result(message)
                continue
            method, what = message["method"], message["params"]
            if method == "Page.loadEventFired":
                self.loaded.set()
            elif method == "Runtime.exceptionThrown":
                self.complaints.append(what["exceptionDetails"].get("exception", {}).get("description", str(what)))
            elif method == "Runtime.consoleAPICalled":
                self.complaints.append(f"console.{what['type']}: {what['args']}")
            elif method == "Log.entryAdded":
                self.complaints.append(what["entry"]["text"])
            elif method == "Network.requestWillBeSent":
                self.requests.append(what["request"]["url"])

    async def send(self, method, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        self.waiting[self.number] = asyncio.get_running_loop().create_future()
        answer = self.waiting[self.number]
        await self.socket.send(json.dumps(message))
        answer = await asyncio.wait_for(answer, 60)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    async def open(self, path, width, height=900, theme="light", media="", touch=False):
        """Shows a file at a width of the window, in a theme; media is "" or "print"."""
        await self.send("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        await self.send("Emulation.setTouchEmulationEnabled", enabled=touch)
        await self.send("Emulation.setEmulatedMedia", media=media,
                        features=[{"name": "prefers-color-scheme", "value": theme}])
        self.loaded.clear()
        await self.send("Page.navigate", url=pathlib.Path(path).resolve().as_uri())
        await asyncio.wait_for(self.loaded.wait(), 60)

    async def value(self, expression):
        """What a JavaScript expression is, as JSON."""
        answer = await self.send("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    async def key(self, name, times=1, shift=False):
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                await self.send("Input.dispatchKeyEvent", type=kind, key=name, code=name, modifiers=8 if shift else 0,
                                windowsVirtualKeyCode={"Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}[name])

    async def click(self, x, y):
        for kind in ("mousePressed", "mouseReleased"):
            await self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    async def tap(self, x, y):
        await self.send("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        await self.send("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    async def shot(self, path, whole=False):
        picture = await self.send("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        pathlib.Path(path).write_bytes(base64.b64decode(picture["data"]))
