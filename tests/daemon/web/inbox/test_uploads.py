"""Files that were dropped onto the page lie in the home for as long as it takes."""

import os
import stat
import subprocess
import sys

import pytest

from daemon.errors import HomeNotUsable
from daemon.home import drop_upload, sweep_uploads
from daemon.inbox.detect import FORMATS
from daemon.inbox.formats.tsubasa import FORMAT
from daemon.text import IMPORT_FORMATS
from daemon.web.inbox import uploads


def test_a_file_is_held_in_memory_for_this_process_alone_found_again_and_goes(tmp_path):
    before = len(os.listdir("/proc/self/fd"))
    file, other = (uploads.save(tmp_path, "chat.json", data) for data in (b"{}", b"2"))
    stored = file.name, file.read_bytes(), other.read_bytes()
    on_disk = [one for one in tmp_path.rglob("*") if one.is_file() and not one.is_symlink()]
    found = uploads.waiting(tmp_path)
    elsewhere = subprocess.run(["cat", str(file)], capture_output=True)
    drop_upload(file)
    drop_upload(file)
    left = uploads.waiting(tmp_path)
    drop_upload(other)

    assert (("chat.json", b"{}", b"2"), []) == (stored, on_disk)
    assert ([file, other], [other]) == (sorted(found, key=[file, other].index), left)
    assert b"{}" != elsewhere.stdout
    assert before == len(os.listdir("/proc/self/fd"))


def test_where_no_file_lives_in_memory_it_is_for_its_owner_alone(tmp_path, monkeypatch):
    monkeypatch.delattr(os, "memfd_create")
    file = uploads.save(tmp_path, "chat.json", b"{}")
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (file, file.parent)]
    found = uploads.waiting(tmp_path)
    drop_upload(file)

    assert ([0o600, 0o700], [file], []) == (modes, found, uploads.waiting(tmp_path))


def test_no_more_is_held_than_memory_is_meant_for_it(tmp_path, monkeypatch):
    monkeypatch.setattr(uploads, "MOST_HELD", 10)
    uploads.save(tmp_path, "first.json", b"123456")
    with pytest.raises(uploads.TooManyWait, match=r"second\.json is not taken"):
        uploads.save(tmp_path, "second.json", b"123456")


def test_the_formats_that_the_page_names_are_those_that_are_read():
    assert {*FORMATS, FORMAT} == set(IMPORT_FORMATS)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\chats\\mine.json", "mine.json"),
        ("..", "file"),
        ("", "file"),
        ("a\0b\nc.json", "abc.json"),
        ("x" * 200 + "." * 116 + "json", "json"),
        ("é" * 1_000_000 + ".json", "é" * 57 + ".json"),  # cut at once
        ("\u202egnp.exe\u2066\ud800.json", "gnp.exe.json"),
    ],
)
def test_a_name_leads_nowhere_else(tmp_path, sent, kept):
    file = uploads.save(tmp_path, sent, b"")

    assert (kept, tmp_path / uploads.FOLDER) == (file.name, file.parent.parent)


def test_what_was_left_lying_is_swept_and_what_is_new_stays(tmp_path):
    old, new = uploads.save(tmp_path, "old", b""), uploads.save(tmp_path, "new", b"")
    os.utime(old, (0, 0), follow_symlinks=False)
    uploads.waiting(tmp_path)
    later = (old.exists(), new.exists())
    sweep_uploads(tmp_path, older_s=0.0)

    assert ((False, True), False) == (later, new.exists())


def test_a_home_that_can_not_be_written_is_told(tmp_path):
    (tmp_path / uploads.FOLDER).write_text("in the way")

    with pytest.raises(HomeNotUsable, match="the file can't be kept"):
        uploads.save(tmp_path, "chat.json", b"")


LARGE = """
import asyncio, io, sys
from pathlib import Path
from daemon.web.app import WebApp
from nicegui.elements.upload_files import create_file_upload
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartParser

WebApp("http://127.0.0.1:1", "key", home=Path(sys.argv[1]))
left = []
sys.addaudithook(lambda event, about: left.append(about[0]) if event.startswith("tempfile.") else None)
head = b'--x\\r\\nContent-Disposition: form-data; name="f"; filename="f"\\r\\n\\r\\n'

async def sent():
    yield head + b"a" * 3_000_000 + b"\\r\\n--x--\\r\\n"

async def read():
    headers = Headers({"content-type": "multipart/form-data; boundary=x"})
    form = await MultiPartParser(headers, sent()).parse()
    return (await create_file_upload(form["f"])).size()

print(asyncio.run(read()), left)
"""


def test_a_large_file_is_not_written_anywhere_else_on_its_way(tmp_path):
    program = [sys.executable, "-c", LARGE, str(tmp_path)]
    ran = subprocess.run(program, capture_output=True, text=True, check=False, timeout=60)

    assert ("3000000 []", "") == (ran.stdout.strip(), ran.stderr)
