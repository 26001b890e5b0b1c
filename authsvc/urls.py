"""Every address of the house."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from authsvc.api import api_default
from authsvc.metrics import metrics
from authsvc.overview import overview

admin.site.site_header = admin.site.site_title = "authsvc"

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/overview/", admin.site.admin_view(overview), name="overview"),
    path("admin/", admin.site.urls),
    path("metrics", metrics, name="metrics"),
    path("login/", include("flows.views.urls")),
    path("live/", include("flows.views.live")),
    path("replays/", include("flows.views.replays")),
    path("", RedirectView.as_view(url="/docs"), name="home"),  # before the API, whose root says 404
    path("", api_default().urls),
]

handler400 = "authsvc.refusals.handler400"
handler403 = "authsvc.refusals.handler403"
handler404 = "authsvc.refusals.handler404"
handler500 = "authsvc.refusals.handler500"
