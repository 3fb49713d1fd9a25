"""A whole round of ours against Flower's bare hello-world round, in the same run.

Ours: TLS, laptops by key, a signed contract and the model out, an update of the model's size back,
admission, mean, model and record on disk. Laptops answer at once, so this is all but the training.
Flower's: no TLS, an empty record out and back, the stock strategy's way of waiting and the stock
SuperNode's way of starting its app. Two laptops each; the first round is left out.

    python benchmarks/round_time.py [--rounds 6] [--json]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the real laptops of the tests
from deskbound_client.federation.ports import free_port
from tests.helpers import server as real
from tests.helpers.patience import until

HELLO = """
import os, time
from flwr.app import ConfigRecord, Context, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.serverapp import Grid, ServerApp

app = ServerApp()
client = ClientApp()

@client.train()
def train(message: Message, context: Context) -> Message:
    return Message(message.content, reply_to=message)

@app.main()
def main(grid: Grid, context: Context) -> None:
    while len(nodes := list(grid.get_node_ids())) < 2:
        time.sleep(0.1)
    for _ in range(int(os.environ["ROUNDS"])):
        begun = time.monotonic()
        content = RecordDict({"hello": ConfigRecord({"n": 1})})
        list(grid.send_and_receive([Message(content, node, "train") for node in nodes]))
        with open(os.environ["TIMES"], "a") as file:
            file.write(f"{time.monotonic() - begun}\\n")
"""
PROJECT = """
[project]
name = "hello"
version = "1.0.0"
description = "hello"
license = { text = "Apache-2.0" }
dependencies = []
[tool.flwr.app]
publisher = "hello"
[tool.flwr.app.components]
serverapp = "hello:app"
clientapp = "hello:client"
[tool.flwr.app.config]
"""


def ours(folder: Path, rounds: int) -> list[float]:
    """Return the seconds between a laptop's consecutive contracts."""
    moments: list[float] = []
    answer = real.answers_with(0.001)

    def noting(contract):
        moments.append(time.monotonic())
        return answer(contract)

    plan = real.write_plan(folder / "plan.toml", real.new_plan(rounds=rounds + 1))
    with ExitStack() as stack:
        home = stack.enter_context(real.server(folder / "home"))
        stack.enter_context(real.laptops(home, folder / "laptops", noting, answer))
        done = real.run_command(home, "run", str(plan))
    if done.returncode:
        raise SystemExit(done.stderr)
    return [after - before for before, after in pairwise(moments)][1:]


def flowers(folder: Path, rounds: int) -> list[float]:
    """Return the seconds of Flower's hello-world rounds."""
    folder.mkdir()
    app, times = folder / "hello", folder / "times"
    app.mkdir()
    (app / "hello.py").write_text(HELLO)
    (app / "pyproject.toml").write_text(PROJECT)
    port = free_port()
    config = f'[superlink]\ndefault = "here"\n[superlink.here]\naddress = "127.0.0.1:{port}"\n'
    (folder / "config.toml").write_text(config + "insecure = true\n")
    environment = os.environ | {
        "FLWR_HOME": str(folder), "FLWR_TELEMETRY_ENABLED": "0", "FLWR_DISABLE_UPDATE_CHECK": "1",
        "ROUNDS": str(rounds), "TIMES": str(times),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    link = ["flower-superlink", "--insecure", "--port", str(port)]
    link += ["--disable-runtime-dependency-installation"]
    node = ["flower-supernode", "--insecure", "--superlink", f"127.0.0.1:{port}", "--port"]
    with (folder / "log").open("wb") as log, ExitStack() as stack:

        def start(words: list[str]) -> None:
            process = subprocess.Popen(
                words, env=environment, stdout=log, stderr=log, start_new_session=True
            )
            stack.callback(process.wait)
            stack.callback(os.killpg, process.pid, 9)

        start(link)
        for _ in range(2):
            start([*node, str(free_port())])
        submit = ["flwr", "run", str(app), "here"]
        until(
            lambda: subprocess.run(
                submit, env=environment, stdout=log, stderr=log, check=False
            ).returncode == 0,
            "Flower takes the run",
        )  # fmt: skip
        until(
            lambda: times.exists() and len(times.read_text().split()) >= rounds,
            "Flower's rounds",
            240,
        )
    return [float(line) for line in times.read_text().split()][1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        bare = statistics.median(flowers(Path(name) / "flower", chosen.rounds))
        whole = statistics.median(ours(Path(name), chosen.rounds))
    result = {"ratio": whole / bare, "ours_seconds": whole, "flower_seconds": bare}
    if chosen.json:
        print(json.dumps(result))
        return
    print(f"median round, ours against Flower's hello-world: {result['ratio']:.2f} x")
    print(f"  ours {whole:.2f} s, Flower's {bare:.2f} s on this machine, now")


if __name__ == "__main__":
    main()
