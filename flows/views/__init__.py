"""The hosted login page: what the person sees."""
