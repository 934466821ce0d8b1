# SPDX-License-Identifier: Apache-2.0
"""Raw answers of an origin that is broken or malicious: response splitting, two lengths, early and surplus bytes, floods
of interim responses. Yields (name, bytes, whether the next
request is sent at once and not only when the answer is there)."""

from raw_requests import CHUNKED_HELLO, CODINGS, ENDS, LENGTHS, SIZES, SPELLINGS, TRAILERS, VERSIONS, named

EVIL = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"  # what the next request must not get
STATUSES = [b"200 OK", b"200", b"200 ", b"200  OK", b" 200 OK", b"200\tOK", b"20 OK", b"2000 OK", b"099 x", b"000 x", b"600 x", b"999 x", b"+200 OK",
            b"-200 OK", b"2x0 OK", b"200OK", b"200 O\x00K", b"200 O\x01K", b"200 O\rK", b"200 O\nK", b"200 \xff", b"0200 OK", b"204 x", b"304 x", b"206 x",
            b"205 x", b"101 x", b"100 x", b"199 x", b"103 x", b"", b"OK 200", b"200 OK\r\nX", b"\xb2\xb2\xb2 x"]
BODY = b"Content-Length: 5\r\n"


def answer(fields=BODY, body=b"hello", version=b"HTTP/1.1", status=b"200 OK"):
    return version + b" " + status + b"\r\n" + fields + b"\r\n" + body


def chunked(body, fields=b""):
    return answer(b"Transfer-Encoding: chunked\r\n" + fields, body)


def framing():
    te = b"Transfer-Encoding: "
    yield from named("length", LENGTHS, lambda v: answer(b"Content-Length: " + v + b"\r\n"))
    yield from named("length after another", LENGTHS, lambda v: answer(BODY + b"Content-Length: " + v + b"\r\n"))
    yield from named("length beside chunked", LENGTHS,
                     lambda v: answer(b"Content-Length: " + v + b"\r\n" + te + b"chunked\r\n", CHUNKED_HELLO))
    yield from named("coding", CODINGS, lambda v: answer(te + v + b"\r\n", CHUNKED_HELLO))
    yield from named("coding beside a length", CODINGS, lambda v: answer(te + v + b"\r\n" + BODY, CHUNKED_HELLO))
    yield from named("coding after chunked", CODINGS, lambda v: answer(te + b"chunked\r\n" + te + v + b"\r\n", CHUNKED_HELLO))
    for spelling in SPELLINGS:
        name_te, name_cl = (spelling % name for name in (b"Transfer-Encoding", b"Content-Length"))
        yield from named("spelled TE", [name_te], lambda v: answer(v + b"chunked\r\n", CHUNKED_HELLO))
        yield from named("spelled TE beside a length", [name_te], lambda v: answer(BODY + v + b"chunked\r\n", CHUNKED_HELLO))
        yield from named("spelled length", [name_cl], lambda v: answer(v + b"5\r\n"))
        yield from named("spelled length beside another", [name_cl], lambda v: answer(b"Content-Length: 1\r\n" + v + b"5\r\n"))


