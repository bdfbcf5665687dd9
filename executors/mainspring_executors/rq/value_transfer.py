"""The large values of one attempt, between the execution API and files of the worker, piece by piece."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from mainspring.attempts import Attempt, Finished
from mainspring.failpoints import failpoint
from mainspring.large_values import LargeValue, located
from mainspring_executors.local.value_folder import ValueFolder, read_pieces
from mainspring_executors.outputs import discard_files
from mainspring_executors.rq.execution_client import Claim, ExecutionClient

__all__ = ["ValueTransfer"]


class ValueTransfer:
    """Fetches what an attempt is handed, and sends its large outputs. Each call goes on where the last one failed.

    tend: called before each piece; keeps the lease and the task host alive.
    """

    def __init__(
        self, execution_client: ExecutionClient, claim: Claim, folder: ValueFolder, *, tend: Callable[[], None]
    ) -> None:
        self._execution_client = execution_client
        self._claim = claim
        self._folder = folder
        self._tend = tend
        self._paths: dict[str, str] = {}
        """Value id -> file, of the values that were fetched."""
        self._sent: dict[str, int] = {}
        """Output name -> number of pieces that the server has."""
        self._outputs: Mapping[str, LargeValue] = {}

    def fetch(self) -> Attempt:
        """The attempt with its values in files.

        Raises:
            Unreachable: A repetition may succeed.
            Refused: The value was deleted.
            BrokenValue, OSError: The value is damaged, or the disk is full.
        """
        attempt = self._claim.attempt
        for value in {value.id: value for value in attempt.values.values()}.values():
            if value.id not in self._paths:
                self._paths[value.id] = self._folder.write(value, self._fetched_pieces(value))
                failpoint("worker.value.fetched")
        return replace(attempt, values=located(attempt.values, self._paths))

    def send(self, report: Finished) -> bool:
        """Send the large outputs of the report; False = this worker no longer owns the attempt.

        Raises:
            Unreachable: A repetition may succeed.
            Refused: The server will never accept the outputs.
            BrokenValue: A task has changed a file.
        """
        self._outputs = report.large
        for name, value in report.large.items():
            for position, data in enumerate(read_pieces(value)):
                if position < self._sent.get(name, 0):
                    continue
                self._tend()
                failpoint("worker.value.before")
                if not self._execution_client.send_value(self._claim, value, position, data):
                    return False
                self._sent[name] = position + 1
                failpoint("worker.value.acknowledged")
        return True

    def forget_inputs(self) -> None:
        """Delete the files of what the attempt was handed."""
        for value_id in self._paths:
            self._folder.remove(value_id)

    def forget_outputs(self) -> None:
        """Delete the files of the large outputs."""
        discard_files(self._outputs.values())

    def _fetched_pieces(self, value: LargeValue) -> Iterator[bytes]:
        for position in range(value.pieces):
            self._tend()
            yield self._execution_client.fetch_piece(self._claim, value, position)
