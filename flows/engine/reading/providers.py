"""Identity providers: buttons that sign in with an account of another site."""

import re
from functools import lru_cache

from flows.engine.reading.items import Item
from flows.engine.reading.lexicon import concepts_of, leftover
from flows.engine.reading.names import named_among
from flows.engine.reading.text import fold, identifier_words, is_unspaced, words

# Slug: the words it goes by. The name alone is only taken for a button in a place where people sign in.
PROVIDERS: dict[str, str] = {
    "google": r"google|gmail|g ?suite|google ?plus|gplus",
    "microsoft": r"microsoft|office ?365|azure(?: ?ad)?|windows ?live|live ?id|outlook|hotmail|entra|msal|"
    r"microsoftonline|aad",
    "apple": r"apple|appleid|signinwithapple",
    "facebook": r"facebook|fb|meta",
    "github": r"git ?hub",
    "gitlab": r"git ?lab",
    "bitbucket": r"bitbucket",
    "atlassian": r"atlassian",
    "linkedin": r"linked ?in",
    "twitter": r"twitter|x ?com",
    "x": r"x",
    "amazon": r"amazon|lwa|aws",
    "yahoo": r"yahoo",
    "slack": r"slack",
    "discord": r"discord",
    "twitch": r"twitch",
    "reddit": r"reddit",
    "spotify": r"spotify",
    "steam": r"steam",
    "dropbox": r"dropbox",
    "paypal": r"paypal",
    "okta": r"okta",
    "auth0": r"auth0",
    "onelogin": r"one ?login",
    "keycloak": r"keycloak",
    "duo": r"duo",
    "salesforce": r"salesforce",
    "line": r"line",
    "kakao": r"kakao(?: ?talk)?|카카오(?:톡)?",
    "naver": r"naver|네이버",
    "wechat": r"we ?chat|weixin|wx|微信",
    "qq": r"qq",
    "weibo": r"weibo|sina|微博",
    "alipay": r"alipay|支付宝",
    "baidu": r"baidu|百度",
    "dingtalk": r"ding ?talk|钉钉",
    "feishu": r"feishu|lark|飞书",
    "vk": r"vk|v ?kontakte|вконтакте|вк",
    "odnoklassniki": r"odnoklassniki|ok ru|одноклассники",
    "yandex": r"yandex|яндекс|yandexid",
    "mailru": r"mail ru|mailru",
    "openid": r"open ?id",
    "oidc": r"oidc|open ?id ?connect",
    "saml": r"saml|saml ?2",
    "sso": r"sso|single sign ?on|(?:company|corporate|enterprise|employee|institution(?:al)?|work|school|"
    r"organi[sz]ation(?:al)?) (?:login|log in|sign in|account)",
    "ldap": r"ldap|active directory|adfs",
    "shibboleth": r"shibboleth|incommon|edugain|eduroam|openathens|federated",
    "orcid": r"orcid",
    "clever": r"clever",
    "intuit": r"intuit|quickbooks",
    "zoom": r"zoom",
    "notion": r"notion",
    "figma": r"figma",
    "adobe": r"adobe",
    "xero": r"xero",
    "shopify": r"shopify|shop ?pay",
    "wordpress": r"word ?press(?: com)?",
    "instagram": r"instagram",
    "tiktok": r"tik ?tok",
    "pinterest": r"pinterest",
    "snapchat": r"snap ?chat",
    "telegram": r"telegram",
    "whatsapp": r"whats ?app",
    "stackoverflow": r"stack ?(?:overflow|exchange)",
    "evernote": r"evernote",
    "strava": r"strava",
    "playstation": r"play ?station|psn",
    "xbox": r"xbox",
    "nintendo": r"nintendo",
    "epic": r"epic(?: ?games)?",
    "battlenet": r"battle ?net|blizzard",
    "mailchimp": r"mailchimp",
    "huggingface": r"hugging ?face",
    "mozilla": r"mozilla|firefox ?account|persona|browserid",
    "disqus": r"disqus",
    "foursquare": r"foursquare",
    "tumblr": r"tumblr",
    "vimeo": r"vimeo",
    "myspace": r"myspace",
    "aol": r"aol",
    "box": r"box com",
    "bankid": r"bank ?id",
    "itsme": r"its ?me",
    "digid": r"digi ?d",
    "franceconnect": r"france ?connect",
    "spid": r"spid",
    "idme": r"id ?me",
    "logingov": r"login gov",
    "singpass": r"sing ?pass",
    "metamask": r"meta ?mask|wallet ?connect|ethereum|web3",
    "passport": r"mts ?id|sber(?:bank)? ?id|tinkoff ?id|t ?id",
    "gosuslugi": r"gosuslugi|госуслуги|esia",
    "mercadolibre": r"mercado ?libre",
    "rakuten": r"rakuten",
    "docomo": r"docomo|d account",
    "zalo": r"zalo",
    "hatena": r"hatena",
    "mixi": r"mixi",
    "livejournal": r"live ?journal",
}
# Common words as well: only taken where nothing else is said.
_WEAK = frozenset(
    {"x", "line", "duo", "box", "steam", "clever", "epic", "zoom", "notion", "strava", "apple", "amazon", "okta"}
)
_GENERIC = frozenset({"oidc", "saml", "sso", "openid", "ldap", "shibboleth"})  # how, not who
_ONE = re.compile(
    r"(?<![^\W_])(?:" + "|".join(f"(?P<{slug}>{pattern})" for slug, pattern in PROVIDERS.items()) + r")(?![^\W_])"
)
_ROUTE = re.compile(
    r"oauth|/auth/|openid|oidc|saml|/sso|sso/|social|connect/|signin-|login/(google|facebook|github|"
    r"twitter|apple|microsoft)|"
    r"federat|external|idp|provider=|strategy=|identity|authorize|login-with|login_with|loginwith|"
    r"auth_provider|third"
)
_AUTHORIZE = re.compile(
    r"^https?://([^/?#]+)/[^?#]*(?:oauth|authorize|openid|/auth\b|dialog/|saml|/sso|signin|"
    r"login)[^#]*[?&](?:client_id|app_id|state|redirect|openid)"
)
_MARKED = re.compile(
    r"social|oauth|sso|saml|openid|provider|idp|federat|login|log in|signin|sign in|auth|connect|btn|"
    r"button|third party|\bext"
)
_NOT_SIGN_IN = re.compile(
    r"app-?store|play\.google|itunes|apps\.apple|/share[?/.]|/share$|sharer|intent/|plus\.google\.com/|"
    r"support\.google|policies\.google|"
    r"maps\.google|google\.[a-z.]+/maps|/pages/|/company/|t\.me/|mailto:|tel:|youtube|translate\.google|"
    r"privacy|terms|help|"
    r"download|microsoft-edge|/chrome|news\.google|docs\.|account/about"
)
_SHARE = re.compile(
    r"share|follow|like us|tweet|download|get it on|app store|google play|available on|add to|find us|"
    r"rate us|install|watch|subscribe"
)
_HOSTS_OF_PROFILES = re.compile(
    r"^https?://(www\.|[a-z]{2}-[a-z]{2}\.|m\.)?(facebook|twitter|instagram|linkedin|pinterest|youtube|"
    r"tumblr|vk|weibo|github|x|reddit|discord|tiktok|t)\.(com|me|gg)/(?!.*(oauth|dialog|authorize|login))"
)


