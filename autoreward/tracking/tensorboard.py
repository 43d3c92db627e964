"""TensorBoard's event files, in `tensorboard/` of the run folder: a folder a training, `LABEL/seed-SEED`.

Made with tensorboardX, which brings protobuf alone and is imported in 0.04 s; TensorBoard, which has a writer of its
own, is 60 MB with what it brings and takes twice as long. Not with its `SummaryWriter`: that has a thread, a pipe and a
hook at exit for each file, and a run has hundreds. `tensorboard --logdir RUN/tensorboard` shows them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autoreward.tracking.contract import Opening

if TYPE_CHECKING:
    from tensorboardX.record_writer import RecordWriter

FOLDER = "tensorboard"
MOST_OPEN = 16
"""Event files open at once; a training that comes back to a closed one gets a further file in its folder."""


class TensorBoard:
    """A `Sink`."""

    id = FOLDER

    def __init__(self, opening: Opening) -> None:
        self._folder = opening.folder / FOLDER
        self._files: OrderedDict[str, RecordWriter] = OrderedDict()
        if not opening.id:
            self.text("run", "\n".join(f"{name}: {value}" for name, value in opening.settings.items()))

    def scalars(self, series: str, step: int, values: Mapping[str, float]) -> None:
        """One point of each curve."""
        from tensorboardX.proto.summary_pb2 import Summary

        found = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(series, step=step, summary=Summary(value=found))

    def text(self, name: str, text: str) -> None:
        """As code: TensorBoard reads texts as Markdown, of which nothing is left in lines that are indented."""
        from tensorboardX import summary

        self._write(name, summary=summary.text("text", "\n".join("    " + line for line in text.split("\n"))))

    def close(self, finished: bool) -> None:
        """Close the files."""
        while self._files:
            self._files.popitem()[1].close()

    def _write(self, series: str, **content: Any) -> None:  # noqa: ANN401 - fields of TensorBoard's `Event`
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.record_writer import RecordWriter

        if series not in self._files:
            if len(self._files) >= MOST_OPEN:
                self._files.popitem(last=False)[1].close()
            (self._folder / series).mkdir(parents=True, exist_ok=True)
            # Readers take the files of a folder in the order of their names.
            path = self._folder / series / f"events.out.tfevents.{time.time_ns()}"
            self._files[series] = RecordWriter(str(path.absolute()))
            self._files[series].write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        self._files.move_to_end(series)
        self._files[series].write(Event(wall_time=time.time(), **content).SerializeToString())
        self._files[series].flush()
