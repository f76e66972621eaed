"""Faults of state: what is kept, where it is seen, and by whom."""

from __future__ import annotations

from typing import Any

from ...faults import fault
from ...model import Answer, Call, Refusal
from ...store import Record, Scope
from . import UNNAMED, Emulator
from .bodies import ChatSessionUpdate, refused


@fault("mtmai.update.lost", "state")
class UpdateLost(Emulator):
    """An update is answered as if it were done, and not kept."""

    def update_session(self, scope: Scope, chat: str, update: ChatSessionUpdate) -> Record:
        """Change a copy."""
        return self.changed(self.find_session(scope, chat), update)


@fault("mtmai.update.name_ignored", "state")
class UpdateNameIgnored(Emulator):
    """An update leaves the name as it was."""

    def changed(self, session: Record, update: ChatSessionUpdate) -> Record:
        """Change all but the name."""
        return {**super().changed(session, update), "name": session["name"]}


@fault("mtmai.update.empty_body_resets_name", "state")
class EmptyUpdateResetsName(Emulator):
    """An update without a name takes away the name that the session has."""

    def changed(self, session: Record, update: ChatSessionUpdate) -> Record:
        """Take what is not sent for the default."""
        return super().changed(session, ChatSessionUpdate(name=update.name or UNNAMED))


@fault("mtmai.update.messages_lost", "state")
class UpdateLosesMessages(Emulator):
    """An update empties the session of its messages."""

    def changed(self, session: Record, update: ChatSessionUpdate) -> Record:
        """Keep what the body could say, and nothing else."""
        return {**super().changed(session, update), "messages": []}


@fault("mtmai.update.empty_body_refused", "status")
class EmptyUpdateRefused(Emulator):
    """Updating a session without a name is refused, though nothing is required."""

    def update_session(self, scope: Scope, chat: str, update: ChatSessionUpdate) -> Record:
        """Ask for a name."""
        if update.name is None:
            raise refused("name", "a name is needed")
        return super().update_session(scope, chat, update)


@fault("mtmai.update.same_name_refused", "status")
class SameNameRefused(Emulator):
    """An update to the name that the session has already is refused."""

    def update_session(self, scope: Scope, chat: str, update: ChatSessionUpdate) -> Record:
        """Want another one."""
        if update.name == self.find_session(scope, chat)["name"]:
            raise refused("name", "the session has this name already")
        return super().update_session(scope, chat, update)


@fault("mtmai.update.others_renamed", "state")
class UpdateRenamesOthers(Emulator):
    """An update renames all the tenant's sessions that had the same name."""

    def update_session(self, scope: Scope, chat: str, update: ChatSessionUpdate) -> Record:
        """Find sessions by their name."""
        name = self.find_session(scope, chat)["name"]
        for session in self.list_sessions(scope):
            if session["name"] == name and session["id"] != chat:
                super().update_session(scope, session["id"], update)
        return super().update_session(scope, chat, update)


@fault("mtmai.metadata.echoed", "identity")
class MetadataEchoed(Emulator):
    """Create and update answer with the id in the metadata that they were sent."""

    def create_session(self, scope: Scope, update: ChatSessionUpdate) -> Record:
        """Show the caller's id."""
        return _with_id(super().create_session(scope, update), update)

    def update_session(self, scope: Scope, chat: str, update: ChatSessionUpdate) -> Record:
        """Show the caller's id."""
        return _with_id(super().update_session(scope, chat, update), update)


def _with_id(session: Record, update: ChatSessionUpdate) -> Record:
    return {**session, "id": update.metadata.id} if update.metadata else session


class _Remembering(Emulator):
    """Honest, but each record keeps, where no client sees it, how the session was at first."""

    def changed(self, session: Record, update: ChatSessionUpdate) -> Record:
        first = session.get("first") or {key: session[key] for key in ("name", "updated")}
        return {**super().changed(session, update), "first": first}


@fault("mtmai.update.not_seen_by_list", "state")
class UpdateNotInList(_Remembering):
    """The list shows every session as it was created, whatever updates came since."""

    def show_row(self, session: Record) -> dict[str, Any]:
        """Show what was first kept."""
        return super().show_row({**session, **session.get("first", {})})