_SENT_TO = re.compile(r"oauth|openid|oidc|saml|sso\b|external|federat|social|broker|/auth/(?!log|sign|session)|idp")
_BY_NAME = frozenset({"provider", "idp", "connection", "strategy", "authprovider", "auth provider", "scheme"})
_SIGNS_IN = frozenset({"login"})
_SEPARATE = re.compile(r"[^a-z0-9]+")
_USE = re.compile(r"use (?:your|my|an?) .+ (?:account|login|id)$")
_LATIN = re.compile(r"[a-z0-9]+")
_LEADS = frozenset({"login", "next", "signup", "with", "own"})
_SPECIFIC = frozenset(
    {
        "email", "phone", "user", "password", "code", "code_word", "totp", "pin", "by_key", "by_sms", "by_other",
        "send_link", "send_code", "robot", "forgot", "logout", "terms", "other_way", "choose_account", "account",
        "remember", "payment", "person", "cookie", "trust",
    }
)  # fmt: skip


def provider_of(item: Item) -> str | None:
    """The slug of the identity provider the control signs in with, None if it is no such control."""
    if item.provider == "?":
        found = _provider_of(item)
        item.provider = "twitter" if found == "x" else found
    return item.provider


def _provider_of(item: Item) -> str | None:
    e = item.element
    if e.tag == "iframe" or (item.is_field and e.type not in ("submit", "button", "image")):
        return None
    href = e.href.lower()
    if href.partition("#")[0] == item.frame.url.lower().partition("#")[0]:
        href = "#"  # leads nowhere: the address says nothing
    said = " ".join(words(fold(f"{e.text} {e.aria_label} {e.title} {e.host.text if e.host else ''}")[:200]))
    markup = f"{e.id} {e.name} {e.css_class} {e.data} {e.icon} {e.value} {e.form_action}"
    inner = identifier_words(markup)
    by_host = _AUTHORIZE.search(href)
    elsewhere = by_host is not None and by_host.group(1) != _host(item.frame.url)  # "sso.acme.com" is no provider there
    if by_host and elsewhere and (slug := _slug(identifier_words(by_host.group(1)))) is not None:
        return slug
    if _NOT_SIGN_IN.search(href) or _HOSTS_OF_PROFILES.match(href) or _SHARE.search(said) or len(said) > 90:
        return None
    spoken = concepts_of(said)
    if not spoken.isdisjoint({"logout", "forgot", "cookie", "terms"}):
        return None
    by_text = None if _names_the_place(item, spoken) else _slug(said)
    by_markup = _slug_of_markup(markup) or _slug(_path(href))
    sent = _sent_to(item)
    if sent is not None:
        return by_text or _slug(sent) or (None if by_markup in _WEAK else by_markup) or _own_name(item)
    if by_text is None and by_markup is None:
        return None
    leads_away = e.tag == "a" and href.startswith(("http", "file:"))
    routed = leads_away and (bool(_ROUTE.search(href)) or _begins_here(item, by_text))
    marked = bool(_MARKED.search(inner))
    signs = not spoken.isdisjoint({"login", "signup", "next"} if leads_away else {"login", "signup", "with"})
    if by_text is not None:
        if signs or (routed and len(words(said)) <= 5):
            return by_text
        if leads_away or len(words(said)) > 4:
            return None
        if by_text in _WEAK and not marked and (len(words(said)) > 1 or by_text == "x"):
            return None
        item.provider_is_guess = e.tag not in ("button", "input") or by_text in _WEAK | _GENERIC
        return by_text
    if by_markup in _WEAK or by_markup in _GENERIC:
        return None
    if leads_away and not routed:
        return None
    return by_markup if routed or (marked and (signs or not said)) or "with" in spoken else None


