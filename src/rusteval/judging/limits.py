"""What one untrusted process may use up."""

import math
from dataclasses import dataclass, replace

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

CRATE_CPU_S = 5.0
CRATE_CPU_EACH_S = 0.1
"""A crate of a hundred usual programs takes 1.2 s, a tenth of what this allows."""
CRATE_OUTPUT_EACH_BYTES = 128 * KIB

WALL_PER_CPU = 6.0
"""The wall clock net, in multiples of the processor time limit.

On an overloaded machine wall time grows with the load (13 times was measured), processor time hardly does: so
processor time decides, and the net only ends what sleeps.
"""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bounds of one process (times in seconds, sizes in bytes); `output_bytes` is for each of its two streams.

    `processes` counts processes and threads of its user together.
    """

    cpu_s: float
    wall_s: float
    address_space_bytes: int
    processes: int
    file_bytes: int
    open_files: int
    output_bytes: int

    def for_crate_of(self, programs: int) -> "Limits":
        """Return the limits, given for one program, as they are for a crate of several.

        A program that takes longer than this leaves for a crate of its own, where the limits are its own: so the
        time need not suffice for what one program may take, but for what many usually do.
        """
        cpu_s = min(self.cpu_s, CRATE_CPU_S) + CRATE_CPU_EACH_S * programs
        return replace(
            self,
            cpu_s=cpu_s,
            wall_s=cpu_s * WALL_PER_CPU,
            address_space_bytes=2 * self.address_space_bytes,
            output_bytes=self.output_bytes + programs * CRATE_OUTPUT_EACH_BYTES,
        )

    @property
    def cpu_whole_s(self) -> int:
        """The processor time limit in whole seconds, as the kernel wants it; rounded up."""
        return max(1, math.ceil(self.cpu_s))


def compile_limits(*, cpu_s: float) -> Limits:
    """Return the limits of one call of the compiler or of Clippy; a usual one takes 0.3 s and 150 MiB."""
    return Limits(
        cpu_s=cpu_s,
        wall_s=cpu_s * WALL_PER_CPU,
        address_space_bytes=2 * GIB,
        processes=64,
        file_bytes=256 * MIB,
        open_files=256,
        output_bytes=4 * MIB,
    )


def run_limits(*, cpu_s: float, address_space_bytes: int) -> Limits:
    """Return the limits of one run of a program's tests; thread stacks count as address space in full.

    An ended thread goes on counting for a moment, longer on a busy machine: so many more are allowed than tests need.
    """
    return Limits(
        cpu_s=cpu_s,
        wall_s=cpu_s * WALL_PER_CPU,
        address_space_bytes=address_space_bytes,
        processes=256,
        file_bytes=16 * MIB,
        open_files=64,
        output_bytes=1 * MIB,
    )
