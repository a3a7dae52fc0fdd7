"""Upscale videos frame by frame, with their sound and times.

The work is kept in segments in a hidden folder beside the result, so that an interrupted run can be
resumed. At the end they are joined with the sound into the result.
"""

import contextlib
import dataclasses
import fractions
import heapq
import itertools
import json
import os
import pathlib
import shutil
from collections.abc import Callable, Iterator

import numpy as np

from ganzoo.images.lanczos import resize_lanczos, scaled_side
from ganzoo.messages import first_line, printable
from ganzoo.saving.files import check_file_path, new_file, write_json

SUFFIXES = {
    *(".3gp", ".avi", ".flv", ".m2ts", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".ogv", ".ts", ".webm", ".wmv"),
}
# Containers that hold H.264. Other videos become .mkv, which holds nearly every kind of sound.
_KEPT = {".m4v", ".mkv", ".mov", ".mp4"}
# Frames of a segment. An interruption loses at most so many.
_SEGMENT = 24
# Nearly without visible loss. Without B-frames, packets have the order and times of the frames.
_ENCODER = {"crf": "17", "preset": "medium", "bf": "0"}
# Largest side of H.264 at its highest level.
_LONGEST_SIDE = 16_384
# A file whose header promises more frames than this share of them was cut off.
_FEWEST = 0.9
_BT709, _BT601 = 1, 5  # Matrices from RGB to YUV (ITU-T H.273).
_UNSPECIFIED = 2


@dataclasses.dataclass(frozen=True)
class Video:
    """Properties of a video file and of its frames.

    Attributes:
        times: presentation time of each frame, in units of `time_base`. They increase.
        time_base: seconds.
        last: duration of the last frame, in units of `time_base`.
        rate: mean frames per second.
        shape: `(height, width)` of the upright frames.
        matrix: int, from YUV to RGB (ITU-T H.273).
        full_range: bool. True if 0 is black.
        primaries: int (ITU-T H.273).
        transfer: int (ITU-T H.273).
        aspect: ratio of a pixel's width to its height, or None.
    """

    times: list[int]
    time_base: fractions.Fraction
    last: int
    rate: fractions.Fraction
    shape: tuple[int, int]
    matrix: int
    full_range: bool
    primaries: int
    transfer: int
    aspect: fractions.Fraction | None


def has_video_suffix(name: pathlib.Path | str) -> bool:
    """Return True if a file's name says that it is a video."""
    return pathlib.PurePath(name).suffix.lower() in SUFFIXES


def result_suffix(suffix: str) -> str:
    """Return the suffix of the result for a video.

    Example:
        >>> result_suffix(".MP4"), result_suffix(".webm")
        ('.MP4', '.mkv')
    """
    return suffix if suffix.lower() in _KEPT else ".mkv"


def upscale_video(
    source: pathlib.Path | str,
    target: pathlib.Path | str,
    upscale: Callable,
    outscale: float,
    settings: dict,
    report: Callable[[int, int], object] = lambda done, total: None,
    overwrite: bool = False,
) -> None:
    """Upscale a video. Resume the work of an interrupted call with the same arguments.

    The result is H.264 in 8 bits, with an even height and width. Sound is copied.
    The times of frames and the color tags are kept. Frames are turned upright.

    Args:
        source: video file.
        target: file to write. It is written completely or not at all.
        upscale: function from uint8 `(height, width, 3)` to larger pixels.
        outscale: float. Ratio of the sizes.
        settings: JSON values that identify `upscale`. Work with other settings is done again.
        report: function that is called with the number of finished frames and of all.
        overwrite: bool. Replace an existing file.

    Raises:
        ValueError: If the video cannot be read, frames of it are damaged, the target exists, or
            PyAV is missing.
        OSError: If the disk is full.
    """
    av = _import_av(source)
    target = pathlib.Path(target)
    if not overwrite and target.exists():
        raise ValueError(f"{printable(target)}: exists. Remove it, or pass --overwrite.")
    check_file_path(target)
    with _readable(av, source):
        video = _inspect(av, source)
    shape = tuple(max(2, 2 * round(scaled_side(side, outscale) / 2)) for side in video.shape)
    if max(shape) > _LONGEST_SIDE:
        raise ValueError(
            f"{printable(target)}: H.264 has sides of up to {_LONGEST_SIDE} pixels. Received: a "
            f"result of {shape[1]} x {shape[0]}. Choose a smaller --outscale."
        )
    status = os.stat(source)
    identity = {
        "source": [os.fspath(pathlib.Path(source).resolve()), status.st_size, status.st_mtime_ns],
        "shape": shape,
        "settings": settings,
        "pyav": av.__version__,
    }
    folder = target.with_name(f".{target.name}.parts")
    _prepare(folder, identity)
    try:
        segments = _encode(av, source, video, shape, folder, upscale, report)
        with new_file(target) as partial:
            _join(av, source, video, segments, partial)
    except av.error.FFmpegError as error:
        if isinstance(error, OSError) and error.errno:
            raise OSError(error.errno, os.strerror(error.errno), str(target)) from None
        raise ValueError(f"{printable(target)}: cannot be written ({_reason(error)}).") from None
    shutil.rmtree(folder, ignore_errors=True)


