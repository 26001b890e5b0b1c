"""Pictures as they come, encoded into a video in memory; nothing unsealed is ever on a disk.

VP9 in MP4: every current browser plays it, Chromium without proprietary codecs too, and its encoder is free (BSD).
"""

import io
from fractions import Fraction

import av
from av.video.stream import VideoStream
from PIL import Image

from flows.engine.cover import COVER, Covered, covered_paint

ENCODER = "libvpx-vp9"
OPTIONS = {"deadline": "realtime", "cpu-used": "8", "crf": "34", "b": "0", "lag-in-frames": "0", "row-mt": "1"}
KEY_FRAMES = 50  # pictures between two that can be jumped to
MOST_WIDTH, MOST_HEIGHT = 1280, 1280
BLANK = (1280, 800)
MILLISECONDS = Fraction(1, 1000)


class Video:
    """One video. Its size is that of the first picture; later ones are fitted in. Times are seconds, growing."""

    def __init__(self) -> None:
        self._buffer = io.BytesIO()
        self._container = av.open(self._buffer, "w", format="mp4")
        self._stream: VideoStream | None = None
        self._last: Image.Image | None = None
        self._time = -1

    @property
    def size(self) -> int:
        """Bytes so far."""
        return self._buffer.tell()

    @property
    def empty(self) -> bool:
        return self._last is None

    def add(self, covered: Covered, at: float) -> None:
        picture = covered_paint(covered)
        if self._stream is None:
            self._stream = self._begin(picture)
        fitted = _fit(picture, (self._stream.width, self._stream.height))
        if self._last is None or fitted.tobytes() != self._last.tobytes():
            self._last = fitted
            self._encode(fitted, at)

    def finish(self, at: float) -> bytes:
        """The file; the last picture is shown up to `at`, a grey one where there was none."""
        if self._stream is None or self._last is None:
            self._last = Image.new("RGB", BLANK, COVER)
            self._stream = self._begin(self._last)
            self._encode(self._last, 0.0)
        self._encode(self._last, at)
        for packet in self._stream.encode(None):
            self._container.mux(packet)
        self._container.close()
        return self._buffer.getvalue()

    def _begin(self, picture: Image.Image) -> VideoStream:
        scale = min(1.0, MOST_WIDTH / picture.width, MOST_HEIGHT / picture.height)
        stream = self._container.add_stream(ENCODER, rate=10, options=OPTIONS)
        if not isinstance(stream, VideoStream):
            raise TypeError(ENCODER)
        stream.width, stream.height = (max(2, round(side * scale) // 2 * 2) for side in picture.size)
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = MILLISECONDS
        stream.codec_context.gop_size = KEY_FRAMES
        return stream

    def _encode(self, picture: Image.Image, at: float) -> None:
        if self._stream is None:
            return
        self._time = max(self._time + 1, round(at * 1000))
        frame: av.VideoFrame = av.VideoFrame.from_image(picture)  # type: ignore[no-untyped-call]  # PyAV leaves this one untyped
        frame.pts, frame.time_base = self._time, MILLISECONDS
        for packet in self._stream.encode(frame):
            self._container.mux(packet)


def _fit(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    if picture.size == size:
        return picture
    scale = min(size[0] / picture.width, size[1] / picture.height)
    inner = picture.resize((max(1, round(picture.width * scale)), max(1, round(picture.height * scale))))
    outer = Image.new("RGB", size)
    outer.paste(inner, ((size[0] - inner.width) // 2, (size[1] - inner.height) // 2))
    return outer
