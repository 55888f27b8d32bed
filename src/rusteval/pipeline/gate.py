"""The trust gate as commands pass it: before any model is loaded, before anybody's sample is judged."""

from rusteval.errors import InfrastructureError
from rusteval.judging.cache import VerdictCache, default_cache_directory
from rusteval.judging.judge import JudgeSettings
from rusteval.judging.sandbox import Sandbox
from rusteval.judging.toolchain import Toolchain
from rusteval.judging.trust_gate import TrustReport, check_trust
from rusteval.problems.models import Suite
from rusteval.status import StatusReporter


def pass_trust_gate(
    suite: Suite,
    *,
    sandbox: Sandbox,
    toolchain: Toolchain,
    settings: JudgeSettings,
    cache: VerdictCache | None,
    reporter: StatusReporter,
    strict: bool,
) -> TrustReport:
    """Judge references and stubs in the sandbox that will be used, unless it passed this very gate before.

    Args:
        suite: the problems that samples will be judged by; those without a reference prove nothing and are left out.
        sandbox: the sandbox that will be used.
        toolchain: the compiler that will be used.
        settings: the limits that will be used.
        cache: the verdicts that are known already.
        reporter: shows the progress.
        strict: whether these problems are known to be sound, so that one offender is too many. Elsewhere the gate
            fails only if no reference passes at all.

    Raises:
        InfrastructureError: the gate failed.
    """
    reporter.begin("trust gate", unit="programs")
    solved = tuple(problem for problem in suite.problems if problem.canonical_solution.strip())
    trust = check_trust(
        suite=suite.model_copy(update={"problems": solved}),
        sandbox=sandbox,
        toolchain=toolchain,
        settings=settings,
        cache=cache,
        remember_in=default_cache_directory(),
        on_progress=reporter.update_of,
    )
    if trust.remembered:
        reporter.say("   passed before, with this compiler, sandbox and these problems")
    failing = [offender for offender in trust.offenders if offender.kind == "reference"]
    if trust.offenders and (strict or len(failing) == len(solved)):
        named = "; ".join(str(offender) for offender in trust.offenders[:3])
        raise InfrastructureError(
            f"the trust gate failed for {len(trust.offenders)} of {len(solved)} tasks ({named}): "
            "this machine would give wrong verdicts; see `rusteval doctor`"
        )
    return trust
