"""Log in to the demo site with values from your own user interface: here, the terminal."""

import os
import sys
import uuid

from kernel import Kernel

if "DEMO_URL" not in os.environ:
    sys.exit("usage: programmatic.py   (with KERNEL_BASE_URL, KERNEL_API_KEY and DEMO_URL as `up` printed)")
demo = os.environ["DEMO_URL"]
client = Kernel()

connection = client.auth.connections.create(
    domain=demo.removeprefix("http://"),
    login_url=f"{demo}/login",
    profile_name=f"programmatic-{uuid.uuid4().hex[:8]}",
    save_credentials=False,
)
client.auth.connections.login(connection.id)

answered = None
for event in client.auth.connections.follow(connection.id):  # ends with the login
    if event.event != "managed_auth_state":
        continue
    print(event.flow_status, event.flow_step, event.website_error or event.error_code or "")
    if event.flow_step == "AWAITING_INPUT" and event.interaction_id != answered:
        answered = event.interaction_id
        values = {field.id: input(f"{field.label}: ") for field in event.fields or []}
        client.auth.connections.submit(connection.id, interaction_id=event.interaction_id or "", field_values=values)
