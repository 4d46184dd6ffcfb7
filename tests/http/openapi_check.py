"""Holds jwtauthd to its own description: openapi_check.py document|routes|refusals FILE [PORT TOKEN]."""
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


what, doc = sys.argv[1], load(sys.argv[2])
if what == "document":
    document(doc)
elif what == "routes":
    for m, p, _ in operations(doc):
        print(m, p)
else:
    refusals(doc, int(sys.argv[3]), sys.argv[4])