def heads():
    yield from named("status", STATUSES, lambda v: answer(status=v))
    yield from named("version", VERSIONS, lambda v: answer(version=v))
    yield from named("version, chunked", VERSIONS, lambda v: answer(te_fields(), CHUNKED_HELLO, version=v))
    for end in ENDS:
        yield from named("end of the status line", [end], lambda v: b"HTTP/1.1 200 OK" + v + BODY + b"\r\nhello")
        yield from named("end of a field", [end], lambda v: b"HTTP/1.1 200 OK\r\nA: b" + v + BODY + b"\r\nhello")
        yield from named("end of the head", [end], lambda v: b"HTTP/1.1 200 OK\r\n" + BODY + v + b"hello")
        yield from named("end of a chunk size", [end], lambda v: chunked(b"5" + v + b"hello\r\n0\r\n\r\n"))
        yield from named("end of a chunk", [end], lambda v: chunked(b"5\r\nhello" + v + b"0\r\n\r\n"))
        yield from named("end of the body", [end], lambda v: chunked(b"5\r\nhello\r\n0\r\n" + v))
    for byte in (*range(0x00, 0x21), 0x7f, 0x80, 0xff):
        one = bytes([byte])
        yield f"byte 0x{byte:02x}: a value", answer(BODY + b"A: x" + one + b"y\r\n")
        yield f"byte 0x{byte:02x}: a name", answer(BODY + b"A" + one + b"B: x\r\n")
        yield f"byte 0x{byte:02x}: the reason", answer(status=b"200 O" + one + b"K")
        yield f"byte 0x{byte:02x}: before the status line", one + answer()
    yield "HTTP/0.9", b"hello"
    yield "an empty line first", b"\r\n" + answer()
    yield "a head of 40 KiB", answer(BODY + b"A: " + b"b" * 40000 + b"\r\n")
    yield "200 fields", answer(BODY + b"A: b\r\n" * 200)
    yield "Connection names the length", answer(BODY + b"Connection: content-length\r\n")
    yield "Connection names the coding", chunked(CHUNKED_HELLO, b"Connection: transfer-encoding\r\n")
    yield "unasked 101", answer(b"Connection: upgrade\r\nUpgrade: websocket\r\n", b"raw", status=b"101 Switching Protocols")


def te_fields():
    return b"Transfer-Encoding: chunked\r\n"


def bodies():
    yield from named("chunk size", SIZES, lambda v: chunked(v + b"\r\nhello\r\n0\r\n\r\n"))
    yield from named("last chunk's size", [v.replace(b"5", b"0") for v in SIZES], lambda v: chunked(b"5\r\nhello\r\n" + v + b"\r\n\r\n"))
    yield from named("trailer", TRAILERS, lambda v: chunked(b"5\r\nhello\r\n0\r\n" + v + b"\r\n"))
    yield "a second answer", answer() + EVIL
    yield "a second answer in the same chunked body", chunked(CHUNKED_HELLO + EVIL)
    yield "a second answer behind 204", answer(b"", b"", status=b"204 x") + EVIL
    yield "a second answer behind 304", answer(BODY, b"", status=b"304 x") + EVIL
    yield "204 with a length and a body", answer(b"Content-Length: %d\r\n" % len(EVIL), EVIL, status=b"204 x")
    yield "304 with a body", answer(b"Content-Length: %d\r\n" % len(EVIL), EVIL, status=b"304 x")
    yield "204, chunked", answer(te_fields(), CHUNKED_HELLO + EVIL, status=b"204 x")
    yield "304, chunked", answer(te_fields(), CHUNKED_HELLO + EVIL, status=b"304 x")
    yield "205 with a body", answer(status=b"205 x") + EVIL
    yield "one byte too many", answer() + b"x"
    yield "one line too many", answer() + b"\r\n"
    yield "one byte too few", answer(body=b"hell")
    yield "no end", answer(te_fields(), b"5\r\nhello\r\n")
    yield "a length of zero with a body", answer(b"Content-Length: 0\r\n", EVIL)
    yield "interim, then final", answer(b"", b"", status=b"100 Continue") + answer()
    yield "interim with a length", answer(BODY, b"hello", status=b"103 x") + answer()
    yield "interim, chunked", answer(te_fields(), CHUNKED_HELLO, status=b"103 x") + answer()
    yield "interim behind the final", answer() + answer(b"", b"", status=b"100 Continue")
    yield "interim only", answer(b"Link: x\r\n", b"", status=b"103 Early Hints")
    yield "a flood of interim responses", answer(b"", b"", status=b"100 Continue") * 1000 + answer()
    yield "a flood of large interim responses", answer(b"Link: " + b"x" * 8000 + b"\r\n", b"", status=b"103 Early Hints") * 100 + answer()


def all_responses():
    for group in (framing, heads, bodies):
        for name, raw in group():
            yield name, raw, False
            yield name + ", pipelined", raw, True
