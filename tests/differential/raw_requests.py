# SPDX-License-Identifier: Apache-2.0
"""Raw requests on the border of HTTP/1.1: every published trick to make two readers disagree (RFC 9112 §11), and the
systematic variations of what frames a message. Yields (name, bytes)."""

SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\nX: "  # the next request's line would become a field's value
CHUNKED_HELLO = b"5\r\nhello\r\n0\r\n\r\n"

LENGTHS = [b"5", b"05", b"0005", b"+5", b"-5", b"-0", b"0", b"5 ", b"\t5", b"5\t", b" 5 ", b"5,5", b"5, 5", b"5,6", b"6,5",
           b",5", b"5,", b",", b"", b"5 5", b"5;a", b"5.0", b"5e0", b"0x5", b"5a", b"a5", b'"5"', b"'5'", b"(5)", b"5\x0b",
           b"\x0b5", b"5\x00", b"\x005", b"5\xa0", b"\xa05", b"\xc2\xa05", b"5\r", b"\r5", b"5\n", b"\n5", b"5\r\n\t", b"\r\n 5",
           b"5\r\n ", b"4294967301", b"18446744073709551621", b"9223372036854775808", b"9223372036854775807",
           b"0" * 40 + b"5", b"\xef\xbc\x95", b"five", b"5\x7f", b"5\x01", b"1_0", b"5%20", b"5/1"]

CODINGS = [b"chunked", b"Chunked", b"CHUNKED", b" chunked", b"chunked ", b"\tchunked", b"chunked\t", b"  chunked", b"chunked,",
           b",chunked", b", chunked", b"chunked,,", b"chunked, chunked", b"chunked,identity", b"identity,chunked",
           b"identity, chunked", b"identity", b"gzip, chunked", b"chunked, gzip", b"gzip", b"xchunked", b"chunkedx", b"x chunked",
           b"chunked x", b"chunked;a=b", b"chunked;q=1", b"chunked; q=0", b'"chunked"', b"'chunked'", b"(chunked)", b"chu nked",
           b"chu\tnked", b"chunked\x00", b"\x00chunked", b"chunked\x0b", b"\x0bchunked", b"\x0cchunked", b"chunked\x0c",
           b"chunked\xa0", b"\xa0chunked", b"chunked\x7f", b"chunked\x01", b"\x01chunked", b"", b",", b"cow", b"chunk", b"chunke",
           b"\r\n chunked", b"\r\n\tchunked", b"chunked\r\n ", b"\xe2\x80\x8bchunked", b"chun\xc4\xb7ed", b"chunKed\xe2\x84\xaa",
           b"chunked\r", b"\rchunked", b"\nchunked", b"chunked\n", b"chunked, cow", b"cow, chunked", b"chunked : x",
           b"deflate,chunked", b"compress, chunked", b"trailers, chunked"]

# How a field may be spelled so that one reader knows its name and another does not.
SPELLINGS = [b"%s: ", b"%s:", b"%s:\t", b"%s :", b"%s\t:", b" %s: ", b"\t%s: ", b"%s\x00: ", b"%s\x0b: ", b"\x0b%s: ", b"\x00%s: ",
             b"%s\r: ", b"\r%s: ", b"%s\n : ", b"\n%s: ", b"%s\xa0: ", b"\xa0%s: ", b"%s\r\n : ", b"X: y\n%s: ", b"X: y\r%s: ",
             b"X: y\r\n\r%s: ", b"X:\r\n %s: ", b"X: y\x00%s: ", b"%s;: ", b"\"%s\": ", b"%s: \r\n ", b"%s:\x0b", b"%s: \x0c",
             b"%s:: ", b"X%s: ", b"%s-: ", b"-%s: ", b"\x7f%s: ", b"%s\x7f: ", b":%s: ", b"%s\xc2\x85: ", b"%s(: "]

