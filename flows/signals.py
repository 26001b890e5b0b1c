"""What other parts may listen to. Sent inside the transaction of the change: a receiver that writes a row writes it
with the change or not at all.

`flow_changed(flow, now)` follows every event of a flow; `connection_changed(connection, now)` says that a connection
is signed in now, or that it needs a person."""

from django.dispatch import Signal

flow_changed = Signal()
connection_changed = Signal()
