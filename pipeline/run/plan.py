"""What is to be done about each input, and why: the same for a run and for who only wants to know."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from pipeline.corrections import Correction
from pipeline.documents import InputFile
from pipeline.domain import Failure, document_id
from pipeline.errors import DocumentError, UsageError
from pipeline.ledger import Ledger, Outcome, stamp
from pipeline.run.tasks import assembled_name, failure_of
from pipeline.settings import Settings


class Action(StrEnum):
    """What is to be done about an input."""

    READ = "read"
    ASSEMBLE = "assemble"
    SKIP = "skip"
    FAIL = "fail"
    LEAVE = "leave"


@dataclass(frozen=True, slots=True)
class Shard:
    """The share of the documents that one of several machines takes which know nothing of each other.

    The content decides, not the name: files with the same content are of one share, wherever they lie.

    Attributes:
        number: of this share, from 1.
        of: how many shares there are.
    """

    number: int = 1
    of: int = 1

    @classmethod
    def parse(cls, text: str) -> Shard:
        """The share that ``i/n`` names.

        Raises:
            UsageError: it names none.
        """
        found = re.fullmatch(r"([1-9][0-9]{0,5})/([1-9][0-9]{0,5})", text)
        shard = cls(*map(int, found.groups())) if found else None
        if shard is None or shard.number > shard.of:
            raise UsageError(f"{text!r} is no share", "Write --shard 1/4 for the first of four")
        return shard

    def holds(self, sha256: str) -> bool:
        """Whether a content is of this share."""
        return int(sha256[:16], 16) % self.of == self.number - 1


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done about one input, and why.

    Attributes:
        position: of the input among all.
        sha256: of its content; None where it cannot be opened.
        before: what `pipeline.ledger.stamp` said where the content was looked at just now.
        looked: whether it was.
        known: what reading the content gave before; None where nothing did.
        failure: why it cannot be opened.
    """

    position: int
    document: InputFile
    action: Action
    reason: str
    sha256: str | None
    before: str | None = None
    looked: bool = False
    known: Outcome | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Decides about inputs by what the ledger knows; it changes nothing.

    Attributes:
        reading, assembly: fingerprints.
        shard: what is not of it is left to others. A file that cannot be opened is of every share, since it may be
            this machine alone that cannot open it.
    """

    state: Ledger
    settings: Settings
    reading: str
    assembly: str
    retry_failed: bool
    said: Mapping[str, Sequence[Correction]]
    shard: Shard = Shard()

    def steps(
        self,
        chosen: Sequence[int],
        found: Sequence[InputFile],
        contents: Sequence[str | None],
        stopping: Callable[[], bool] = lambda: False,
    ) -> Iterator[Step]:
        """The steps for the inputs at the positions chosen, in order.

        Args:
            found: all inputs.
            contents: SHA-256 of each where it is known.
            stopping: asked before each step; no further one is given once it says so.
        """
        taken: dict[str, int] = {}
        for position in chosen:
            if stopping():
                return
            document, sha256 = found[position], contents[position]
            looked, before = sha256 is None, None
            if sha256 is None:
                before = stamp(document)
                try:
                    sha256 = document.sha256()
                except DocumentError as error:
                    failure = failure_of(error)
                    yield Step(position, document, Action.FAIL, failure.cause, None, failure=failure)
                    continue
            if not self.shard.holds(sha256):
                reason = "its content is of another share"
                yield Step(position, document, Action.LEAVE, reason, sha256, before, looked)
                continue
            first = taken.setdefault(sha256, position)
            known = self.state.outcome(sha256)
            if first != position:
                action, reason = Action.SKIP, f"same content as {found[first].source}"
            else:
                action, reason = self._decide(known)
            yield Step(position, document, action, reason, sha256, before, looked, known)

    def _decide(self, known: Outcome | None) -> tuple[Action, str]:
        if known is None:
            return Action.READ, "new"
        if known.fingerprint != self.reading:
            return Action.READ, "settings, engine, models or program have changed"
        if known.failures and self.retry_failed:
            return Action.READ, f"failed before: {known.failures[0].cause}"
        if self.settings.password is not None and any(each.kind == "encrypted" for each in known.failures):
            return Action.READ, "was locked, and there is a password"
        if not self.state.is_whole(known):
            return Action.READ, "its record is missing or damaged"
        if not self.is_assembled(known):
            return Action.ASSEMBLE, "forms, rules, label model, program or corrections have changed"
        if known.failures:
            return Action.SKIP, f"failed before: {known.failures[0].cause}"
        return Action.SKIP, "read before"

    def is_assembled(self, known: Outcome) -> bool:
        """Whether the rows of what was read are those of the present forms, rules and models."""
        name = assembled_name(known.fingerprint, self.assembly, self.said_of(known.sha256))
        return self.state.is_assembled(known, name)

    def said_of(self, sha256: str) -> Sequence[Correction]:
        """What people said of a content."""
        return self.said.get(document_id(sha256), ())
