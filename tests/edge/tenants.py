"""What a project is filled with for the checks: open collections, long files."""

import json
import os

from .clients import exchange

EVERYBODY = {rule: "" for rule in ("listRule", "viewRule", "createRule", "updateRule", "deleteRule")}


def multipart(values, files):
    """A body for a record with files, and its type."""
    line = b"a-line-that-no-file-has"
    parts = [(b'name="@jsonPayload"', json.dumps(values).encode())]
    parts += [(f'name="{field}"; filename="{name}"'.encode(), content) for field, name, content in files]
    body = b"".join(b"--" + line + b"\r\nContent-Disposition: form-data; " + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return body + b"--" + line + b"--\r\n", f"multipart/form-data; boundary={line.decode()}"


def open_collection(roost, host, name, *fields):
    """A collection that everybody may do everything with."""
    definition = {"name": name, "type": "base", "fields": list(fields), **EVERYBODY}
    answer = roost.ask("POST", "/api/collections", definition, host, roost.superuser(host))
    assert answer.status == 200, answer


def store_file(roost, host, size):
    """Stores a file of that many bytes; the path to fetch it from."""
    open_collection(roost, host, "files", {"name": "file", "type": "file", "maxSelect": 1, "maxSize": size + 1})
    body, kind = multipart({}, [("file", "a.bin", os.urandom(1 << 16) * (size >> 16))])
    with roost.connect(host, timeout=60) as connection:
        answer = exchange(connection, "POST", "/api/collections/files/records", body, {"Host": host, "Content-Type": kind})
    assert answer.status == 200, answer
    return f"/api/files/files/{answer.value['id']}/{answer.value['file']}"