SIZES = [b"5", b"05", b"000000005", b"0000000000000005", b"00000000000000000005", b"+5", b"-5", b"0x5", b"0X5", b"x5", b"5x", b"5g",
         b" 5", b"\t5", b"5 ", b"5\t", b"5  ", b"5 5", b"5,5", b"5;", b"5;a", b"5;a=b", b'5;a="b"', b'5;a="b;c"', b'5;a="\\""',
         b"5 ;a=b", b"5; a=b", b"5 ; a = b", b"5;a\x00", b"5;a\x01", b"5;a\x7f", b"5;a\x0b", b"5;a\r", b"5;a\n", b"5;a\rb", b"5;a\nb", b"5;\n",
         b"5;\r", b"5\x00", b"\x005", b"5\x0b", b"\x0b5", b"5\x0c", b"5\xa0", b"5\r", b"\r5", b"5\n", b"\n5", b"", b"5.", b"5.0", b"5h",
         b'"5"', b"'5'", b"(5)", b"5_", b"_5", b"0_5", b"5\\", b"5e0", b"ffffffffffffffff5", b"10000000000000005",
         b"100000005", b"fffffffffffffffb", b"80000000000000005", b"\xef\xbc\x95", b"5;" + b"a" * 20000, b"5" + b" " * 20000,
         b"0" * 20000 + b"5", b"5;" + b";" * 300]

ENDS = [b"\n", b"\r", b"\r\r\n", b"\n\r", b"\r\n\n", b"\n\n", b"\r\n\r", b" \r\n", b"\t\r\n", b"\x00\r\n", b"\r\x00\n", b"\x0b\r\n",
        b"\r \n", b"\x85", b"\xe2\x80\xa8", b"", b"\\r\\n", b"\x0c\r\n"]

TARGETS = [b"/", b"*", b"//", b"/a?b", b"?", b"/a#b", b"/%00", b"/%0d%0a", b"/\x00", b"/\x01", b"/\x7f", b"/\x80", b"/\xff", b"/a b", b"/a\tb",
           b"a", b"h:80", b"http://h/", b"http://other/", b"HTTP://h/", b"http://h", b"http://h?x", b"http://", b"http:///a",
           b"http://u@h/", b"http://h:80/", b"http://h:/", b"http://h:x/", b"http://h:99999/", b"https://h/", b"ftp://h/",
           b"http:/h/", b"http:h", b"//h/a", b"/../a", b"/./a", b"/a/../../b", b"http://h/\r", b"http://[::1]/", b"http://[::1",
           b"http://h\\@other/", b"http://h%00/", b"http://h other/", b"/" + b"a" * 9000, b"\\a", b"/\\a", b"/;a", b"/a%", b"/a%2", b"/a%zz"]

HOSTS = [b"h", b"H", b"h:80", b"h:", b"h:x", b"h:-1", b"h:99999", b"", b" h", b"h ", b"\th", b"h h", b"h\tx", b"h,h", b"h, other", b"u@h",
         b"h/a", b"h?a", b"h#a", b"[::1]", b"[::1", b"::1", b"h\x00", b"h\x01", b"h\x7f", b"h\x80", b"\xc3\xa9", b"h%00", b"h%41", b"h_x",
         b"h..x", b".h", b"-h", b"h\\x", b"*", b"127.0.0.1", b"http://h/", b"h;x", b'"h"', b"h\r", b"h\n", b"h\r\n x", b"a" * 300, b"h:80:80",
         b"<h>", b"{h}", b"h|x", b"h^x", b"h`x", b"(h)", b"h=x", b"h&x", b"h+x", b"~h", b"!h", b"$h", b"'h'"]

CONNECTIONS = [b"close", b"keep-alive", b"close, keep-alive", b"content-length", b"Content-Length, close", b"transfer-encoding",
               b"close, Transfer-Encoding", b"host", b"Host, close", b"te", b"upgrade", b"x-a", b"x-a, x-b", b",", b",,close", b"close;x",
               b'"close"', b"close close", b"clo\x00se", b"expect", b"cookie", b"authorization", b"via", b"x-forwarded-for", b"date",
               b"connection", b"trailer", b"http2-settings, upgrade", b"a" * 5000, b"a," * 300, b"\x00", b"close\r", b"max-forwards"]

VERSIONS = [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/1.2", b"HTTP/1.9", b"HTTP/1.10", b"HTTP/01.1", b"HTTP/1.01", b"HTTP/1", b"HTTP/1.", b"HTTP/.1",
            b"HTTP/2.0", b"HTTP/2", b"HTTP/3.0", b"HTTP/0.9", b"HTTP/9.9", b"http/1.1", b"Http/1.1", b"HTTP/1,1", b"HTTP 1.1", b"HTTP/ 1.1",
            b"HTTP /1.1", b"HTTP/1.1 ", b" HTTP/1.1", b"HTTP/1.1\t", b"\tHTTP/1.1", b"HTTP/1.1x", b"HTTP/1.1 x", b"xHTTP/1.1", b"HTTP/-1.1",
            b"HTTP/+1.1", b"HTTP/1.+1", b"HTTP/1.1\x00", b"HTTP/1.\xb1", b"HTTP\\1.1", b"", b"ICAP/1.0", b"RTSP/1.0", b"SIP/2.0", b"HTTPS/1.1"]

