"""Pages between a login and its other side that no rule knows: what could be filled or pressed on them."""

from dataclasses import replace

from flows.engine.reading.analysis import Context, ReadForm, read_form
from flows.engine.reading.fields import fields_of
from flows.engine.reading.items import Group
from flows.engine.reading.model import Field, FieldRole
from flows.engine.reading.page import PageView


def form_on(page: PageView, forms: list[ReadForm]) -> ReadForm | None:
    """The form with the most to fill, whatever it is about, but no search box."""
    searching = [form.group for form in forms if form.context is Context.SEARCH]
    groups = [group for group in page.groups if _asked(group) and group not in searching]
    if not groups:
        return None
    best = max(groups, key=_asked)
    return next((form for form in forms if form.group is best), None) or read_form(best, page)


def fields_on(form: ReadForm, page: PageView) -> tuple[Field, ...]:
    """Everything it asks for counts: it stands in the way."""
    found = fields_of(form, page, lists=True)
    return tuple(replace(field, required=True) if field.role is FieldRole.TEXT else field for field in found)


def _asked(group: Group) -> int:
    return sum(item.reachable and (item.is_typed or item.element.tag == "select") for item in group.fields)