@fault("mtmai.update.not_seen_by_get", "state")
class UpdateNotInGet(_Remembering):
    """Reading a session shows it as it was created, whatever updates came since."""

    def chat_get(self, scope: Scope, chat: str) -> Answer:
        """Show what was first kept."""
        session = self.find_session(scope, chat)
        return self.write(self.show_session({**session, **session.get("first", {})}))


@fault("mtmai.list.old_names", "state")
class ListKeepsOldNames(_Remembering):
    """The list keeps the names that sessions were created with, though updatedAt moves on."""

    def show_row(self, session: Record) -> dict[str, Any]:
        """Show the name that was first kept."""
        return super().show_row({**session, "name": session.get("first", session)["name"]})


@fault("mtmai.list.new_unnamed", "state")
class ListLacksNewNames(Emulator):
    """The list shows a session that was never updated with the default name."""

    def show_row(self, session: Record) -> dict[str, Any]:
        """Show a name only if it came with an update."""
        is_new = session["updated"] == session["created"]
        return super().show_row({**session, "name": UNNAMED} if is_new else session)


@fault("mtmai.list.newest_missing", "state")
class ListLacksTheNewest(Emulator):
    """The list leaves out the session that was created last."""

    def list_sessions(self, scope: Scope) -> list[Record]:
        """Return all but the first."""
        return super().list_sessions(scope)[1:]


@fault("mtmai.list.session_twice", "state")
class ListHasOneTwice(Emulator):
    """The list shows the session that was created last twice."""

    def list_sessions(self, scope: Scope) -> list[Record]:
        """Return the first once more at the end."""
        sessions = super().list_sessions(scope)
        return [*sessions, *sessions[:1]]


@fault("mtmai.list.other_tenants_shown", "state")
class ListShowsOtherTenants(Emulator):
    """The list shows the sessions of all tenants."""

    def list_sessions(self, scope: Scope) -> list[Record]:
        """Return everybody's."""
        tenants = dict.fromkeys((scope[-1], *(one["tenant"] for one in self.world.identities)))
        return [
            session
            for tenant in tenants
            for session in super(ListShowsOtherTenants, self).list_sessions(self.find_scope(tenant))
        ]


@fault("mtmai.create.name_ignored", "state")
class CreateIgnoresName(Emulator):
    """A new session has the default name, whichever was sent."""

    def create_session(self, scope: Scope, update: ChatSessionUpdate) -> Record:
        """Forget the name."""
        return super().create_session(scope, ChatSessionUpdate())


@fault("mtmai.create.overwrites_previous", "state")
class CreateOverwritesPrevious(Emulator):
    """Creating a session overwrites the name of the one that was created before it."""

    def create_session(self, scope: Scope, update: ChatSessionUpdate) -> Record:
        """Name the newest one, too."""
        newest = self.list_sessions(scope)[:1]
        created = super().create_session(scope, update)
        for session in newest:
            super().update_session(scope, session["id"], ChatSessionUpdate(name=created["name"]))
        return created


@fault("mtmai.get.other_tenants_read", "state")
class GetReadsOtherTenants(Emulator):
    """Reading a session finds those of other tenants, too."""

    def chat_get(self, scope: Scope, chat: str) -> Answer:
        """Look wherever the session is."""
        return super().chat_get(_owning(self, scope, chat), chat)


@fault("mtmai.update.other_tenants_written", "state")
class UpdateWritesOtherTenants(Emulator):
    """Updating a session finds those of other tenants, too."""

    def chat_update_chat_session(self, scope: Scope, chat: str, call: Call) -> Answer:
        """Look wherever the session is."""
        return super().chat_update_chat_session(_owning(self, scope, chat), chat, call)


@fault("mtmai.messages.other_tenants_read", "state")
class MessagesReadOtherTenants(Emulator):
    """Reading messages finds the sessions of other tenants, too."""

    def chat_messages(self, scope: Scope, chat: str) -> Answer:
        """Look wherever the session is."""
        return super().chat_messages(_owning(self, scope, chat), chat)


