"""TensorBoard's event files, in `tensorboard/` of the run folder: a folder a training, `LABEL/seed-SEED`.

Made with TensorBoard's own writer, in 0.1 s. tensorboardX is smaller (4 MB beside 60), but imports torch wherever it is
installed, which takes 1.5 s and is not needed here. `tensorboard --logdir RUN/tensorboard` shows them.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from autoreward.tracking.contract import Opening

if TYPE_CHECKING:
    from tensorboard.summary.writer.record_writer import RecordWriter

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
        from tensorboard.compat.proto.summary_pb2 import Summary

        found = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._write(series, step=step, summary=Summary(value=found))

    def text(self, name: str, text: str) -> None:
        """As code: TensorBoard reads texts as Markdown, of which nothing is left in lines that are indented."""
        from tensorboard.compat.proto.summary_pb2 import Summary
        from tensorboard.compat.proto.tensor_pb2 import TensorProto
        from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
        from tensorboard.compat.proto.types_pb2 import DT_STRING
        from tensorboard.plugins.text.metadata import create_summary_metadata

        code = "\n".join("    " + line for line in text.split("\n"))
        shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
        tensor = TensorProto(dtype=DT_STRING, string_val=[code.encode()], tensor_shape=shape)
        metadata = create_summary_metadata(display_name="", description="")
        value = Summary.Value(tag="text/text_summary", metadata=metadata, tensor=tensor)
        self._write(name, summary=Summary(value=[value]))

    def close(self, finished: bool) -> None:
        """Close the files."""
        while self._files:
            self._files.popitem()[1].close()

    def _write(self, series: str, **content: Any) -> None:  # noqa: ANN401 - fields of TensorBoard's `Event`
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.summary.writer.record_writer import RecordWriter

        if series not in self._files:
            if len(self._files) >= MOST_OPEN:
                self._files.popitem(last=False)[1].close()
            (self._folder / series).mkdir(parents=True, exist_ok=True)
            # Readers take the files of a folder in the order of their names.
            path = self._folder / series / f"events.out.tfevents.{time.time_ns()}"
            self._files[series] = RecordWriter(path.open("xb"))
            self._files[series].write(Event(wall_time=time.time(), file_version="brain.Event:2").SerializeToString())
        self._files.move_to_end(series)
        self._files[series].write(Event(wall_time=time.time(), **content).SerializeToString())
        self._files[series].flush()
