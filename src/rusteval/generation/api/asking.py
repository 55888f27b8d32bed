"""One try at a service: what each failure means, what is recorded of it, and what the user is told."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from http import HTTPStatus
from typing import Any, NoReturn

from rusteval.errors import InputError
from rusteval.generation.api.api_calls import CallRecorder, OnCall
from rusteval.generation.api.provider import NoReplyError, Post, Provider
from rusteval.generation.api.replies import Answer, BrokenAnswerError, Complaint, Reply
from rusteval.generation.api.retrying import TransientError, asked_wait_s, is_worth_retrying
from rusteval.generation.engine import Request, Sampling

_FORM_REFUSED = frozenset({HTTPStatus.BAD_REQUEST, HTTPStatus.UNPROCESSABLE_ENTITY})
_NEUTRAL = 1.0  # temperature and top_p that every service takes

Ask = Callable[[Request, Sampling], Awaitable[tuple[Answer, float]]]


class Asker:
    """Asks one provider. Errors name causes and remedies, and never the key.

    Args:
        provider: whom.
        timeout_s: longest time of one try, in seconds.
        say: takes a line about answers that are not drawn as was asked.
        on_call: takes the record of every try.
    """

    def __init__(
        self, provider: Provider, *, timeout_s: float, say: Callable[[str], None], on_call: OnCall | None
    ) -> None:
        self._provider = provider
        self._account = provider.account
        self._timeout_s = timeout_s
        self._say = say
        self._on_call = on_call
        self._tries: Counter[tuple[str, int]] = Counter()

    @asynccontextmanager
    async def connect(self) -> AsyncIterator[Ask]:
        """Open connections for one event loop; they are closed when the context ends.

        Yields:
            What asks once, and returns the answer and the milliseconds it took. It raises TransientError where
            another try may help, and InputError, which says what helps, where it does not.
        """
        self._tries.clear()
        async with self._provider.connect(timeout_s=self._timeout_s) as post:
            yield partial(self._ask, post)

    async def _ask(self, post: Post, request: Request, sampling: Sampling) -> tuple[Answer, float]:
        """Ask once; again at once where only the form was refused and another one is left."""
        while True:
            sent = self._provider.body(request, sampling)
            call = self._begin(request)
            reply = await self._post(post, sent, call)
            if reply.status < HTTPStatus.MULTIPLE_CHOICES:
                return self._read(reply, call), call.seconds * 1000
            complaint = self._complaint(reply, call)
            self._judge(complaint, request, sampling)
            said = self._provider.learn(sent, complaint)
            if said is not None:
                self._say(said)
            if self._provider.body(request, sampling) == sent:
                self._refuse(complaint, request, sampling)

    def _begin(self, request: Request) -> CallRecorder:
        key = (request.task_id, request.completion_id)
        self._tries[key] += 1
        return CallRecorder(request, self._provider, attempt=self._tries[key], on_call=self._on_call)

    async def _post(self, post: Post, sent: dict[str, Any], call: CallRecorder) -> Reply:
        try:
            async with asyncio.timeout(self._timeout_s):
                reply = await post(sent)
        except TimeoutError:
            error = f"no answer within {self._timeout_s:g} s"
            call.hand_over("timeout", error=error)
            raise TransientError(error) from None
        except NoReplyError as broken:
            error = self._account.quote(f"the connection failed ({broken})")
            call.hand_over("connection", error=error)
            raise TransientError(error) from None
        except asyncio.CancelledError:
            call.hand_over("cancelled", error="the run ended")
            raise
        call.replied(reply)
        return reply

    def _read(self, reply: Reply, call: CallRecorder) -> Answer:
        quote = self._account.quote
        try:
            answer = self._provider.read(reply.body)
        except BrokenAnswerError as broken:
            error = quote(f"an answer {self._without_secrets(broken, reply)}")
            call.hand_over(reply.status, error=error)
            raise TransientError(error) from None
        # What a server names itself is recorded, so it must not be the key that it was sent.
        answer = replace(
            answer,
            finish_reason=answer.finish_reason and quote(answer.finish_reason),
            model=answer.model and quote(answer.model),
            fingerprint=answer.fingerprint and quote(answer.fingerprint),
            id=answer.id and quote(answer.id),
        )
        call.hand_over(reply.status, answer=answer)
        return answer

    def _without_secrets(self, broken: BrokenAnswerError, reply: Reply) -> BrokenAnswerError:
        """Return the error for the reply without secrets: the quotation in it may have cut one in half."""
        try:
            self._provider.read(self._account.without_secrets(reply.body))
        except BrokenAnswerError as clean:
            return clean
        return broken

    def _complaint(self, reply: Reply, call: CallRecorder) -> Complaint:
        clean = replace(reply, body=self._account.without_secrets(reply.body))
        complaint = self._provider.complaint(clean)
        wait_s = complaint.wait_s or asked_wait_s(reply.headers)
        call.hand_over(reply.status, error=self._account.quote(complaint.message))
        return replace(complaint, wait_s=wait_s)

    def _judge(self, complaint: Complaint, request: Request, sampling: Sampling) -> None:
        """Raise what an error means, unless the service may take the request in another form."""
        if complaint.exhausted:
            self._refuse(complaint, request, sampling)
        if is_worth_retrying(complaint.status):
            asks = f" and asks to wait {complaint.wait_s:.0f} s" if complaint.wait_s else ""
            said = f"the server answers {complaint.status} ({complaint.message}){asks}"
            raise TransientError(
                self._account.quote(said), status=complaint.status, asked_wait_s=complaint.wait_s
            )
        if complaint.status not in _FORM_REFUSED:
            self._refuse(complaint, request, sampling)

    def _refuse(self, complaint: Complaint, request: Request, sampling: Sampling) -> NoReturn:
        said = f'{complaint.status}: "{complaint.message}"'
        model, variable = self._provider.model, self._account.key_variable
        match complaint.status:
            case _ if complaint.exhausted:
                text = (
                    f"the account has no credit left ({said}); "
                    "top it up or wait until it is renewed, and run the same command again"
                )
            case _ if _is_about_key(complaint) and not self._account.key:
                text = f"the server wants a key ({said}); set {variable}"
            case _ if _is_about_key(complaint):
                text = f"the key is refused ({said}); put a valid one into {variable}"
            case HTTPStatus.FORBIDDEN:
                text = f"access to {model} is refused ({said}); use a key in {variable} that may, or another model"
            case HTTPStatus.NOT_FOUND:
                text = (
                    f"there is no model {model}, or no such address ({said}); "
                    f"check the model's name and the base URL, which is like {self._account.example}"
                )
            case _:
                remedy = _remedy(complaint, sampling)
                text = f"{request.task_id}: the request is refused ({said}); {remedy}"
        raise InputError(self._account.quote(f"{self._account.endpoint}: {text}"))


def _is_about_key(complaint: Complaint) -> bool:
    """Return whether a refusal is about the key; some services answer 400 then."""
    bad_request = complaint.status == HTTPStatus.BAD_REQUEST
    return complaint.status == HTTPStatus.UNAUTHORIZED or (
        bad_request and "api key" in complaint.message.casefold()
    )


def _remedy(complaint: Complaint, sampling: Sampling) -> str:
    for name, value in (("temperature", sampling.temperature), ("top_p", sampling.top_p)):
        if value != _NEUTRAL and complaint.names(name):
            option = f"--{name.replace('_', '-')}"
            return f"{option} {value:g} is not for this model: give {option} 1"
    return "change what it names, or leave the task out"
