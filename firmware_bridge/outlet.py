"""The one way out on MAVLink: what may be sent at all, and how many bytes of it in a second."""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING, Any

from firmware_bridge.mavlink_frames import SIGNATURE_BYTES, frame_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from firmware_bridge.signing import Signer

__all__ = ["COMMANDS", "COMPONENT", "MESSAGES", "ByteBudget", "Outlet"]

NS = 1_000_000_000
COMPONENT = 191  # MAV_COMP_ID_ONBOARD_COMPUTER
LAST_COMPONENT = 194  # MAV_COMP_ID_ONBOARD_COMPUTER4
FOR_VALUES = 0.75  # of the budget; the rest is kept for what keeps the link alive

MESSAGES = frozenset(
    {
        "HEARTBEAT",
        "REQUEST_DATA_STREAM",
        "COMMAND_LONG",
        "COMMAND_ACK",
        "PARAM_REQUEST_READ",
        "TIMESYNC",
        "AUTOPILOT_VERSION",
        "NAMED_VALUE_FLOAT",
        "STATUSTEXT",
        "TUNNEL",
    }
)
# None of these moves a vehicle: SET_MESSAGE_INTERVAL, REQUEST_MESSAGE
COMMANDS = frozenset({511, 512})


class ByteBudget:
    """Bytes that may be sent in any second.

    Examples
    --------
    >>> budget = ByteBudget(100)
    >>> budget.take(60, 0), budget.take(60, 10**8), budget.take(60, 10**9)
    (True, False, True)
    """

    def __init__(self, bytes_per_s: int) -> None:
        self.bytes_per_s = bytes_per_s
        self._sent: deque[tuple[int, int]] = deque()
        self._sum = 0

    def take(self, count: int, now_ns: int, *, share: float = 1.0) -> bool:
        """Whether `count` bytes more fit into the second that ends now; if so they are counted."""
        while self._sent and now_ns - self._sent[0][0] >= NS:
            self._sum -= self._sent.popleft()[1]
        if self._sum + count > self.bytes_per_s * share:
            return False
        self._sent.append((now_ns, count))
        self._sum += count
        return True


class Outlet:
    """Makes, numbers, signs and sends frames.

    Parameters
    ----------
    write : callable
        Takes the bytes of one frame and never waits; False if nobody can be told.
    system : int
        That of the vehicle.
    budget_bytes_s : int
    signer : Signer, optional

    Attributes
    ----------
    counters : Counter
        ``sent``, ``bytes``, ``held`` (the budget was used up) and ``unheard`` (the link is
        not open, or nobody has spoken to it yet).
    """

    def __init__(
        self,
        write: Callable[[bytes], bool],
        *,
        system: int,
        budget_bytes_s: int,
        component: int = COMPONENT,
        signer: Signer | None = None,
    ) -> None:
        self.system, self.component = system, component
        self.counters: Counter[str] = Counter()
        self._write, self._signer = write, signer
        self._budget = ByteBudget(budget_bytes_s)
        self._sequence = 0
        self._recent: deque[bytes] = deque(maxlen=64)

    def is_own(self, frame: bytes) -> bool:
        """Whether a frame is an echo of one of the last we sent."""
        return frame in self._recent

    def give_way(self) -> bool:
        """Take the next component id, where another computer has ours; False if none is left."""
        if self.component >= LAST_COMPONENT:
            return False
        self.component += 1
        return True

    def send(
        self, name: str, fields: Mapping[str, Any], now_ns: int, *, is_value: bool = False
    ) -> bool:
        """Send a message if the budget and the link allow; whether they did.

        Parameters
        ----------
        name : str
        fields : dict
        now_ns : int
            On the monotonic clock.
        is_value : bool
            A reading: it leaves a quarter of the budget to what keeps the link alive.

        Raises
        ------
        ValueError
            A message or command the bridge never sends, or a value that does not fit.
        """
        if name not in MESSAGES:
            raise ValueError(f"the bridge never sends {name}")
        if name == "COMMAND_LONG" and fields.get("command") not in COMMANDS:
            raise ValueError(f"the bridge never sends command {fields.get('command')}")
        frame = frame_bytes(
            name,
            fields,
            sequence=self._sequence,
            system=self.system,
            component=self.component,
            is_signed=self._signer is not None,
        )
        size = len(frame) + (SIGNATURE_BYTES if self._signer else 0)
        if not self._budget.take(size, now_ns, share=FOR_VALUES if is_value else 1.0):
            self.counters["held"] += 1
            return False
        if self._signer:
            frame = self._signer.sign(frame)
        if not self._write(frame):
            self.counters["unheard"] += 1
            return False
        self._recent.append(frame)
        self._sequence = (self._sequence + 1) & 0xFF
        self.counters["sent"] += 1
        self.counters["bytes"] += size
        return True