@fault("mtmai.messages.other_session", "state")
class MessagesOfAnotherSession(Emulator):
    """Reading messages shows those of another session of the tenant, where there is one."""

    def chat_messages(self, scope: Scope, chat: str) -> Answer:
        """Take the wrong one."""
        self.find_session(scope, chat)
        others = [one["id"] for one in self.list_sessions(scope) if one["id"] != chat]
        return super().chat_messages(scope, others[0] if others else chat)


@fault("mtmai.messages.new_ids_each_time", "state")
class MessagesGetNewIds(Emulator):
    """Each time that messages are read they have other ids."""

    def show_messages(self, session: Record) -> dict[str, Any]:
        """Count the readings."""
        shown = super().show_messages(session)
        time = self.world.store.count((self.name, "readings"), session["id"])
        for message in shown["messages"]:
            metadata = message["metadata"]
            message["metadata"] = {**metadata, "id": self.uuid(metadata["id"], time)}
        return shown


@fault("mtmai.get.existing_not_found", "status")
class GetFindsNothing(Emulator):
    """Reading a session answers 404 though it exists."""

    def chat_get(self, scope: Scope, chat: str) -> Answer:
        """Find nothing."""
        raise Refusal("chat not found", status=404)


@fault("mtmai.get.other_version", "state")
class GetShowsAnotherVersion(Emulator):
    """Reading a session shows another version than its creation did."""

    def chat_get(self, scope: Scope, chat: str) -> Answer:
        """Add a point to it."""
        session = self.find_session(scope, chat)
        return self.write(self.show_session({**session, "version": f"{session['version']}.1"}))


@fault("mtmai.get.content_type_refused", "status")
class GetWithContentTypeRefused(Emulator):
    """A GET that names the content type of the body that it has not is refused."""

    def answer(self, call: Call) -> Answer:
        """Look for the body."""
        if call.request.method == "GET" and call.request.mimetype:
            self.authenticate(call, call.path["tenant"])
            raise refused("body", "there is a Content-Type, and no body")
        return super().answer(call)


@fault("mtmai.update.existing_not_found", "status")
class UpdateFindsNothing(Emulator):
    """Updating a session answers 404 though it exists."""

    def chat_update_chat_session(self, scope: Scope, chat: str, call: Call) -> Answer:
        """Find nothing."""
        raise Refusal("chat not found", status=404)


@fault("mtmai.messages.existing_not_found", "status")
class MessagesFindNothing(Emulator):
    """Reading messages answers 404 though the session exists."""

    def chat_messages(self, scope: Scope, chat: str) -> Answer:
        """Find nothing."""
        raise Refusal("chat not found", status=404)


def _owning(emulator: Emulator, scope: Scope, chat: str) -> Scope:
    scopes = [emulator.find_scope(one["tenant"]) for one in emulator.world.identities]
    return next((one for one in scopes if emulator.world.store.read(one, chat)), scope)


# Ids: what names a session must stay with it.


@fault("mtmai.id.changed_by_update", "identity")
class IdChangedByUpdate(Emulator):
    """A session that was updated shows another id than before."""

    def show_session(self, session: Record) -> dict[str, Any]:
        """Show an id that finds nothing."""
        was_updated = session["updated"] > session["created"]
        id = self.uuid("updated", session["id"]) if was_updated else session["id"]
        return super().show_session({**session, "id": id})


@fault("mtmai.id.repeated", "identity")
class IdRepeated(Emulator):
    """A new session gets the id of the one that was created before it, and replaces it."""

    def make_id(self, scope: Scope, name: str) -> str:
        """Return the newest id."""
        newest = self.list_sessions(scope)[:1]
        return newest[0]["id"] if newest else super().make_id(scope, name)


@fault("mtmai.id.too_long", "identity")
class IdTooLong(Emulator):
    """The id of a session has more than 36 characters."""

    def make_id(self, scope: Scope, name: str) -> str:
        """Put a word before the UUID."""
        return f"session-{super().make_id(scope, name)}"


@fault("mtmai.id.message_repeated", "identity")
class MessageIdRepeated(Emulator):
    """All messages of a session have the same id."""

    def show_message(self, session: Record, place: int) -> dict[str, Any]:
        """Take the first one's."""
        shown = super().show_message(session, place)
        first = super().show_message(session, 0)["metadata"]["id"]
        return {**shown, "metadata": {**shown["metadata"], "id": first}}
