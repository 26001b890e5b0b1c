"""The Celery application. Tasks carry ids only; results are not kept."""

import os

from celery import Celery
from celery.signals import beat_init, celeryd_init, setup_logging

from authsvc.broker import transport_register

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authsvc.settings")
transport_register()

app = Celery("authsvc")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_our_logging(**_: object) -> None:
    """Celery would replace the logging that the settings set up."""


@celeryd_init.connect
@beat_init.connect
def refuse_unready(**_: object) -> None:
    """A worker without a key would take flows only to fail them."""
    from authsvc.checks import start_refuse_unready
    from authsvc.hardening import memory_close

    memory_close()
    start_refuse_unready()
