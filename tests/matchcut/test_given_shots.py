import re

import pytest

from matchcut.errors import MatchcutError
from matchcut.given_shots import GivenShots


def read(tmp_path, text, name="shots.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return GivenShots.read(path)


def test_a_shot_list_becomes_the_table_of_shots(tmp_path):
    table = read(tmp_path, "shot,start_frame,stop_frame,transition_in\n0,0,10,start\n1,10,25,cut\n").table(25)
    assert table.start_frame.tolist() == [0, 10]
    assert table.stop_frame.tolist() == [10, 25]
    assert table.transition_in.tolist() == ["start", "cut"]


def test_end_frame_is_another_name_of_stop_frame(tmp_path):
    one = read(tmp_path, "shot,start_frame,end_frame\n0,0,10\n")
    other = read(tmp_path, "\ufeffstart_frame,stop_frame,note,shot\n0,10,a look,0\n", "other.csv")
    assert one.digest == other.digest
    assert one.digest != read(tmp_path, "shot,start_frame,end_frame\n0,0,11\n").digest


def test_frames_between_given_shots_belong_to_the_earlier_one_but_are_never_looked_at(tmp_path):
    table = read(tmp_path, "shot,start_frame,stop_frame\n0,5,10\n1,12,20\n").table(30)
    assert table.start_frame.tolist() == [0, 12]
    assert table.stop_frame.tolist() == [12, 30]
    assert table.usable_start_frame.tolist() == [5, 12]
    assert table.usable_stop_frame.tolist() == [10, 20]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "shots.csv: lacks the column shot, start_frame, stop_frame or end_frame; it has none"),
        (
            "shot,first,last\n0,0,10\n",
            "lacks the column start_frame, stop_frame or end_frame; it has shot, first, last",
        ),
        ("shot,start_frame,stop_frame\n", "shots.csv: holds no shot"),
        ("shot,start_frame,stop_frame\n0,0,ten\n", "shots.csv, line 2: stop_frame must be a whole number, got 'ten'"),
        ("shot,start_frame,stop_frame\n0,0\n", "shots.csv, line 2: stop_frame must be a whole number, got None"),
        ("shot,start_frame,stop_frame\n1,0,10\n", "shots.csv, line 2: shots must be numbered 0, 1, 2, …"),
        ("shot,start_frame,stop_frame\n0,10,10\n", "shot 0 has no frame: it starts at 10 and stops at 10"),
        ("shot,start_frame,stop_frame\n0,0,10\n1,9,20\n", "shot 1 starts at 9, before shot 0 stops at 10"),
        ("shot,start_frame,stop_frame\n0,-1,10\n", "shot 0 starts at -1, before the video"),
    ],
)
def test_a_bad_shot_list_is_named(tmp_path, text, message):
    with pytest.raises(MatchcutError, match=re.escape(message)):
        read(tmp_path, text)


def test_a_shot_list_that_is_no_text_or_not_there_is_named(tmp_path):
    (tmp_path / "film.csv").write_bytes(b"\x00\x00\x00 ftypisom\xff\xfe")
    with pytest.raises(MatchcutError, match=re.escape("film.csv: is no readable CSV file")):
        GivenShots.read(tmp_path / "film.csv")
    with pytest.raises(MatchcutError, match=re.escape("there is no such file. Check the path given with --shots")):
        GivenShots.read(tmp_path / "nowhere.csv")


def test_shots_of_a_longer_film_are_refused(tmp_path):
    given = read(tmp_path, "shot,start_frame,stop_frame\n0,0,10\n1,10,25\n")
    with pytest.raises(
        MatchcutError, match=re.escape("shots.csv: shot 1 stops at frame 25, but the video has 24 frames")
    ):
        given.table(24)
