"""What a project is filled with for the checks: open collections, long files."""

import os

from .clients import exchange

EVERYBODY = {rule: "" for rule in ("listRule", "viewRule", "createRule", "updateRule", "deleteRule")}
LINE = "a-line-that-no-file-has"


def open_collection(roost, host, name, *fields):
    """A collection that everybody may do everything with."""
    definition = {"name": name, "type": "base", "fields": list(fields), **EVERYBODY}
    answer = roost.ask("POST", "/api/collections", definition, host, roost.superuser(host))
    assert answer.status == 200, answer


def store_file(roost, host, size):
    """Stores a file of that many bytes; the path to fetch it from."""
    open_collection(roost, host, "files", {"name": "file", "type": "file", "maxSelect": 1, "maxSize": size + 1})
    head = f'--{LINE}\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'.encode()
    body = head + os.urandom(1 << 16) * (size >> 16) + f"\r\n--{LINE}--\r\n".encode()
    kind = {"Host": host, "Content-Type": f"multipart/form-data; boundary={LINE}"}
    with roost.connect(host, timeout=60) as connection:
        answer = exchange(connection, "POST", "/api/collections/files/records", body, kind)
    assert answer.status == 200, answer
    return f"/api/files/files/{answer.value['id']}/{answer.value['file']}"
