"""What can stand against a request to permits; each class name is the code on the wire."""

from kernel.errors import N_, Conflict, Forbidden, Invalid, NotFound


class ApplicationNotFound(NotFound):
    detail = N_("There is no such dossier, or you may not see it.")


class FileNotFound(NotFound):
    detail = N_("There is no such file, or you may not see it.")


class CalendarEnds(Conflict):
    detail = N_("The working calendar does not reach {day}: it ends on {ends_on}. A new version has to be published.")


class NoCalendar(Conflict):
    detail = N_("No working calendar is published for this area.")


class NoProcedure(Conflict):
    detail = N_("No procedure is published for this kind of work on {day}.")


class NoMandate(Conflict):
    detail = N_("No organisation holds the function {function} on {day}.")


class WrongMove(Conflict):
    detail = N_("The dossier is at a step at which this is not possible.")


class DossierFaulty(Invalid):
    detail = N_("The dossier cannot be received as it is.")


class FileRefused(Invalid):
    detail = N_("This file cannot be taken.")


class InfectedFile(Invalid):
    detail = N_("The virus scanner found {name} in this file.")


class ReviewNotAsked(Conflict):
    detail = N_("Your organisation was not asked about this dossier in that function.")


class AlreadyAnswered(Conflict):
    detail = N_("This opinion was given already.")


class DraftMissing(Conflict):
    detail = N_("This department wants a draft by one person and the signature of another. There is no draft yet.")


class OwnDraft(Forbidden):
    detail = N_("Who drafted an opinion may not sign it.")


class OwnCheck(Forbidden):
    detail = N_("Three people are wanted: who checked an opinion may not sign it.")


class StepsRequired(Conflict):
    detail = N_("This department drafts and signs by different people. Sign the draft as it stands, or hand it back.")


class WrongStage(Conflict):
    detail = N_("The opinion is at another step by now.")


class WrongConditionState(Conflict):
    detail = N_("The condition is at a step at which this is not possible.")


class PhraseFaulty(Invalid):
    detail = N_("The text cannot be taken into the library as it is.")


class NoSuchCondition(Conflict):
    detail = N_("The decision has no such condition.")


class PreferenceFaulty(Invalid):
    detail = N_("These preferences cannot be kept.")


class MessageFaulty(Invalid):
    detail = N_("The message cannot be sent so.")


class AssigneeUnfit(Invalid):
    detail = N_("The dossier cannot be given to this person.")


class DraftNotFound(NotFound):
    detail = N_("There is no such draft.")


class DraftPublished(Conflict):
    detail = N_("This draft is published and never changes again. Begin the next version.")


class DraftBroken(Invalid):
    detail = N_("The draft cannot be published as it is.")


class StillAsked(Conflict):
    detail = N_("This function is asked already and has not answered yet.")


class FunctionUnknown(Invalid):
    detail = N_("This function cannot be asked.")


class DutyFaulty(Invalid):
    detail = N_("The division of duties cannot be set so.")


class ReasonMissing(Invalid):
    detail = N_("Give the reason.")


class RoundsUsedUp(Conflict):
    detail = N_("This procedure allows {rounds} supplement requests at most.")


class NothingBuilt(Conflict):
    detail = N_("The decision does not allow building, so there are no works to notify.")


class NoticeGivenAlready(Conflict):
    detail = N_("This notice was given already.")


class ExtensionNotAllowed(Conflict):
    detail = N_("The time limit cannot be extended, or not by so much.")


class ProcedureBroken(Invalid):
    detail = N_("The procedure cannot be published.")


class PublishedDiffers(Conflict):
    detail = N_("{name} is published already with other content. Publish a new version instead.")


class RegistrarOnly(Forbidden):
    detail = N_("Only a registrar may say when a dossier was received, or file for somebody else.")


class FormUsedAlready(Conflict):
    detail = N_("This form was sent already.")


class SimulationFaulty(Invalid):
    detail = N_("These acts cannot follow each other in this procedure.")


class NoSuchProcedure(NotFound):
    detail = N_("There is no such version of a procedure.")


class SupplementTooLate(Conflict):
    detail = N_("The time to answer ended on {day}. Under this procedure a new dossier has to be filed.")
