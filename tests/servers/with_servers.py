#!/usr/bin/env python3
"""Runs a command with the servers that the end-to-end tests of `routecal replay collect` talk to. See README.md.

    python3 tests/servers/with_servers.py [--cache DIR] -- COMMAND ARG…

Exits with the command's own status; 2 for wrong usage, 3 where the servers cannot be had or end before the command does.
"""

import argparse
import contextlib
import hashlib
import http.client
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
START_SECONDS = 120  # for a machine that is busy compiling; an idle one needs two
STOP_SECONDS = 5
# What a command gets after Ctrl-C to end by itself: routecal finishes the requests in flight.
DRAIN_SECONDS = 40
LOG_LINES = 30


class Failure(Exception):
    """The servers cannot be had; the message says why."""


def say(text):
    print(f"with_servers: {text}", file=sys.stderr, flush=True)


def installed(cache):
    """The Python of a virtual environment with the pinned packages, made where the cache has none."""
    # The name says what is inside, so a cache may outlive a change of the pins or of Python.
    pins = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    home = cache / f"servers-py{sys.version_info[0]}.{sys.version_info[1]}-{pins}"
    python = Path("bin", "python")
    if home.exists():
        return home / python
    started = time.monotonic()
    say(f"installing into {home} (about 130 MB to download)")
    cache.mkdir(parents=True, exist_ok=True)
    # Made aside and renamed when complete: an install that was cut off is never taken for one. The environment's Python
    # works from any place; its scripts would not, and are not used.
    with tempfile.TemporaryDirectory(dir=cache) as scratch:
        made = Path(scratch, "environment")
        finish([sys.executable, "-m", "venv", made])
        pip = [made / python, "-m", "pip", "--disable-pip-version-check", "--no-input", "install", "--quiet"]
        # Every package that is needed is in the file, so none may bring others; and no package runs code to install.
        finish([*pip, "--require-hashes", "--no-deps", "--only-binary", ":all:", "--requirement", REQUIREMENTS])
        try:
            made.rename(home)
        except OSError:
            if not home.exists():
                raise
            # Another run on the same cache was faster.
    say(f"installed in {time.monotonic() - started:.0f} s")
    return home / python


def finish(command):
    """Runs a step of the installation to its end; where this is cut short, ends it with all that it started."""
    process = subprocess.Popen(command, start_new_session=True)
    try:
        status = process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise
    if status != 0:
        raise Failure(f"{' '.join(map(str, command))} failed with status {status}")


class Server:
    """A running serve.py. `close` always ends it."""

    def __init__(self, python, logs, name, *arguments, key=None):
        self.name = name
        self.log = logs / f"{name}.log"
        environment = {variable: value for variable, value in os.environ.items() if not variable.startswith("LLMOCK_")}
        if key is not None:
            environment["ROUTECAL_TEST_SERVER_KEY"] = key
        try:
            with self.log.open("wb") as log:
                self.process = subprocess.Popen(
                    # -I: no PYTHONPATH and no packages of the user.
                    [python, "-I", HERE / "serve.py", *arguments],
                    stdin=subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=environment,
                    # A Ctrl-C is for the command; its last requests still need the server.
                    start_new_session=True,
                )
        except OSError as error:
            # An environment whose Python was removed from the machine.
            raise Failure(f"cannot run {python}: {error.strerror}\nhint: rm -r {python.parent.parent}") from error

    def address(self, deadline):
        """http://HOST:PORT, once the server answers there."""
        while time.monotonic() < deadline:
            self.check()
            found = re.search(rb"\bon http://(127\.0\.0\.1:[1-9]\d*)\b", self.log.read_bytes())
            if found and healthy(found[1].decode()):
                return f"http://{found[1].decode()}"
            time.sleep(0.05)
        raise Failure(f"the server {self.name} did not answer within {START_SECONDS} s\n{self.tail()}")

    def check(self):
        status = self.process.poll()
        if status is not None:
            raise Failure(f"the server {self.name} ended with status {status}\n{self.tail()}")

    def tail(self):
        lines = self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]
        return "\n".join(f"  {self.name}: {line}" for line in lines) or f"  {self.name} wrote no log"

    def close(self):
        self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def healthy(host):
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def start(python, logs, stack):
    """Starts every server; gives them, and the variables that tell the command where they are."""
    key_a, key_b = secrets.token_hex(16), secrets.token_hex(16)
    started = time.monotonic()
    servers = []
    for name, arguments, key in [
        ("smol-a", ["llama", "smol-a"], key_a),
        ("smol-b", ["llama", "smol-b"], key_b),
        # The answer repeats the first 120 characters of the prompt, so a prompt decides how its answer is graded.
        ("llmock", ["llmock", "--response-style", "echo"], None),
        ("llmock-quota", ["llmock", "--response-style", "echo", "--rpm", "60", "--tpm", "6000"], None),
    ]:
        servers.append(Server(python, logs, name, *arguments, key=key))
        stack.callback(servers[-1].close)
    llama_a, llama_b, llmock, quota = [server.address(started + START_SECONDS) for server in servers]
    say(f"{len(servers)} servers answer after {time.monotonic() - started:.1f} s")
    return servers, {
        "ROUTECAL_TEST_LLAMA_A": f"{llama_a}/v1",
        "ROUTECAL_TEST_LLAMA_B": f"{llama_b}/v1",
        "ROUTECAL_TEST_LLAMA_KEY_A": key_a,
        "ROUTECAL_TEST_LLAMA_KEY_B": key_b,
        "ROUTECAL_TEST_LLMOCK": llmock,
        "ROUTECAL_TEST_LLMOCK_QUOTA": quota,
    }


def run(command, variables):
    """The command's exit status, as a shell would give it."""
    try:
        process = subprocess.Popen(command, env={**os.environ, **variables})
    except OSError as error:
        say(f"cannot run {command[0]}: {error.strerror}")
        return 127
    try:
        status = process.wait()
    except KeyboardInterrupt:
        # The terminal told the command too.
        ended(process, DRAIN_SECONDS)
        raise
    except SystemExit:
        process.terminate()
        ended(process, DRAIN_SECONDS)
        raise
    return status if status >= 0 else 128 - status


def ended(process, seconds):
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def stop(number, _frame):
    sys.exit(128 + number)


def main():
    options, separator, command = split(sys.argv[1:])
    parser = argparse.ArgumentParser(
        usage="%(prog)s [--cache DIR] -- COMMAND ARG…", description="Run a command with the servers of the end-to-end tests."
    )
    parser.add_argument("--cache", metavar="DIR", type=Path, help="keep the servers' programs here for the next run")
    arguments = parser.parse_args(options)
    if not command:
        parser.error(f"no command{'' if separator else ': put it behind --'}")
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
    try:
        if sys.version_info < (3, 10):
            raise Failure(f"the servers need Python 3.10 or newer; this is {sys.version.split()[0]}")
        with contextlib.ExitStack() as stack:
            scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            python = installed(arguments.cache.resolve() if arguments.cache else scratch)
            servers, variables = start(python, scratch, stack)
            status = run(command, variables)
            for server in servers:
                server.check()
            return status
    except Failure as failure:
        say(failure)
        return 3
    except KeyboardInterrupt:
        return 130


def split(arguments):
    """What stands before the first `--`, the `--` itself, and what follows it."""
    if "--" not in arguments:
        return arguments, None, []
    at = arguments.index("--")
    return arguments[:at], "--", arguments[at + 1 :]


if __name__ == "__main__":
    sys.exit(main())
