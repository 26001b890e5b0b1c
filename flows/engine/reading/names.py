"""What programmers call things: concepts out of the words of `name`, `id`, `class` and addresses.

Unlike page text these are in a jargon of their own, much the same in every country.
"""

import re
from functools import lru_cache

_PATTERNS: dict[str, str] = {
    "user": r"\b(u|un|usr|uname|uid|user|users|username|userid|userlogin|usernm|loginname|loginid|logonid|"
    r"signinname|"
    r"login|logon|nick|nickname|nickn|member|memberid|acct|handle|benutzer\w*|usuario|utilisateur|utente|"
    r"gebruiker\w*|"
    r"identifiant|kennung|identifier|principal|authid|screenname|pseudo|korisnik\w*|kullanici\w*|uzivatel\w*|"
    r"identity|ident|userfield|useremail)\b|user ?name|user ?id|\w*username\w*|\blog ?in ?(id|name|user|"
    r"email)?\b|"
    r"(login|member|account) ?(name|id)\b",
    "email": r"e ?mail|\bmail\b|\bmel\b|correo|courriel|\bepost\b|\bmailaddress\b",
    "phone": r"phone|\bmobile\b|\btel\b|telefon|\bcell\b|msisdn|celular|\bhandy\b|whatsapp",
    "password": r"pass ?wo?r?d|passwd|\bpwd|pwd\b|\bpasw|\bpass\b|\bpsw|\bpw\b|passphrase|passcode|"
    r"contrase|\bsenha\b|\bmdp\b|"
    r"kennwort|\bhaslo\b|\bparol|\bsifre\b|wachtwoord|\bclave\b|motdepasse|\w*password\w*|\bp ?w ?d\b",
    "new": r"\bnew\b|\bnew ?pass|\bnewpwd|create|\bchoose|\bset\b|\breg\b|desired|register\w*|signup|"
    r"\bnuev[oa]\b|neues",
    "confirm": r"confirm|repeat|re ?type|re ?enter|verif(y|ication) ?pass|again|pass(word)? ?2|pwd ?2|"
    r"\bre ?pass|repass|"
    r"\brpt|retype|wiederhol|\bcheck\b|conf\b|password ?conf|\bpassword 1\b|\bcpassword|\bcpass\b|\b2\b$",
    "current": r"current|\bold\b|existing",
    "code": r"\botp|otp\b|one ?time|\b2 ?fa|two ?factor|\bmfa|\btfa\b|verif\w* ?code|auth\w* ?code|"
    r"security ?(code|key)|\bpasscode|"
    r"sms ?code|login ?code|confirm\w* ?code|code ?input|\bpin ?code|\btotp|verification ?token|"
    r"challenge ?(code|response|answer)|"
    r"\bacode\b|factor|\bmagic ?code|otc\b|\botc|one ?time|token ?code|code ?digit|\bdigit|\bchallenge\b|"
    r"\bapproval",
    "codeish": r"\bcode\b|\bcodes\b|\btoken\b|\bverification|\bverify\b|\bcod\b",
    "totp": r"\btotp|authenticator|\bgoogle ?auth|\bauthapp",
    "recovery": r"recover|backup|scratch",
    "captcha": r"captcha|\bcaptcha\w*|security ?image|\bcheckcode|validate ?code|\bvcode\b|code ?image|"
    r"imgcode|verify ?code ?img|"
    r"answer ?check|anti ?spam|\bspam|randcode|\bturing|seccode|secode|image ?code|\bimagever\w*",
    "search": r"search|\bq\b|query|\bfind\b|keyword|suche|recherche|buscar|busca|\bsrch|\bzoek|cerca",
    "newsletter": r"newsletter|subscri|mailing|\bnews\b|\bmc ?embed|mailchimp|optin|\bmce\b|"
    r"signup ?email ?form|waitlist",
    "person": r"first|last ?name|\blname|\bfname|surname|full ?name|birth|\bdob\b|gender|\bsex\b|address|"
    r"\bcity\b|\bzip|postal|"
    r"country|\bstate\b|street|company|middle|\bday\b|\bmonth\b|\byear\b|\bname\b|forename|given|title|"
    r"organi[sz]ation ?name|"
    r"\bprefix\b|\bsuffix\b|region|\bprovince",
    "tenant": r"tenant|organi[sz]ation|\borg\b|workspace|company|domain|subdomain|realm|customer ?(no|num|"
    r"id)|client ?id|"
    r"\baccount ?(alias|number|no)\b|\bsite\b|institution|\bserver|team",
    "remember": r"remember|persist|stay|keep|\bautologin|\bauto ?log|permanent|\brmb|rememberme|"
    r"cookieuser|logincookie|save ?(login|user|id)|\btrust",
    "terms": r"terms|agree|accept|tos\b|privacy|gdpr|consent|conditions|\bpolicy",
    "login": r"log ?in|sign ?in|log ?on|sign ?on|\bauth|session|\bconnexion|anmeld|\bentrar|iniciar|"
    r"accedi|inloggen|\bsso\b|authenticate|account ?login|\bcas\b",
    "signup": r"regist(er|ration|ro|rier)|sign ?up|create ?(account|user|an)|\bjoin\b|new ?(account|user|"
    r"customer)|enrol|inscri|\bsign ?me|\breg\b|"
    r"onboard|create ?account|account ?create|createaccount",
    "forgot": r"forg[eo]t|reset|recover|lost ?pass|lostpw|lost ?password|remind|retriev|password ?(help|"
    r"assist)|pwreset|vergessen|"
    r"resend ?pass|send ?password",
    "checkout": r"checkout|payment|billing|shipping|\border|\bcard\b|\bcc ?(num|exp|csc)|cvv|cvc|"
    r"exp ?date|expir|card ?(num|sec|hold|code)|\bsec ?code|\bcc\b|coupon|voucher|promo|gift|donat",
    "contact": r"contact|message|comment|feedback|subject|enquir|inquir|reply|\bbody\b|shoutbox|quiz|"
    r"survey|poll",
    "cancel": r"cancel|close|dismiss|\bback\b|abort",
    "submit": r"submit|\bbtn ?login|login ?(btn|button)|sign ?in ?(btn|button)|next ?(btn|button)|continue",
    "sso": r"\bsso\b|saml|oauth|openid|oidc|social|federat|external ?(login|provider)|\bidp\b|"
    r"third ?party|oneall|\bconnect\b|provider",
    "toggle": r"toggle|show ?pass|hide ?pass|reveal|\beye\b|visib",
    "passkey": r"pass ?key|web ?authn|\bfido ?2?\b|\bu2f\b|security ?key",
    "consent": r"consent|authori[sz]|\bapprov|\bgrants?\b|oauth",
    "accept": r"\b(?:accept|allow|approve|authori[sz]e|grant|agree|yes)\b",
    "refuse": r"\b(?:cancel|deny|decline|reject|refuse|disagree|no)\b",
    "change": r"change ?(pass|pwd)|update ?(pass|pwd)",
    "settings": r"setting|profile|preferenc|account ?(edit|detail)|edit",
}
_COMPILED = {concept: re.compile(pattern) for concept, pattern in _PATTERNS.items()}


@lru_cache(maxsize=16384)
def named(identifier: str) -> frozenset[str]:
    """The concepts in already split identifier words."""
    if not identifier:
        return frozenset()
    text = identifier[:300]
    return frozenset(concept for concept, pattern in _COMPILED.items() if pattern.search(text))


@lru_cache(maxsize=16384)
def named_among(identifier: str, concepts: frozenset[str]) -> frozenset[str]:
    """Those of `concepts` that are in already split identifier words: cheaper than all of them."""
    text = identifier[:300]
    return frozenset(concept for concept in concepts if _COMPILED[concept].search(text)) if text else frozenset()
