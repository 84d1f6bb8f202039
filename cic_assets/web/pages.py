"""Pages that bring all they need, and to which nothing is added: no file beside them, no script of others."""

import secrets
from functools import cache
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, select_autoescape
from starlette.responses import HTMLResponse, Response

from cic_assets.web.guard import HEADERS

_SHARED = "cic_assets.web"
"""Its templates are there for all pages."""


def page(package: str, name: str, **values: Any) -> Response:
    """A template of a package as a page, with a policy that allows its own style and script alone.

    Args:
        package: whose folder `templates` it lies in.
        name: of the template; it gets the `nonce` that its style and script need.
        values: for the template.
    """
    nonce = secrets.token_urlsafe(16)
    policy = (
        f"{HEADERS['Content-Security-Policy']}; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; "
        "img-src data: blob:; connect-src 'self'"
    )
    html = _templates(package).get_template(name).render(nonce=nonce, **values)
    return HTMLResponse(html, headers={"Content-Security-Policy": policy})


@cache
def _templates(package: str) -> Environment:
    loaders = [PackageLoader(package), PackageLoader(_SHARED)]
    return Environment(loader=ChoiceLoader(loaders), autoescape=select_autoescape())
