"""What `up` says to a person."""

from collections.abc import Mapping

from authsvc.demo.accounts import ACCOUNTS
from authsvc.up.plan import Options

WIDTH = 8
EXAMPLE = "docs/examples/stored_credential.py"


def line_prefixed(name: str, text: str) -> str:
    return f"{name:<{WIDTH}}| {text}"


def ready_text(options: Options, *, made: Mapping[str, str | None], given_key: str) -> str:
    """Where to click, what the key is, what to run next."""
    key = made.get("api_key") or given_key
    shown_key = key or "as shown at the first start (make another: Admin > API keys)"
    password = made.get("admin_password")
    shown_login = f"user admin, password {password}" if password else "user admin, password as shown at the first start"
    lines = [
        "",
        "authsvc is ready.",
        "",
        f"  API      {options.url}        (reference: {options.url}/docs)",
        f"  API key  {shown_key}",
        f"  Admin    {options.url}/admin/ ({shown_login})",
        *_demo_lines(options, key=key or "YOUR_API_KEY"),
        "",
        "Stop with Ctrl-C.",
        "",
    ]
    return "\n".join(lines)


def _demo_lines(options: Options, *, key: str) -> list[str]:
    if options.demo_url is None:
        return []
    accounts = [
        f"           {account.email} / {account.password}"
        + (f" (authenticator seed {account.totp_secret})" if account.totp_secret else "")
        for account in ACCOUNTS.values()
    ]
    return [
        f"  Demo     {options.demo_url}/login",
        *accounts,
        "",
        "Next, in a second terminal: store a credential, log in to the demo site with it, open it signed in:",
        "",
        f"  KERNEL_BASE_URL={options.url} KERNEL_API_KEY={key} DEMO_URL={options.demo_url} \\",
        f"    uv run python {EXAMPLE}",
    ]


def failure_text(reason: str) -> str:
    return f"up: {reason}"