METHODS = [b"GET", b"get", b"Get", b"HEAD", b"POST", b"PUT", b"DELETE", b"PATCH", b"OPTIONS", b"TRACE", b"CONNECT", b"PRI", b"X", b"G ET",
           b"G\tET", b"GET\x00", b"\x00GET", b" GET", b"\tGET", b"GET ", b"GET\t", b"GET:", b"G@T", b"G(T", b"G/T", b'"GET"', b"", b"\xc7ET",
           b"GET\xa0", b"GET\x0b", b"GET\r", b"\rGET", b"\nGET", b"\r\nGET", b"\r\n\r\nGET", b"\n\nGET", b"\r\n\r\n\r\nGET", b" \r\nGET",
           b"A" * 100, b"PROPFIND", b"M-SEARCH", b"\xef\xbb\xbfGET", b"{GET}", b"GET,", b"0", b"-", b"~", b"SSTP_DUPLEX_POST"]

TRAILERS = [b"", b"A: b\r\n", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: other\r\n", b"Connection: close\r\n",
            b"Trailer: x\r\n", b"A\r\n", b"A : b\r\n", b" A: b\r\n", b"A: b\r\n c\r\n", b"A: b\n", b"A: b\r", b"\nA: b\r\n", b": x\r\n", b"A: \x00\r\n",
            b"A: \x01\r\n", b"\x00: b\r\n", b"Upgrade: h2c\r\n", b"TE: x\r\n", b"Expect: 100-continue\r\n", b"Keep-Alive: x\r\n",
            b"Content-Length : 5\r\n", b"X" * 9000 + b": y\r\n", b"A: b\r\n" * 120, b"GET / HTTP/1.1\r\n", b"Authorization: x\r\n",
            b"X-Forwarded-For: 6.6.6.6\r\n", b"Proxy-Connection: x\r\n", b"Cookie: a=b\r\n"]


def get(fields=b"", target=b"/", method=b"GET", version=b"HTTP/1.1", host=b"Host: h\r\n"):
    return method + b" " + target + b" " + version + b"\r\n" + host + fields + b"\r\n"


def post(fields, body=b"", version=b"HTTP/1.1"):
    return get(fields, method=b"POST", version=version) + body


def chunked(body, fields=b""):
    return post(b"Transfer-Encoding: chunked\r\n" + fields, body)


def named(group, values, make):
    for value in values:
        text = repr(value)[1:]
        yield f"{group} {text if len(text) < 60 else text[:40] + '… ' + str(len(value)) + ' bytes'}", make(value)


