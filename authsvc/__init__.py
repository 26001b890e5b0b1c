"""The Django project: settings, doors and assembly."""

from authsvc.celery import app as celery_app

__all__ = ["celery_app"]
