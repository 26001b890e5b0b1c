"""`manage.py up`: the whole service on one machine, in one go."""
