"""The states of affairs that stand against a request; the class name is the wire code."""

from kernel.errors import N_, Conflict, Fault, Invalid, NotFound


class AgreementNotFound(NotFound):
    detail = N_("There is no such agreement, or you may not see it.")


class StructureNotKnownYet(Conflict):
    """Asked again a moment later the copy of the registry may have caught up."""

    detail = N_("This structure is not known here yet. If it was only just registered, try again in a moment.")

    def __init__(self, *, retry_after: int = 2) -> None:
        super().__init__(headers={"Retry-After": str(retry_after)})


class StructureNotStanding(Conflict):
    detail = N_("On {on} this structure is dismantled or not yet in the register.")


class AgreementOverlaps(Conflict):
    detail = N_("The same enterprises already have an agreement on this structure from {valid_from}.")


class AgreementNotInForce(Conflict):
    detail = N_("The agreement is not in force on {on}.")


class WrongCorrection(Conflict):
    detail = N_("Only the newest statement about an agreement that still stands can be corrected.")


class TenantIsOwner(Invalid):
    detail = N_("Tenant and owner are the same enterprise.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/tenant", "same_legal_entity", self.detail)])


class TenantUnknown(Invalid):
    detail = N_("There is no enterprise with this code.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/tenant", "unknown", self.detail)])


class KindUnknown(Invalid):
    detail = N_("There is no such kind of agreement.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/kind", "unknown", self.detail)])


class EndsBeforeItBegins(Invalid):
    detail = N_("The end must be later than the beginning.")

    def __init__(self, pointer: str = "/valid_to") -> None:
        super().__init__(errors=[Fault(pointer, "not_after_begin", self.detail)])


class KnownAtInFuture(Invalid):
    detail = N_("What will be known on a later day cannot be asked today.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/query/known_at", "future", self.detail)])


class KnownAtMalformed(Invalid):
    detail = N_("Give a day such as 2024-05-16, or an instant with its offset.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/query/known_at", "malformed", self.detail)])


class DefinitionUnknown(Invalid):
    detail = N_("There is no such definition for this kind of structure.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/query/definition", "unknown", self.detail)])


class BoundarySetUnknown(Invalid):
    detail = N_("There is no such set of boundaries.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/query/boundary_set", "unknown", self.detail)])


class CycleNotFound(NotFound):
    detail = N_("There is no such round of reports, or you may not see it.")


class ReportNotFound(NotFound):
    detail = N_("There is no such report, or you may not see it.")


class LineNotFound(NotFound):
    detail = N_("The report has no such line.")


class CycleClosed(Conflict):
    detail = N_("This round of reports is closed.")


class LinesOpen(Conflict):
    detail = N_("{count} lines have no answer yet. Confirm them or say what is wrong with them.")


class NothingNew(Conflict):
    detail = N_("Nothing was changed since the last submission.")


class LineNotDisputed(Conflict):
    detail = N_("Only a line that is disputed can be settled.")


class AnswerRefused(Invalid):
    detail = N_("Some answers cannot be taken.")


class DayTooEarly(Invalid):
    detail = N_("Choose a later day.")

    def __init__(self, pointer: str) -> None:
        super().__init__(errors=[Fault(pointer, "too_early", self.detail)])


class DayTooLate(Invalid):
    detail = N_("What will be on a later day cannot be reported today.")

    def __init__(self, pointer: str) -> None:
        super().__init__(errors=[Fault(pointer, "future", self.detail)])


class ReasonMissing(Invalid):
    detail = N_("Say why the dispute is not accepted.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/note", "missing", self.detail)])


class StatementNotFound(NotFound):
    detail = N_("There is no such statement.")


class NotAllKnownYet(Conflict):
    """Asked again a moment later the copies may have caught up."""

    detail = N_("What was recorded up to {known} is not all here yet: at most {settled} can be sealed.")

    def __init__(self, *, known: str, settled: str, retry_after: int = 5) -> None:
        super().__init__(known=known, settled=settled, headers={"Retry-After": str(retry_after)})


class SealedAlready(Conflict):
    detail = N_("The same figure, of the same knowledge, is sealed as number {number}.")


class NothingCounted(Conflict):
    detail = N_("Nothing is counted: there is no figure to seal.")


class DayNotOver(Invalid):
    detail = N_("A day after that of the knowledge cannot be sealed.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/as_of", "future", self.detail)])


class IndicatorNotFound(NotFound):
    detail = N_("There is no such indicator.")


class IndicatorCounted(Conflict):
    detail = N_("This indicator is counted from the register: nobody enters it.")


class ValueMalformed(Invalid):
    detail = N_("This cannot be a value of this indicator.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/value", "malformed", self.detail)])


class ChangeUnexplained(Invalid):
    detail = N_("There is a value of this day already. Say why it changes.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/reason", "missing", self.detail)])


class SourceMissing(Invalid):
    detail = N_("Say where the value comes from.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/source", "missing", self.detail)])


class ContradictionNotFound(NotFound):
    detail = N_("There is no such contradiction.")


class ContradictionClosed(Conflict):
    detail = N_("This contradiction is closed or no longer holds.")


class AssigneeMissing(Invalid):
    detail = N_("Say who settles it.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/assignee", "missing", self.detail)])


class WhyMissing(Invalid):
    detail = N_("Say what was done, or why it is none.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/reason", "missing", self.detail)])


class PublishedAlready(Conflict):
    detail = N_("{code} is published already. What is published is never changed: give it a new version or name.")


class DefaultsOverlap(Conflict):
    detail = N_("Another definition of this kind is the default from the same day on.")


class KindUncounted(Invalid):
    """A plan names a kind for which there is no definition."""

    detail = N_("There is no definition by which this kind is counted.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/targets", "uncounted", self.detail)])


class TargetsDoubled(Invalid):
    detail = N_("A plan names one target of a kind for a day.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/targets", "doubled", self.detail)])


class PercentMalformed(Invalid):
    detail = N_("A target is a percentage between 0 and 100, such as 11.74.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/targets", "malformed", self.detail)])


class AuditNotFound(NotFound):
    detail = N_("There is no such plan of an audit.")


class ItemNotFound(NotFound):
    detail = N_("This structure was not drawn.")


class AuditClosed(Conflict):
    detail = N_("This audit is closed: nothing of it changes any more.")


class ItemsOpen(Conflict):
    detail = N_("{count} structures are not inspected yet.")


class SizeTooLarge(Invalid):
    detail = N_("There are only {most} structures to draw from.")

    def __init__(self, *, most: int) -> None:
        super().__init__(errors=[Fault("/size", "too_large", self.detail, most=most)], most=most)


class FindingRefused(Invalid):
    detail = N_("The finding cannot be taken.")
    say_counted = N_("Say whether it is to be counted.")
    say_shared = N_("Say whether it is shared; only what is counted can be.")
    say_what = N_("Say what was found.")
    same = N_("This is what is recorded.")


class AddressUnsendable(Invalid):
    detail = N_("No mail can be sent to this address.")

    def __init__(self) -> None:
        super().__init__(errors=[Fault("/address", "unsendable", self.detail)])
