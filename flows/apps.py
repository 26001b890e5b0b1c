from django.apps import AppConfig


class FlowsConfig(AppConfig):
    name = "flows"
    verbose_name = "Logins"

    def ready(self) -> None:
        from flows.services import history  # noqa: F401 - what it counts when connections go
