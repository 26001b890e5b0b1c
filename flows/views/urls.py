"""`/login/…`: the hosted page, the forms it posts to and the stream that keeps it live."""

from django.urls import path

from flows.views.events import events
from flows.views.pages import accent, answer, cancel, exchange, login, picture

app_name = "hosted"
urlpatterns = [
    path("accent/<slug:colour>.css", accent, name="accent"),
    path("<slug:flow_id>", login, name="login"),
    path("<slug:flow_id>/continue", exchange, name="continue"),
    path("<slug:flow_id>/answer", answer, name="answer"),
    path("<slug:flow_id>/cancel", cancel, name="cancel"),
    path("<slug:flow_id>/picture", picture, name="picture"),
    path("<slug:flow_id>/events", events, name="events"),
]