def _begins_here(item: Item, slug: str | None) -> bool:
    """The link stays on its site, at a place that names the provider beside signing in: `/accounts/acme/login/`."""
    place, here = item.element.href.split("/", 3), item.frame.url.split("/", 3)
    if slug is None or len(place) < 4 or place[:3] != here[:3]:
        return False
    path = identifier_words(place[3].partition("?")[0][:160])
    return _slug(path) == slug and bool(named_among(path, _SIGNS_IN))


def _names_the_place(item: Item, spoken: frozenset[str]) -> bool:
    """Who is named is where one signs in, not with whom: the site itself, or in the title of a plain "Log in"."""
    e = item.element
    if "with" in spoken or "login" not in spoken:
        return False
    plain = bool(e.text) and "login" in concepts_of(e.text) and not leftover(e.text, _LEADS)
    if plain:
        return True
    named = _slug(" ".join(words(fold(e.text or e.aria_label))))
    return named is not None and named == _slug(identifier_words(_host(item.frame.url)))


def _sent_to(item: Item) -> str | None:
    """The words of the address, where the control sends a form without fields of its own to a provider's route."""
    e = item.element
    if item.group is not None and item.group.typed:
        return None
    if e.tag not in ("button", "input") or not 0 <= e.form < len(item.frame.forms):
        return None
    action = (e.form_action or item.frame.forms[e.form].action).lower().partition("://")[2].partition("/")
    place = f"/{action[2][:160]}"
    return identifier_words(place) if action[1] and _SENT_TO.search(place) else None


def _own_name(item: Item) -> str | None:
    """What a button without any known name calls itself: the value it sends, else its label."""
    e = item.element
    if identifier_words(e.name) in _BY_NAME and e.value:
        return "-".join(words(fold(e.value)))[:40] or None
    return label_remainder(item.words) or "-".join(words(fold(item.words))[:4])[:40] or None


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].lower()[:100]


def _path(href: str) -> str:
    return identifier_words(href.partition("://")[2].partition("/")[2][:160]) if href.startswith("http") else ""


@lru_cache(maxsize=8192)
def _slug(text: str) -> str | None:
    match = _ONE.search(text) if text else None
    return match.lastgroup if match is not None else None


def _slug_of_markup(markup: str) -> str | None:
    """A name of two letters must stand alone: made-up class names are full of such pairs."""
    match = _ONE.search(identifier_words(markup))
    if match is None or (len(match.group()) <= 2 and match.group() not in _SEPARATE.split(markup.lower())):
        return None
    return match.lastgroup


def label_remainder(text: str) -> str | None:
    """`"acme-id"` out of `"Sign in with Acme ID"`, in any language known; None if the text does not say so."""
    concepts = concepts_of(text)
    uses = _USE.match(fold(text)) is not None
    if (concepts.isdisjoint({"login", "next"}) and not uses) or len(words(text)) > 8:
        return None
    # "With your account" may be the word for a user's name: it says no more than "with".
    own = frozenset({"user"}) if {"with", "own"} <= concepts else frozenset()
    if not (concepts - own).isdisjoint(_SPECIFIC):
        return None
    named = leftover(text, _LEADS | own)
    foreign = is_unspaced(fold(text)) and any(len(run) > 1 for word in named for run in _LATIN.findall(word))
    if "with" not in concepts and not foreign:
        return None
    if foreign:
        named = tuple(_LATIN.findall(" ".join(named)))  # particles are glued to the name
    slug = "-".join(named)
    return slug if named and len(named) <= 4 and 2 <= len(slug) <= 40 and not slug.isdigit() else None