def _import_av(source):
    try:
        import av
    except ImportError:
        raise ValueError(
            f"{printable(source)}: videos need PyAV. Install `keras-ganzoo[video]`."
        ) from None
    av.logging.set_level(None)  # FFmpeg would print every damaged packet.
    return av


@contextlib.contextmanager
def _readable(av, source):
    """Turn errors of a video file into a `ValueError` of one line."""
    try:
        yield
    except (av.error.FFmpegError, EOFError) as error:
        raise ValueError(
            f"{printable(source)}: cannot be read ({_reason(error)}). Repair it, or convert it "
            "to MP4."
        ) from None


def _reason(error):
    return getattr(error, "strerror", None) or first_line(error)


def _video_stream(container, source):
    stream = container.streams.best("video")
    if stream is None:
        raise ValueError(f"{printable(source)}: holds no video.")
    if stream.codec_context is None:
        raise ValueError(
            f"{printable(source)}: its codec is not supported. Convert it to MP4 with H.264."
        )
    stream.thread_type = "AUTO"
    return stream


def _inspect(av, source):
    """Decode a whole video, which is much faster than upscaling. Return a `Video`.

    Damaged frames are found before the work.
    """
    times, first, last = [], None, 0
    ends = [0.0]  # Times of all packets, in seconds.
    with av.open(os.fspath(source)) as container:
        stream = _video_stream(container, source)
        base, promised = stream.time_base, stream.frames
        # Other formats do not tell their duration, and FFmpeg estimates it.
        is_matroska = "matroska" in container.format.name
        length = (container.duration or 0) / av.time_base if is_matroska else 0
        rate = stream.average_rate or stream.guessed_rate or fractions.Fraction(25)
        step = max(1, round(1 / rate / base))
        for frame in _watched(container, stream, ends):
            where = f"frame {len(times) + 1}"
            if frame.is_corrupt:
                raise ValueError(f"{printable(source)}: {where} is damaged. Repair the file.")
            size = frame.height, frame.width, frame.rotation
            if first is None:
                first, properties = size, _colors(frame, stream.codec_context)
            if size != first:
                raise ValueError(
                    f"{printable(source)}: the size of its frames changes at {where}. Cut it there."
                )
            soonest = times[-1] + 1 if times else -(2**62)
            wanted = frame.pts if frame.pts is not None else (times[-1] + step if times else 0)
            times.append(max(wanted, soonest))
            last = frame.duration or step
        aspect = stream.codec_context.sample_aspect_ratio
    if not times:
        raise ValueError(f"{printable(source)}: holds no frames. Repair the file.")
    if len(times) < _FEWEST * promised:
        raise ValueError(
            f"{printable(source)}: cut off. It holds {len(times):,} of {promised:,} frames."
        )
    # The last packet has a duration.
    if max(ends) < min(_FEWEST * length, length - 1):
        raise ValueError(
            f"{printable(source)}: cut off. It ends at {max(ends):.0f} of {length:.0f} s."
        )
    height, width, rotation = first
    if rotation % 180:
        height, width = width, height
        aspect = 1 / aspect if aspect else None
    return Video(times, base, last, rate, (height, width), *properties, aspect)


def _watched(container, stream, ends):
    """Yield the frames of a stream. Note the times of packets, also those of the sound."""
    for packet in container.demux([stream, *container.streams.audio]):
        if packet.dts is not None:
            ends.append(float(packet.dts * packet.time_base))
        if packet.stream.index == stream.index:
            yield from packet.decode()


def _colors(frame, codec):
    matrix = int(frame.colorspace)
    if matrix in (_UNSPECIFIED, 0):
        # Players guess by the size, which the result changes.
        matrix = _BT709 if frame.height >= 720 else _BT601
    full_range = int(frame.color_range) == 2 or frame.format.name.startswith("yuvj")
    return matrix, full_range, int(codec.color_primaries), int(codec.color_trc)


