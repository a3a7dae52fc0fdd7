"""Test the upscaling of videos, which other tools have written."""

import errno
import fractions
import os
import shutil

import numpy as np
import pytest
from pictures import repeat

from ganzoo.images import videos

av = pytest.importorskip("av")
MILLISECOND = fractions.Fraction(1, 1000)
BT709, BT601 = 1, 5


def write_video(path, times=tuple(range(0, 1200, 40)), size=(24, 16), **colors):
    """Write a video of flat frames with the given times in milliseconds, and a tone."""
    matrix, full = colors.get("matrix", BT709), colors.get("full", False)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv444p"
        codec = stream.codec_context
        codec.time_base = MILLISECOND
        codec.colorspace, codec.color_range = matrix, 2 if full else 1
        codec.color_primaries = codec.color_trc = 1
        sound = container.add_stream("aac", rate=44_100)
        for index, time in enumerate(times):
            pixels = np.full((size[1], size[0], 3), (200, 60, 7 * index % 256), "uint8")
            frame = av.VideoFrame.from_ndarray(pixels, "rgb24").reformat(
                format="yuv444p", dst_colorspace=matrix, dst_color_range=2 if full else 1
            )
            frame.pts, frame.time_base = time, MILLISECOND
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
        for index in range(20):
            tone = np.sin(np.arange(1024) / 10).astype("float32")[None].repeat(2, 0)
            frame = av.AudioFrame.from_ndarray(tone, "fltp", layout="stereo")
            frame.sample_rate, frame.pts = 44_100, 1024 * index
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    return path


