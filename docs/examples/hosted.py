"""Let a person log in to the demo site on the hosted page."""

import os
import sys
import uuid

from kernel import Kernel

if "DEMO_URL" not in os.environ:
    sys.exit("usage: hosted.py   (with KERNEL_BASE_URL, KERNEL_API_KEY and DEMO_URL as `up` printed)")
demo = os.environ["DEMO_URL"]
client = Kernel()

connection = client.auth.connections.create(
    domain=demo.removeprefix("http://"), login_url=f"{demo}/login", profile_name=f"hosted-{uuid.uuid4().hex[:8]}"
)
login = client.auth.connections.login(connection.id)
print("Open this page and sign in:", login.hosted_url)

for event in client.auth.connections.follow(connection.id):  # ends with the login
    if event.event == "managed_auth_state":
        print(event.flow_status, event.flow_step)
