"""The vault's part of the API alone, with one `async` operation beside it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import path
from ninja import Router

from authsvc.api import api_build
from authsvc.keys.auth import KeyBearer
from vault.api import router

probe = Router()


@probe.get("/async")
async def seen(request: HttpRequest) -> dict[str, Any]:
    return {"project_id": request.auth.project_id}  # type: ignore[attr-defined]  # set by the authentication


api = api_build([("", router), ("/probe", probe)], auth=KeyBearer(), namespace="vault-tests")
urlpatterns = [path("admin/", admin.site.urls), path("", api.urls)]
