"""The OpenAPI contract against the service: whatever is sent, nothing breaks and nothing leaks."""

from __future__ import annotations

import schemathesis
from hypothesis import HealthCheck, given, settings

from perdure.api import cameras
from perdure.errors import SourceError
from perdure.video.live import redacted

from .conftest import PASSWORD

LEFT_OUT = "/live"
"""A stream without an end."""


def test_nothing_that_is_sent_breaks_the_service(service, monkeypatch):
    def unreachable(source):
        raise SourceError(f"camera 'test': cannot open {redacted(source)}")

    monkeypatch.setattr(cameras, "probe", unreachable)  # whatever address is made up: nobody is to be called
    operator = service.log_in("olga")
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", service.client.app)
    tried = []
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path.endswith(LEFT_OUT):
            continue

        @given(case=operation.as_strategy())
        @settings(max_examples=6, deadline=None, database=None, suppress_health_check=list(HealthCheck))
        def breaks_nothing(case):
            nonlocal operator
            service.context.searches.forgive("olga")
            for key in ("from testclient", "as olga"):
                service.context.logins.forgive(key)
            case.headers = {**(case.headers or {}), "X-CSRF-Token": operator.headers["X-CSRF-Token"]}
            case.cookies = {**(case.cookies or {}), "perdure_session": operator.cookies["perdure_session"]}
            answer = case.call(timeout=300)
            if case.path.endswith("/logout"):
                operator = service.log_in("olga")
            content = answer.content.decode(errors="replace")  # some answers are files
            said = f"{case.method} {case.path}: {answer.status_code} {content[:300]}"
            assert answer.status_code < 500, said
            assert PASSWORD not in content
            if answer.status_code >= 400:
                assert answer.headers["content-type"][0].startswith("application/problem+json"), said

        breaks_nothing()
        tried.append(operation.label)
    assert len(tried) >= 35
