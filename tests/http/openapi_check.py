"""Holds jwtauthd to its own description: openapi_check.py document|routes|refusals|fields FILE [PORT [TOKEN]]."""
import http.client
import json
import sys

import jsonschema

METHODS = ("get", "post", "put", "patch", "delete")


def load(path):
    with open(path, encoding="utf-8") as f:
        return json.load(f)


def operations(doc):
    for path, item in doc["paths"].items():
        for method in METHODS:
            if method in item:
                yield method.upper(), path, item[method]


def document(doc):
    assert doc["openapi"].startswith("3.1"), doc["openapi"]
    assert doc["info"]["title"] and doc["info"]["version"] and doc["servers"][0]["url"]
    for method, path, op in operations(doc):
        where = f"{method} {path}"
        assert op["summary"].endswith("."), where
        named = {p["name"] for p in op["parameters"] if p["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}, where
        assert any(status.startswith("2") for status in op["responses"]), where
        assert "default" in op["responses"], where
        for answer in list(op["responses"].values()) + [op.get("requestBody", {})]:
            for media in answer.get("content", {}).values():
                jsonschema.Draft202012Validator.check_schema(media["schema"])
    for schema in doc["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
    assert doc["components"]["securitySchemes"]["bearerAuth"]["scheme"] == "bearer"


def schema_of(doc, answer):
    content = answer.get("content")
    if not content:
        return None
    return {"components": doc["components"], **content["application/json"]["schema"]}


def check(doc, op, where, status, body):
    answer = op["responses"].get(str(status), op["responses"]["default"])
    schema = schema_of(doc, answer)
    if schema and body:
        try:
            jsonschema.Draft202012Validator(schema).validate(json.loads(body))
        except (jsonschema.ValidationError, ValueError) as e:
            raise SystemExit(f"{where}: {status} {body!r}: {e}")


def ask(port, method, path, body=None, headers=()):
    c = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    c.request(method, path, body=body, headers=dict(headers))
    r = c.getresponse()
    data = r.read()
    c.close()
    return r, data


def refusals(doc, port, token):
    """Each route: without and with a wrong credential, with a body that is none, with another method."""
    n = 0
    for method, path, op in operations(doc):
        where = f"{method} {path}"
        real = path
        for part in path.split("/"):
            if part.startswith("{"):
                real = real.replace(part, "no-such-thing")
        form = "application/x-www-form-urlencoded" in op.get("requestBody", {}).get("content", {})
        kind = "application/x-www-form-urlencoded" if form else "application/json"
        bearer = {"Authorization": f"Bearer {token}"}
        wrong = {"Authorization": "Bearer x.y.z"}
        typed = {"Content-Type": kind}
        tries = [({}, None), (wrong, None), (bearer, None), ({**bearer, **typed}, "{" if not form else "%00=%ff"),
                 ({**bearer, "Content-Type": "text/plain"}, "x"), ({**wrong, **typed}, "{}" if not form else "token=x")]
        for headers, body in tries:
            if path in ("/api/v1/auth/logout", "/api/v1/auth/sessions") and headers.get("Authorization") == bearer["Authorization"] and not body:
                continue
            r, data = ask(port, method, real, body, headers)
            assert r.status < 500 or r.status == 503, (where, r.status, data)
            if r.status == 401:
                assert r.headers["WWW-Authenticate"].startswith("Bearer"), where
                assert op.get("security") or "auth" in path, where
            if op.get("security") and headers in ({}, wrong) and not body and "/auth/" not in path:
                assert r.status in (400, 401, 403), (where, r.status, data)
            check(doc, op, where, r.status, data)
            n += 1
        other = next(m for m in METHODS if m not in doc["paths"][path])
        r, data = ask(port, other.upper(), real)
        assert r.status == 405 and method in r.headers["Allow"], (where, r.status)
        jsonschema.Draft202012Validator(doc["components"]["schemas"]["Error"]).validate(json.loads(data))
    print(n, "answers")


RIGHT = {"string": "x", "integer": 1, "boolean": True, "array": ["x"]}
VALUES = {"null": None, "string": "x", "integer": 1, "number": 1.5, "boolean": True, "array": ["x"], "object": {}}
NOT_OBJECTS = [b"[]", b"null", b"1", b'"x"', b"{", b"{}x", b"{} {}", b"{\"a\":\"\xff\"}", b"\x00", b"[" * 200 + b"]" * 200,
               b'{"a":' * 100 + b"1" + b"}" * 100]
JSON, FORM = "application/json", "application/x-www-form-urlencoded"


def real(path):
    return "/".join("no-such-thing" if part.startswith("{") else part for part in path.split("/"))


def json_refusals(schema):
    """What is wrong with a body, the body, the code that says so, and the field that it names."""
    fields = schema["properties"]
    full = {name: RIGHT[f["type"]] for name, f in fields.items()}
    yield "an unknown field", {**full, "surprise": 1}, "unknown_field", "surprise"
    for text in NOT_OBJECTS:
        yield f"no object {text[:20]}", text, "malformed_json", None
    for name, f in fields.items():
        for kind, value in VALUES.items():
            if kind != f["type"]:
                yield f"{name} as {kind}", {**full, name: value}, "invalid_type", name
        if f["type"] == "string":
            yield f"{name} too long", {**full, name: "x" * (f["maxLength"] + 1)}, "field_too_long", name
        if f["type"] == "array":
            yield f"{name} of numbers", {**full, name: ["x", 1]}, "invalid_type", name
        twice = json.dumps(full)[:-1] + f", {json.dumps(name)}: {json.dumps(full[name])}}}"
        yield f"{name} twice", twice.encode(), "malformed_json", None
    for name in schema["required"]:
        yield f"without {name}", {k: v for k, v in full.items() if k != name}, "missing_field", name


def form_refusals(schema):
    fields = schema["properties"]
    full = "&".join(f"{name}=x" for name in fields)
    yield "an unknown field", full + "&surprise=1", "invalid_request", None
    yield "a field without value", full + "&x", "invalid_request", None
    yield "NUL", "\0", "invalid_request", None
    for name, f in fields.items():
        others = "&".join(f"{n}=x" for n in fields if n != name)
        yield f"{name} twice", full + f"&{name}=x", "invalid_request", None
        yield f"{name} too long", others + f"&{name}=" + "x" * (f["maxLength"] + 1), "invalid_request", None
        yield f"{name} with NUL", others + f"&{name}=%00", "invalid_request", None
    for name in schema["required"]:
        yield f"without {name}", "&".join(f"{n}=x" for n in fields if n != name), "invalid_request", None


def query_refusals(op):
    arguments = [p for p in op["parameters"] if p["in"] == "query"]
    for text in ("surprise=1", "surprise", "=", "%00=1", "&&x=1"):
        yield f"?{text}", text, "unknown_field"
    for a in arguments:
        name = a["name"]
        yield f"?{name} without value", name, "unknown_field"
        yield f"?{name} twice", f"{name}=1&{name}=1", "duplicate_field"
        yield f"?{name} too long", f"{name}=" + "x" * (a["schema"]["maxLength"] + 1), "invalid_type"
        for text in ("%00", "%ff", "a%00b", "%c3%28"):
            yield f"?{name}={text}", f"{name}={text}", "invalid_type"


def fields(doc, port):
    """Every route with whatever its table of fields does not allow. All of it comes from the description: a new route is
    here by itself. Nothing of it needs a credential: it is refused before anybody is looked up."""
    plain = doc["components"]["schemas"]["OAuthError"]
    enveloped = doc["components"]["schemas"]["Error"]
    n = 0

    def wants(where, op, answer, status, code, field):
        r, data = answer
        got = json.loads(data)
        is_plain = op["responses"]["default"]["content"][JSON]["schema"]["$ref"].endswith("/OAuthError")
        jsonschema.Draft202012Validator(plain if is_plain else enveloped).validate(got)
        found = got["error"] if is_plain else got["error"]["code"]
        assert (r.status, found) == (status, code), f"{where}: {r.status} {data!r} instead of {status} {code}"
        assert r.headers["Content-Type"].startswith(JSON), where
        if field and not is_plain:
            assert got["error"]["details"] == [field], f"{where}: {data!r} does not name {field}"

    for method, path, op in operations(doc):
        where, url, before = f"{method} {path}", real(path), n
        content = op.get("requestBody", {}).get("content", {})
        kind = next(iter(content), JSON)
        typed = {"Content-Type": kind}
        if not content:
            tries = [("a body", b"{}", "unknown_field", None), ("a body of nothing", b" ", "unknown_field", None)]
        else:
            tries = (form_refusals if kind == FORM else json_refusals)(content[kind]["schema"])
        is_plain = op["responses"]["default"]["content"][JSON]["schema"]["$ref"].endswith("/OAuthError")
        for what, body, code, field in tries:
            body = json.dumps(body) if isinstance(body, dict) else body
            # RFC 6749 has one name for all of these
            code = "invalid_request" if is_plain and kind == FORM else code
            wants(f"{where}: {what}", op, ask(port, method, url, body, typed), 400, code, field)
            n += 1
        for what, query, code in query_refusals(op):
            code = "invalid_request" if kind == FORM else code
            wants(f"{where}: {what}", op, ask(port, method, url + "?" + query, b"{}" if content and kind == JSON else None,
                                              typed), 400, code, None)
            n += 1
        wants(f"{where}: too large", op, ask(port, method, url, b" " * 65537, typed), 413, "body_too_large", None)
        for other in ("text/plain", "application/xml", FORM if kind == JSON else JSON):
            wants(f"{where}: {other}", op, ask(port, method, url, b"x", {"Content-Type": other}), 415,
                  "unsupported_media_type", None)
            n += 1
        assert n - before >= 10, f"{where}: hardly tried"
    print(n, "refusals")


what, doc = sys.argv[1], load(sys.argv[2])
if what == "document":
    document(doc)
elif what == "routes":
    for m, p, _ in operations(doc):
        print(m, p)
elif what == "fields":
    fields(doc, int(sys.argv[3]))
else:
    refusals(doc, int(sys.argv[3]), sys.argv[4])