def _prepare(folder, identity):
    """Make the folder of the segments. Remove those of other settings."""
    path = folder / "settings.json"
    identity = json.loads(json.dumps(identity))
    try:
        same = json.loads(path.read_text()) == identity
    except (OSError, ValueError):
        same = False
    if not same:
        shutil.rmtree(folder, ignore_errors=True)
        write_json(path, identity)


def _encode(av, source, video, shape, folder, upscale, report):
    """Write the missing segments. Return the paths of all, in order."""
    total = len(video.times)
    paths = [folder / f"{index:06}.mp4" for index in range(-(-total // _SEGMENT))]
    done = next((index for index, path in enumerate(paths) if not path.is_file()), len(paths))
    report(min(done * _SEGMENT, total), total)
    if done == len(paths):
        return paths
    frames = itertools.islice(_rgb_frames(av, source, video), done * _SEGMENT, None)
    finished = done * _SEGMENT
    before, made = None, None
    for index in range(done, len(paths)):
        with (
            new_file(paths[index], durable=True) as partial,
            av.open(os.fspath(partial), "w", format="mp4") as container,
        ):
            stream = _add_stream(container, video, shape)
            times = video.times[index * _SEGMENT : (index + 1) * _SEGMENT]
            for time, pixels in zip(times, frames, strict=False):
                # Still scenes repeat frames.
                if before is None or not np.array_equal(pixels, before):
                    before, made = pixels, resize_lanczos(upscale(pixels), *shape)
                frame = _to_yuv(av, made, video)
                frame.pts, frame.time_base = time - times[0], video.time_base
                container.mux(stream.encode(frame))
                finished += 1
                report(finished, total)
            container.mux(stream.encode())
    return paths


def _rgb_frames(av, source, video) -> Iterator[np.ndarray]:
    with _readable(av, source), av.open(os.fspath(source)) as container:
        for frame in container.decode(_video_stream(container, source)):
            turns = round(frame.rotation / 90) % 4
            converted = frame.reformat(
                format="rgb24",
                src_colorspace=_swscale(video.matrix),
                src_color_range=2 if video.full_range else 1,
            )
            yield np.ascontiguousarray(np.rot90(converted.to_ndarray(), turns))


def _swscale(matrix):
    """Return swscale's number of a matrix."""
    return matrix if matrix in (1, 4, 5, 7, 9) else 5


def _to_yuv(av, pixels, video):
    return av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(
        format="yuv420p",
        dst_colorspace=_swscale(video.matrix),
        dst_color_range=2 if video.full_range else 1,
    )


def _add_stream(container, video, shape):
    stream = container.add_stream("libx264", rate=video.rate, options=_ENCODER)
    stream.height, stream.width = shape
    stream.pix_fmt = "yuv420p"
    codec = stream.codec_context
    codec.time_base = video.time_base
    codec.colorspace = video.matrix
    codec.color_range = 2 if video.full_range else 1
    codec.color_primaries = video.primaries
    codec.color_trc = video.transfer
    if video.aspect:
        codec.sample_aspect_ratio = video.aspect
    return stream


def _join(av, source, video, segments, path):
    """Write the frames of the segments, and the sound of the source, to a file."""
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(av.open(os.fspath(segments[0])))
        original = stack.enter_context(av.open(os.fspath(source)))
        output = stack.enter_context(av.open(os.fspath(path), "w"))
        output.metadata.update(original.metadata)
        frames = output.add_stream_from_template(first.streams.video[0])
        copies = {}
        for stream in original.streams:
            if stream.type == "audio":
                copies[stream.index] = output.add_stream_from_template(stream)
        packets = [_video_packets(av, video, segments, frames)]
        if copies:
            packets.append(_copied_packets(original, copies))
        for _, packet in heapq.merge(*packets, key=lambda pair: pair[0]):
            output.mux(packet)


def _video_packets(av, video, segments, stream):
    """Yield the packets of the segments with their times, in seconds."""
    index = 0
    for path in segments:
        with av.open(os.fspath(path)) as container:
            for packet in container.demux(container.streams.video[0]):
                if packet.size == 0:
                    continue
                time = video.times[index]
                following = [*video.times[index + 1 : index + 2], time + video.last][0]
                packet.time_base = video.time_base
                packet.pts = packet.dts = time
                packet.duration = following - time
                packet.stream = stream
                index += 1
                yield float(time * video.time_base), packet


def _copied_packets(original, copies):
    for packet in original.demux([original.streams[index] for index in copies]):
        if packet.dts is not None:
            time = float(packet.dts * packet.time_base)
            packet.stream = copies[packet.stream.index]
            yield time, packet
