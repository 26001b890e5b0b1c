from django.apps import AppConfig


class FlowsConfig(AppConfig):
    name = "flows"
    verbose_name = "Logins"

    def ready(self) -> None:
        from flows.services.history import counters_connect

        counters_connect()
