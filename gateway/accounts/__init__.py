"""People and clients of the realm: what the registry asks for, and the page on which an invited person begins."""

from contextlib import AsyncExitStack

from gateway.accounts.answers import Answers
from gateway.accounts.keeping import EndSessions, Keeping
from gateway.accounts.pages import InvitationPages
from gateway.accounts.realm import Realm
from gateway.settings import GatewaySettings
from kernel.bus import Bus


def open_accounts(
    settings: GatewaySettings, bus: Bus, stack: AsyncExitStack, end_sessions: EndSessions
) -> InvitationPages:
    """The registry's questions are answered from now on, until the stack unwinds."""
    realm = Realm(settings)
    stack.push_async_callback(realm.close)
    keeping = Keeping(realm, settings.admin_client, end_sessions)
    answers = Answers(bus, keeping)
    answers.start()
    stack.push_async_callback(answers.close)
    return InvitationPages(keeping)
