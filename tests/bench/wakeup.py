"""How long news travel: submit → the worker acts on it, and a change of state → the follower of the event stream.

    uv run python -m tests.bench.wakeup [--rounds 20] [--json]

Each round is one login to the bundled demo site. The worker acts when it takes up the first submitted value: the
audit log, written just before, has the time. A follower hears of a state when the SDK's stream yields it; the state
carries the time of its change.
"""

import argparse
import json
import statistics
import threading
import time
import uuid
from typing import Any

from kernel import Kernel
from kernel.types.auth import ManagedAuth

from tests.service.places import audit_times
from tests.service.stack import Stack, running


def follow(client: Kernel, connection_id: str, seen: list[tuple[float, Any]], done: threading.Event) -> None:
    for event in client.auth.connections.follow(connection_id):
        if event.event == "managed_auth_state":
            seen.append((time.time(), event))
    done.set()


def wait_step(seen: list[tuple[float, Any]], step: str, *, after: int) -> tuple[int, float, Any]:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for index in range(after, len(seen)):
            if seen[index][1].flow_step == step:
                return index, *seen[index]
        time.sleep(0.001)  # measuring: finer than what is measured
    raise TimeoutError(step)


def one_round(stack: Stack, client: Kernel, connection: ManagedAuth) -> tuple[float, float]:
    """Seconds from submit to the worker's first use of a value, and from a state's change to the follower."""
    client.auth.connections.login(connection.id)
    seen: list[tuple[float, Any]] = []
    done = threading.Event()
    threading.Thread(target=follow, args=(client, connection.id, seen, done), daemon=True).start()
    index, arrived, state = wait_step(seen, "AWAITING_INPUT", after=0)
    told = arrived - state.timestamp.timestamp()
    values = {field.id: "wrong@demo.test" for field in state.fields or []}
    start = time.time()
    client.auth.connections.submit(connection.id, interaction_id=state.interaction_id, field_values=values)
    wait_step(seen, "AWAITING_INPUT", after=index + 1)
    acted = first_use(stack, connection.id) - start
    client.post(f"/auth/connections/{connection.id}/cancel", cast_to=object)
    done.wait(10)
    return acted, told


def first_use(stack: Stack, connection_id: str) -> float:
    """When the worker first took up a value that was submitted for this connection, in seconds of the clock."""
    rows = audit_times(stack.env, stack.data_dir, action="submission.use", connection_id=connection_id)
    return min(rows).timestamp()


def percentile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with running(arguments=()) as stack:
        client = stack.client()
        domain = stack.demo_url.removeprefix("http://")
        pairs = []
        for _ in range(options.rounds + 2):
            connection = client.auth.connections.create(
                domain=domain, profile_name=uuid.uuid4().hex, login_url=f"{stack.demo_url}/login"
            )
            pairs.append(one_round(stack, client, connection))
    figures = {
        "submit_to_worker_s": [pair[0] for pair in pairs[2:]],
        "state_to_follower_s": [pair[1] for pair in pairs[2:]],
    }
    summary = {
        name: {"median": statistics.median(values), "p95": percentile(values, 0.95)} for name, values in figures.items()
    }
    if options.json:
        print(json.dumps(summary))
        return
    for name, row in summary.items():
        print(f"{name:28} median {row['median'] * 1000:6.0f} ms   p95 {row['p95'] * 1000:6.0f} ms")


if __name__ == "__main__":
    main()
