"""E-mail: recorded with the change it tells of, sent by the worker, its delivery seen.

How a service adopts it (nothing else is needed):

1. its table, in `tables/__init__.py`: `mail.own_table(metadata)`, and a migration that creates `mail`;
2. its job, in `jobs.py`: `*mail.jobs(settings)` (`SMTP_URL`, `MAIL_FROM` are settings that every service has);
3. in a command, inside its transaction, in the words of the one who reads:

    say = i18n.translations((LOCALE,), person.locale).gettext
    letter = mail.Letter(
        subject=say("Dossier {number} needs a supplement").format(number=dossier.number),
        lines=[say("Answer by {day}.").format(day=due)],
        facts=[(say("Site"), site.name)],
        quote=asked.reason,
        action=(say("Open the dossier"), f"{settings.public_url}/permits/applications/{dossier.id}"),
    )
    to = mail.Recipient(person.address, person.name, person.locale)
    await mail.record(tx, letter, to, kind="supplement_requested", thing=str(dossier.id), now=now)

4. where people see it: `sends_mail=True` for its command line (`python -m services.<svc> mail list | again`), and
   `mail.of(read, thing)` on its pages (each with `state`: waiting, sent, given_up).

All texts of a letter may be a user's: none of them becomes a header, a tag or a link. A mail is sent at least once: who
dies between sending and noting sends it again, under the same Message-ID, by which mailboxes drop the second.
"""

from kernel.mail.addresses import Recipient, is_sendable
from kernel.mail.letters import Letter
from kernel.mail.post import jobs
from kernel.mail.queue import Mail, of, own_table, record

__all__ = ["Letter", "Mail", "Recipient", "is_sendable", "jobs", "of", "own_table", "record"]
