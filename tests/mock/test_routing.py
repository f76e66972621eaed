from werkzeug.routing import Rule

from mockserver.routing import routes


def test_a_route_is_found_and_its_url_is_written_when_it_is_asked_for(echo):
    found = routes("/echo", echo.operations).bind("mock.example")
    assert found.match("/echo/say/a", method="POST") == ("say", {"word": "a"})
    assert found.build("say", {"word": "a b", "more": "1"}) == "/echo/say/a%20b?more=1"


def test_nothing_that_writes_urls_is_compiled_for_a_mock(echo, monkeypatch):
    compiled = []
    whole = Rule._compile_builder
    monkeypatch.setattr(
        Rule, "_compile_builder", lambda rule, more: compiled.append(rule) or whole(rule, more)
    )
    found = routes("", echo.operations).bind("mock.example")
    assert compiled == []
    assert found.build("home") == "/"
    assert len(compiled) == 1