def lengths_and_codings():
    te = b"Transfer-Encoding: "
    yield from named("Content-Length", LENGTHS, lambda v: post(b"Content-Length:" + v + b"\r\n", b"hello"))
    yield from named("Content-Length after another", LENGTHS,
                     lambda v: post(b"Content-Length: 5\r\nContent-Length: " + v + b"\r\n", b"hello"))
    yield from named("Content-Length before another", LENGTHS,
                     lambda v: post(b"Content-Length: " + v + b"\r\nContent-Length: 5\r\n", b"hello"))
    yield from named("Content-Length beside chunked", LENGTHS,
                     lambda v: post(b"Content-Length: " + v + b"\r\n" + te + b"chunked\r\n", CHUNKED_HELLO))
    yield from named("Content-Length on GET", LENGTHS, lambda v: get(b"Content-Length: " + v + b"\r\n") + b"hello")
    yield from named("Transfer-Encoding", CODINGS, lambda v: post(te + v + b"\r\n", CHUNKED_HELLO))
    yield from named("Transfer-Encoding in HTTP/1.0", CODINGS,
                     lambda v: post(te + v + b"\r\nConnection: keep-alive\r\n", CHUNKED_HELLO, b"HTTP/1.0"))
    yield from named("Transfer-Encoding after chunked", CODINGS,
                     lambda v: post(te + b"chunked\r\n" + te + v + b"\r\n", CHUNKED_HELLO))
    yield from named("Transfer-Encoding before chunked", CODINGS,
                     lambda v: post(te + v + b"\r\n" + te + b"chunked\r\n", CHUNKED_HELLO))
    yield from named("TE.CL", CODINGS, lambda v: post(
        te + v + b"\r\nContent-Length: 4\r\n", b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n"))
    yield from named("CL.TE", CODINGS, lambda v: post(
        b"Content-Length: %d\r\n" % (5 + len(SMUGGLED)) + te + v + b"\r\n", b"0\r\n\r\n" + SMUGGLED))


def spellings():
    for spelling in SPELLINGS:
        te, cl, host = (spelling % name for name in (b"Transfer-Encoding", b"Content-Length", b"Host"))
        yield from named("spelled TE", [te], lambda v: post(v + b"chunked\r\n", CHUNKED_HELLO))
        yield from named("spelled TE beside a length", [te], lambda v: post(
            b"Content-Length: %d\r\n" % (5 + len(SMUGGLED)) + v + b"chunked\r\n", b"0\r\n\r\n" + SMUGGLED))
        yield from named("a length before spelled TE, short", [te], lambda v: post(
            b"Content-Length: 4\r\n" + v + b"chunked\r\n", b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n"))
        yield from named("spelled TE beside TE: cow", [te], lambda v: post(
            b"Transfer-Encoding: cow\r\n" + v + b"chunked\r\n", CHUNKED_HELLO))
        yield from named("spelled CL", [cl], lambda v: post(v + b"5\r\n", b"hello"))
        yield from named("spelled CL beside chunked", [cl], lambda v: post(
            b"Transfer-Encoding: chunked\r\n" + v + b"4\r\n", CHUNKED_HELLO))
        yield from named("spelled CL beside a length", [cl], lambda v: post(
            b"Content-Length: 0\r\n" + v + b"%d\r\n" % len(SMUGGLED), SMUGGLED))
        yield from named("spelled CL as the first field", [cl], lambda v: get(
            b"", method=b"POST", host=v + b"5\r\nHost: h\r\n") + b"hello")
        yield from named("spelled Host", [host], lambda v: get(host=v + b"h\r\n"))
        yield from named("spelled Host after Host", [host], lambda v: get(v + b"other\r\n"))
        yield from named("spelled Host before Host", [host], lambda v: get(host=v + b"other\r\nHost: h\r\n"))


def line_ends():
    for end in ENDS:
        yield from named("end of the request line", [end], lambda v: b"GET / HTTP/1.1" + v + b"Host: h\r\n\r\n")
        yield from named("end of a field", [end], lambda v: b"GET / HTTP/1.1\r\nHost: h" + v + b"A: b\r\n\r\n")
        yield from named("end of the last field", [end], lambda v: b"GET / HTTP/1.1\r\nHost: h\r\nA: b" + v + b"\r\n")
        yield from named("end of the head", [end], lambda v: b"GET / HTTP/1.1\r\nHost: h\r\nA: b\r\n" + v)
        yield from named("end of a chunk size", [end], lambda v: chunked(b"5" + v + b"hello\r\n0\r\n\r\n"))
        yield from named("end of an extension", [end], lambda v: chunked(b"5;a" + v + b"hello\r\n0\r\n\r\n"))
        yield from named("end of a chunk", [end], lambda v: chunked(b"5\r\nhello" + v + b"0\r\n\r\n"))
        yield from named("end of the last size", [end], lambda v: chunked(b"5\r\nhello\r\n0" + v + b"\r\n"))
        yield from named("end of the body", [end], lambda v: chunked(b"5\r\nhello\r\n0\r\n" + v))
        yield from named("end of a trailer", [end], lambda v: chunked(b"5\r\nhello\r\n0\r\nA: b" + v + b"\r\n"))
        yield from named("everywhere", [end], lambda v: b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n".replace(
            b"\r\n", v) + b"hello")


def heads():
    yield from named("target", TARGETS, lambda v: get(target=v))
    yield from named("target of OPTIONS", TARGETS, lambda v: get(target=v, method=b"OPTIONS"))
    yield from named("target, HTTP/1.0 without Host", TARGETS, lambda v: get(target=v, version=b"HTTP/1.0", host=b""))
    yield from named("Host", HOSTS, lambda v: get(host=b"Host: " + v + b"\r\n"))
    yield from named("Host in HTTP/1.0", HOSTS, lambda v: get(host=b"Host: " + v + b"\r\n", version=b"HTTP/1.0"))
    yield from named("Host beside an absolute target", HOSTS, lambda v: get(host=b"Host: " + v + b"\r\n", target=b"http://t/a"))
    yield from named("Host after Host", HOSTS, lambda v: get(host=b"Host: h\r\nHost: " + v + b"\r\n"))
    yield from named("authority", HOSTS, lambda v: get(target=b"http://" + v + b"/a"))
    yield from named("Connection", CONNECTIONS, lambda v: post(
        b"Connection: " + v + b"\r\nContent-Length: 5\r\nX-A: b\r\n", b"hello"))
    yield from named("Connection, chunked", CONNECTIONS, lambda v: chunked(CHUNKED_HELLO, b"Connection: " + v + b"\r\n"))
    yield from named("Proxy-Connection", CONNECTIONS, lambda v: get(b"Proxy-Connection: " + v + b"\r\n"))
    yield from named("version", VERSIONS, lambda v: get(version=v))
    yield from named("version, with a length", VERSIONS, lambda v: post(b"Content-Length: 5\r\n", b"hello", v))
    yield from named("version, chunked", VERSIONS, lambda v: post(b"Transfer-Encoding: chunked\r\n", CHUNKED_HELLO, v))
    yield from named("method", METHODS, lambda v: get(method=v))
    yield from named("method with a length", METHODS, lambda v: get(b"Content-Length: 5\r\n", method=v) + b"hello")
    yield from named("method, chunked", METHODS, lambda v: get(b"Transfer-Encoding: chunked\r\n", method=v) + CHUNKED_HELLO)
    yield from named("method with a request as its body", METHODS,
                     lambda v: get(b"Content-Length: %d\r\n" % len(get(target=b"/inner")), method=v) + get(target=b"/inner"))
    for value in (b"100-continue", b"100-Continue", b"100-continue, x", b"x", b"", b"100-continue\r\nExpect: 100-continue", b"\x00"):
        yield from named("Expect", [value], lambda v: post(b"Expect: " + v + b"\r\nContent-Length: 5\r\n", b"hello"))
        yield from named("Expect on GET", [value], lambda v: get(b"Expect: " + v + b"\r\n"))
    for value in (b"h2c", b"websocket", b"TLS/1.0", b"HTTP/1.0", b"\x00", b"h2c, websocket"):
        yield from named("Upgrade", [value], lambda v: get(b"Connection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
                                                           b"Upgrade: " + v + b"\r\n"))
    yield "HTTP/0.9", b"GET /\r\n"
    yield "HTTP/0.9 with fields", b"GET /\r\nHost: h\r\n\r\n"
    yield "no target", b"GET HTTP/1.1\r\nHost: h\r\n\r\n"
    yield "the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    yield "TLS", b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03\r\n\r\n"
    yield "the PROXY protocol", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + get()
    yield "Host last of a hundred", get(b"A: b\r\n" * 99, host=b"") [:-2] + b"Host: h\r\n\r\n"
    yield "101 fields", get(b"A: b\r\n" * 100)
    yield "33 KiB of head", get(b"A: " + b"b" * 33000 + b"\r\n")


def bodies():
    yield from named("chunk size", SIZES, lambda v: chunked(v + b"\r\nhello\r\n0\r\n\r\n"))
    yield from named("last chunk's size", [v.replace(b"5", b"0") for v in SIZES], lambda v: chunked(b"5\r\nhello\r\n" + v + b"\r\n\r\n"))
    yield from named("trailer", TRAILERS, lambda v: chunked(b"5\r\nhello\r\n0\r\n" + v + b"\r\n"))
    yield from named("announced trailer", TRAILERS, lambda v: chunked(b"5\r\nhello\r\n0\r\n" + v + b"\r\n", b"Trailer: A\r\nTE: trailers\r\n"))
    yield "a chunk longer than its size", chunked(b"5\r\nhello!\r\n0\r\n\r\n")
    yield "a chunk shorter than its size", chunked(b"6\r\nhello\r\n0\r\n\r\n")
    yield "a chunk with a request behind its size", chunked(b"5\r\nhello" + SMUGGLED + b"\r\n0\r\n\r\n")
    yield "no last chunk", chunked(b"5\r\nhello\r\n")
    yield "two last chunks", chunked(b"5\r\nhello\r\n0\r\n\r\n0\r\n\r\n")
    yield "CL.0", post(b"Content-Length: %d\r\n" % len(SMUGGLED), SMUGGLED)
    yield "0.CL", post(b"Content-Length: 0\r\n", SMUGGLED)
    yield "a body without a length", post(b"", SMUGGLED)
    yield "a body without a length, closing", post(b"Connection: close\r\n", SMUGGLED)
    yield "a body on GET without a length", get() + SMUGGLED
    yield "CL.0 on GET", get(b"Content-Length: %d\r\n" % len(SMUGGLED)) + SMUGGLED
    yield "a body behind an Upgrade", get(b"Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\n") + SMUGGLED
    yield "a body behind Expect", post(b"Expect: 100-continue\r\nContent-Length: %d\r\n" % len(SMUGGLED), SMUGGLED)
    yield "a body behind a wrong Expect", post(b"Expect: y 100-continue\r\nContent-Length: %d\r\n" % len(SMUGGLED), SMUGGLED)
    yield "pipelined", get(target=b"/1") + post(b"Content-Length: 5\r\n", b"hello") + chunked(CHUNKED_HELLO) + get(target=b"/4")
    yield "pipelined with empty lines", get(target=b"/1") + b"\r\n" + get(target=b"/2") + b"\r\n" + get(target=b"/3")
    yield "pipelined behind two empty lines", get(target=b"/1") + b"\r\n\r\n" + get(target=b"/2")
    yield "pipelined behind a bare LF", get(target=b"/1") + b"\n" + get(target=b"/2")
    yield "pipelined behind close", get(b"Connection: close\r\n") + get(target=b"/2")
    yield "pipelined behind HTTP/1.0", get(version=b"HTTP/1.0") + get(target=b"/2")
    yield "pipelined, HTTP/1.0 kept alive", get(b"Connection: keep-alive\r\n", version=b"HTTP/1.0") + get(target=b"/2")
    yield "pipelined HEAD", get(method=b"HEAD") + get(method=b"HEAD") + get(target=b"/2")
    yield "an unfinished head in the middle", b"GET / HTTP/1.1\r\nHost: h\r\nX: " + get(target=b"/2")


def single_bytes():
    """Each byte at each place where a reader may stumble over it."""
    places = [
        ("a field's value", lambda b: get(b"A: x" + b + b"y\r\n")),
        ("the end of a value", lambda b: get(b"A: x" + b + b"\r\n")),
        ("the start of a value", lambda b: get(b"A:" + b + b"x\r\n")),
        ("a field's name", lambda b: get(b"A" + b + b"B: x\r\n")),
        ("the end of a name", lambda b: get(b"A" + b + b": x\r\n")),
        ("the start of a name", lambda b: get(b + b"A: x\r\n")),
        ("the target", lambda b: get(target=b"/a" + b + b"b")),
        ("the start of the target", lambda b: get(target=b + b"/a")),
        ("the method", lambda b: get(method=b"A" + b + b"B")),
        ("before the method", lambda b: get(method=b + b"GET")),
        ("between the method and the target", lambda b: b"GET" + b + b"/ HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("before the version", lambda b: b"GET /" + b + b"HTTP/1.1\r\nHost: h\r\n\r\n"),
        ("behind the version", lambda b: get(version=b"HTTP/1.1" + b)),
        ("Host", lambda b: get(host=b"Host: a" + b + b"b\r\n")),
        ("the authority", lambda b: get(target=b"http://a" + b + b"b/")),
        ("behind a length", lambda b: post(b"Content-Length: 5" + b + b"\r\n", b"hello")),
        ("before a length", lambda b: post(b"Content-Length:" + b + b"5\r\n", b"hello")),
        ("behind chunked", lambda b: post(b"Transfer-Encoding: chunked" + b + b"\r\n", CHUNKED_HELLO)),
        ("before chunked", lambda b: post(b"Transfer-Encoding:" + b + b"chunked\r\n", CHUNKED_HELLO)),
        ("behind a chunk size", lambda b: chunked(b"5" + b + b"\r\nhello\r\n0\r\n\r\n")),
        ("before a chunk size", lambda b: chunked(b + b"5\r\nhello\r\n0\r\n\r\n")),
        ("behind a chunk", lambda b: chunked(b"5\r\nhello" + b + b"\r\n0\r\n\r\n")),
        ("a chunk extension", lambda b: chunked(b"5;a" + b + b"\r\nhello\r\n0\r\n\r\n")),
        ("behind the last size", lambda b: chunked(b"5\r\nhello\r\n0" + b + b"\r\n\r\n")),
        ("a trailer", lambda b: chunked(b"5\r\nhello\r\n0\r\nA: x" + b + b"y\r\n\r\n")),
    ]
    interesting = [*range(0x00, 0x21), *b'"#%,/:;=@[\\{|', 0x7f, 0x80, 0x85, 0xa0, 0xff]
    for place, make in places:
        for byte in interesting:
            yield f"byte 0x{byte:02x}: {place}", make(bytes([byte]))


def all_requests():
    for group in (lengths_and_codings, spellings, line_ends, heads, bodies, single_bytes):
        yield from group()
