"""Signed webhooks: who is told, what is told, and telling it until it arrives."""