def read_video(path):
    """Return the frames in RGB, their times in seconds, and the color tags."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        pixels, times = [], []
        for frame in container.decode(stream):
            times.append(float(frame.pts * frame.time_base))
            matrix = int(frame.colorspace)
            rgb = frame.reformat(
                format="rgb24", src_colorspace=matrix, src_color_range=int(frame.color_range)
            )
            pixels.append(rgb.to_ndarray())
        codec = stream.codec_context
        tags = codec.colorspace, codec.color_range, codec.color_primaries, codec.color_trc
        assert stream.codec_context.name == "h264"
        return np.stack(pixels), times, tuple(map(int, tags))


def read_sound(path):
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(container.streams.audio[0])]


@pytest.mark.parametrize("kind", ["mp4", "mkv"])
@pytest.mark.parametrize("colors", [{}, {"matrix": BT601}, {"full": True}], ids=str)
def test_frames_times_color_tags_and_sound_are_kept(kind, colors, tmp_path):
    source, target = write_video(tmp_path / f"a.{kind}", **colors), tmp_path / f"b.{kind}"
    videos.upscale_video(source, target, repeat, 2, {})
    before, times, tags = read_video(source)
    after, *others = read_video(target)
    assert after.shape == (30, 32, 48, 3)
    assert np.abs(after.astype(int) - before.repeat(2, 1).repeat(2, 2)).max() <= 8
    assert others == [times, tags]
    assert read_sound(target) == read_sound(source)
    assert sorted(path.name for path in tmp_path.iterdir()) == [source.name, target.name]


def test_variable_frame_rates_keep_the_time_of_each_frame(tmp_path):
    times = np.cumsum([0, 40, 40, 500, 10, 33, 40] + [17, 90] * 15).tolist()
    videos.upscale_video(write_video(tmp_path / "a.mp4", times), tmp_path / "b.mp4", repeat, 2, {})
    np.testing.assert_allclose(read_video(tmp_path / "b.mp4")[1], np.array(times) / 1000)


def test_odd_sizes_become_even(tmp_path):
    source = write_video(tmp_path / "a.mkv", size=(25, 17))
    videos.upscale_video(source, tmp_path / "b.mkv", lambda pixels: pixels, 1, {})
    assert read_video(tmp_path / "b.mkv")[0].shape[1:3] in {(16, 24), (16, 26), (18, 24), (18, 26)}


def test_an_interrupted_video_is_resumed_and_equals_an_uninterrupted_one(tmp_path):
    source = write_video(tmp_path / "a.mp4", range(0, 2400, 40))
    videos.upscale_video(source, tmp_path / "whole.mp4", repeat, 2, {"strength": 1})
    calls = []

    def stop_at_frame_40(pixels):
        calls.append(1)
        if len(calls) == 40:
            raise KeyboardInterrupt
        return repeat(pixels)

    target = tmp_path / "b.mp4"
    with pytest.raises(KeyboardInterrupt):
        videos.upscale_video(source, target, stop_at_frame_40, 2, {"strength": 1})
    assert not target.exists()
    calls.clear()
    reports = []
    videos.upscale_video(
        source,
        target,
        lambda pixels: calls.append(1) or repeat(pixels),
        2,
        {"strength": 1},
        lambda *counts: reports.append(counts),
    )
    assert len(calls) == 60 - 24
    assert reports[0] == (24, 60)
    assert reports[-1] == (60, 60)
    assert target.read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert not (tmp_path / ".b.mp4.parts").exists()


def test_work_with_other_settings_is_done_again(tmp_path):
    source, target = write_video(tmp_path / "a.mp4"), tmp_path / "b.mp4"
    calls = []

    def stop_at_the_last_frame(pixels):
        calls.append(1)
        if len(calls) == 30:
            raise KeyboardInterrupt
        return repeat(pixels)

    with pytest.raises(KeyboardInterrupt):
        videos.upscale_video(source, target, stop_at_the_last_frame, 2, {"strength": 1})
    videos.upscale_video(source, target, lambda p: calls.append(1) or repeat(p), 2, {"strength": 0})
    assert len(calls) == 30 + 30


def test_bad_videos_are_refused_in_one_line_before_the_work(tmp_path):
    cut, damaged = (
        write_video(tmp_path / f"whole.{kind}", range(0, 4000, 40), size=(64, 48)).read_bytes()
        for kind in ("mkv", "mp4")
    )
    third = len(damaged) // 3
    damaged = damaged[:third] + bytes(third // 2) + damaged[third + third // 2 :]
    contents = {"empty.mp4": b"", "text.mkv": b"Dear Ada", "damaged.mp4": damaged}
    contents["cut.mkv"] = cut[: len(cut) * 2 // 3]
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=name) as caught:
            videos.upscale_video(tmp_path / name, tmp_path / "out.mkv", None, 2, {})
        assert "\n" not in str(caught.value)
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = av.AudioFrame.from_ndarray(np.zeros((2, 1024), "float32"), "fltp", layout="stereo")
        frame.sample_rate = 44_100
        container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(ValueError, match=r"sound\.mp4: holds no video"):
        videos.upscale_video(tmp_path / "sound.mp4", tmp_path / "out.mp4", None, 2, {})
    assert not list(tmp_path.glob("*out*"))


def test_an_existing_result_is_replaced_only_if_asked(tmp_path):
    source = write_video(tmp_path / "a.mp4", range(0, 200, 40))
    (tmp_path / "b.mp4").write_text("mine")
    with pytest.raises(ValueError, match=r"b\.mp4: exists"):
        videos.upscale_video(source, tmp_path / "b.mp4", repeat, 2, {})
    assert (tmp_path / "b.mp4").read_text() == "mine"
    videos.upscale_video(source, tmp_path / "b.mp4", repeat, 2, {}, overwrite=True)
    assert len(read_video(tmp_path / "b.mp4")[0]) == 5


def test_a_full_disk_leaves_no_half_written_result(tmp_path, monkeypatch):
    source = write_video(tmp_path / "a.mp4", range(0, 200, 40))

    def refuse(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match="No space left"):
        videos.upscale_video(source, tmp_path / "b.mp4", repeat, 2, {})
    shutil.rmtree(tmp_path / ".b.mp4.parts", ignore_errors=True)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
