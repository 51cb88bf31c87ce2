"""Messages that wait to be sent."""

from collections import deque

from iot_core.broker.limits import Limits
from iot_core.broker.message import Delivery


class DeliveryQueue:
    """Deliveries in their order. The size of their messages is counted along."""

    __slots__ = ("_size", "deliveries")

    def __init__(self) -> None:
        self.deliveries: deque[Delivery] = deque()
        """The next one first. To be changed by the methods alone."""
        self._size = 0

    def is_full(self, limits: Limits) -> bool:
        """Whether as much waits as may."""
        return len(self.deliveries) >= limits.queued_messages or self._size >= limits.queued_bytes

    def put(self, delivery: Delivery) -> None:
        """Adds one at the end."""
        self.deliveries.append(delivery)
        self._size += delivery.message.size

    def put_back(self, delivery: Delivery) -> None:
        """Adds one in front."""
        self.deliveries.appendleft(delivery)
        self._size += delivery.message.size

    def take(self) -> Delivery:
        """Removes the first. Raises IndexError."""
        delivery = self.deliveries.popleft()
        self._size -= delivery.message.size
        return delivery

    def remove(self, delivery: Delivery) -> None:
        """Removes one from wherever it is. Raises ValueError."""
        self.deliveries.remove(delivery)
        self._size -= delivery.message.size

    def take_all(self) -> list[Delivery]:
        """Removes all, the first one first."""
        deliveries = list(self.deliveries)
        self.deliveries.clear()
        self._size = 0
        return deliveries
