import socket
import threading
from types import SimpleNamespace

import pytest

from counterfoil import wiring
from counterfoil.cli import main
from mockserver.model import Settings
from mockserver.server import Server


@pytest.fixture
def counterfoil(monkeypatch, capsys, tmp_path):
    """Call the command line in this process: exit code, standard output, standard error."""

    monkeypatch.chdir(tmp_path)
    # Where the tests themselves run in a workflow, its summary is not ours.
    monkeypatch.delenv("GITHUB_ACTIONS", raising=False)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)

    def call(*words: object) -> SimpleNamespace:
        monkeypatch.setattr("sys.argv", ["counterfoil", *map(str, words)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code
        out, err = capsys.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


@pytest.fixture
def served():
    """Serve mocks on a socket: `served("genesis")` is the base URL."""
    running = []

    def serve(*apis: str, **options: object) -> str:
        options.setdefault("settings", Settings(reply_after=0.02))
        server = Server(wiring.mocks(apis, **options).app.wsgi_app)
        running.append(server.__enter__())
        return server.url

    yield serve
    for server in running:
        server.__exit__()


@pytest.fixture
def babbler():
    """A port that speaks something other than HTTP."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)

    def babble() -> None:
        while True:
            try:
                caller, _ = listener.accept()
            except OSError:
                return
            with caller:
                caller.recv(1000)
                caller.sendall(b"220 mail.example ESMTP\r\n")

    thread = threading.Thread(target=babble, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)
