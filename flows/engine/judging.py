"""Waiting for a site's answer to a form.

A form may stand as it was while a script still works on it: it hashes the password, solves a puzzle, asks a second
address. So a short silence is neither a refusal nor a reason to send the form again.
"""

import asyncio
from collections.abc import Awaitable, Callable

from flows.engine.act import Hands
from flows.engine.decide.asking import website_error
from flows.engine.tabs import Sight, Tabs

LOOK_SECONDS = 0.6
UNHEARD_SECONDS = 2.5  # after which a form that nothing came of is sent with Enter
SILENT_SECONDS = 6.0  # after which a form that stands as it was counts as refused
WORKING_SECONDS = 20.0  # the same for one that says it is busy


async def judged(
    tabs: Tabs,
    hands: Hands,
    sight: Sight,
    *,
    sent_before: int,
    enter: Callable[[Sight], Awaitable[None]],
    news: Callable[[Sight], str | None],
) -> Sight:
    """What the page shows once the site has judged the form that `hands` just sent from `sight`.

    `sent_before` counts the requests before that, `enter` presses Enter in the form, `news` gives words that the page
    did not have before. Raises Unreachable.
    """
    clock = asyncio.get_running_loop().time
    began, entered = clock(), False
    after = await tabs.settle(sight)
    while after.documents == sight.documents and after.tab is sight.tab:
        form = await hands.sending()
        lasted = clock() - began
        if form is None or lasted > (WORKING_SECONDS if form.working else SILENT_SECONDS):
            break
        was_sent = sight.tab.watch.sent > sent_before
        told = website_error(after.reading) is not None
        # Words about an earlier try that went away with this one are no answer to it.
        faded = after.page == sight.page and not told and website_error(sight.reading) is not None
        changed = after.look != sight.look and not faded
        if (changed or (was_sent and told)) and (told or not form.working):
            break
        if was_sent and not form.working and lasted > UNHEARD_SECONDS and news(after) is not None:
            break
        if not (was_sent or form.heard or form.working or entered) and lasted > UNHEARD_SECONDS:
            # The page did not even try to send the form: Enter does it where a press did not.
            entered = True
            await enter(after)
        after = await tabs.settle(after, patience=LOOK_SECONDS)
    return after
