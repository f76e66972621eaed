import json
import subprocess
import sys
from pathlib import Path

import pytest

from contracts.runner import PROFILES
from counterfoil import configuration
from counterfoil.cli import serve
from counterfoil.configuration import ConfigurationError, is_variable, read

ROOT = Path(__file__).parent.parent.parent
APIS = ("bedrock", "chatbot", "genesis", "mtmai")
CANARY = "sk-canary-7f3e9d0c"
TARGET = '[targets.staging]\napi = "genesis"\nmock = true\nprofile = "quick"\nonly = "*.id.*"\n'


@pytest.fixture
def written(tmp_path):
    """Write counterfoil.toml into the folder in which the command is called."""

    def write(text: str) -> Path:
        path = tmp_path / "counterfoil.toml"
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.mark.parametrize(
    ("text", "where", "said"),
    [
        ("targets = 3", "targets", "a table"),
        ("[target.a]", "target", "unknown key; did you mean targets?"),
        (TARGET + "max-calls = 3", "targets.staging.max-calls", "did you mean max_calls?"),
        (TARGET + 'rate = "x"', "targets.staging.rate", "a number above 0 is needed, not 'x'"),
        (TARGET + "rate = inf", "targets.staging.rate", "a number above 0 is needed"),
        (TARGET + "max_calls = true", "targets.staging.max_calls", "a whole number from 1 up"),
        (TARGET + "seed = -1", "targets.staging.seed", "a whole number from 0 up"),
        (TARGET + 'reports = "r.pdf"', "targets.staging.reports", "a report ends in one of"),
        (TARGET + "reports = [3]", "targets.staging.reports", "a list of texts is needed"),
        (TARGET.replace("quick", "quik"), "targets.staging.profile", "did you mean quick?"),
        (TARGET.replace("true", '"yes"'), "targets.staging.mock", "true or false"),
        (TARGET.replace("true", "false"), "targets.staging", 'url = "https://…" or mock = true'),
        (TARGET + 'url = "http://x"', "targets.staging", "either url"),
        (TARGET.replace('"genesis"', '""'), "targets.staging.api", "a text is needed"),
        ("[targets.a]\nmock = true", "targets.a", "say which API"),
        ("[targets.genesis]", "targets.genesis", "call the target otherwise"),
        ("[targets.all]", "targets.all", "is all APIs"),
        ('[targets."a b"]', 'targets."a b"', "letters, digits"),
        ('[targets."a.yaml"]', 'targets."a.yaml"', "no ending of a document"),
        ("[profiles.quick]", "profiles.quick", "built in"),
        ("[profiles.mine]\nexample = 3", "profiles.mine.example", "did you mean examples?"),
        ("[profiles.mine]\nsteps = 0", "profiles.mine.steps", "a whole number from 1 up"),
        ("[serve]\nhots = 'x'", "serve.hots", "did you mean host?"),
        ("[serve]\nport = true", "serve.port", "a whole number"),
        ("[serve]\nlatency = true", "serve.latency", "a text or a number"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_would_be_right(
    written, monkeypatch, tmp_path, text, where, said
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError) as told:
        read(written(text), APIS)
    assert str(told.value).startswith(f"counterfoil.toml, {where}: ")
    assert said in str(told.value) and "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["[targets", "a = 1\na = 2", "[" * 3000])
def test_what_is_no_toml_is_said_to_be_none(written, text):
    with pytest.raises(ConfigurationError, match="is not TOML"):
        read(written(text), APIS)


@pytest.mark.parametrize(
    "line",
    [
        f'credentials = {{ public_key = "{CANARY}" }}',
        f'credentials = {{ genesis.public_key = "{CANARY}" }}',
        f'credentials = {{ public_key = ["{CANARY}"] }}',
        f'url = "https://me:{CANARY}@host"',
        f'url = "https://host/?key={CANARY}"',
        f'public_key = "{CANARY}"',
    ],
)
def test_a_secret_in_the_file_is_refused_and_not_shown(counterfoil, written, line):
    written(TARGET + line)
    for words in (["check", "staging"], ["config"], ["serve"]):
        done = counterfoil(*words)
        assert done.code == 2 and "counterfoil.toml, targets.staging." in done.err
        assert CANARY not in done.out + done.err


def test_a_password_of_the_store_is_refused_and_not_shown(counterfoil, written):
    written(f'[serve]\nstate = "redis://:{CANARY}@localhost"\n')
    done = counterfoil("serve")
    assert done.code == 2 and "--state" in done.err and CANARY not in done.err


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("STAGING_API_KEY", True),
        ("COUNTERFOIL_GENESIS_OTHER_PRIVATE_KEY", True),
        ("KEY2", True),
        ("OAUTH2_TOKEN_2024", True),
        ("staging_api_key", False),
        ("AKIAIOSFODNN7EXAMPLE1", False),
        ("JBSWY3DPEHPK3PXP", False),
        ("SK_4EC39HQLYJWDARJT", False),
        ("0123456789", False),
        ("QWERTYUIOPASDFGHJKLZXCVBNM", False),
        ("", False),
    ],
)
def test_names_of_variables_are_told_from_secrets(text, is_one):
    assert is_variable(text) is is_one


def test_a_target_is_judged_as_the_file_says_from_a_folder_below(
    counterfoil, written, tmp_path, monkeypatch
):
    written(TARGET + 'seed = 7\nreports = ["r.json"]\n')
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    done = counterfoil("check", "staging")
    assert done.code == 0 and "genesis: kept (1 kept" in done.out and "quick, seed 7" in done.out
    assert json.loads((tmp_path / "r.json").read_text())["seed"] == 7


def test_options_win_over_the_file(counterfoil, written, tmp_path):
    written(TARGET + 'seed = 7\nreports = ["r.json"]\n')
    done = counterfoil(
        "check", "staging", "--seed", 0, "--profile", "standard",
        "--only", "genesis.signature.wrong", "--report", "own.txt",
    )  # fmt: skip
    assert "genesis.signature.wrong" in done.out and "genesis.id" not in done.out
    assert "standard, seed 0" in done.out
    assert (tmp_path / "own.txt").exists() and not (tmp_path / "r.json").exists()


def test_a_broken_target_is_seen_again_by_the_command_that_is_printed(
    counterfoil, written, served, monkeypatch
):
    url = served("bedrock", faults=["bedrock.key.any_will_do"], credentials={"api_key": CANARY})
    file = written(
        f'[targets.staging]\napi = "bedrock"\nurl = "{url}"\nprofile = "nightly"\n'
        'credentials.api_key = "STAGING_API_KEY"\n[profiles.nightly]\nexamples = 3\n'
    )
    monkeypatch.setenv("STAGING_API_KEY", CANARY)
    done = counterfoil("check", "staging", "--only", "bedrock.key.wr*")
    assert done.code == 1 and "nightly, seed 0" in done.out and CANARY not in done.out
    rerun = "counterfoil check staging --profile nightly --seed 0 --only bedrock.key.wrong"
    assert f"rerun: {rerun}" in done.out
    monkeypatch.chdir("/")
    away = counterfoil("check", "staging", "--config", file, "--only", "bedrock.key.wr*")
    assert f"rerun: counterfoil check staging --config {file} --profile nightly" in away.out


def test_the_curl_of_a_target_names_its_own_variable(counterfoil, written, served, monkeypatch):
    url = served("bedrock", faults=["bedrock.health.not_ok"])
    written(
        f'[targets.staging]\napi = "bedrock"\nurl = "{url}"\nprofile = "quick"\n'
        'credentials = { bedrock.api_key = "STAGING_API_KEY" }\n'
    )
    monkeypatch.setenv("STAGING_API_KEY", "counterfoil-api-key")
    done = counterfoil("check", "staging", "--only", "bedrock.health.ok", "--report", "report.json")
    assert '"${STAGING_API_KEY}"' in done.out and "counterfoil-api-key" not in done.out
    again = counterfoil("replay", "report.json", "--target", "staging")
    assert again.code == 1 and "1 seen again" in again.out


def test_a_variable_that_is_not_set_is_told_with_its_place(counterfoil, written, monkeypatch):
    written(TARGET + 'credentials.app_id = "STAGING_APP"\n')
    monkeypatch.delenv("STAGING_APP", raising=False)
    done = counterfoil("check", "staging")
    assert done.code == 2 and done.err.count("\n") == 1
    assert "counterfoil.toml, targets.staging.credentials: the variable STAGING_APP" in done.err
    given = counterfoil("check", "staging", "--credential", "app_id=mine")
    assert given.code == 0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('credentials.app_ip = "A"', "unknown credential 'app_ip'; genesis has"),
        ('credentials.bedrock.api_key = "A"', "is of no API there; known are genesis"),
        ('baseline = "none.yaml"', "none.yaml: No such file"),
        ('reports = ["no/r.json"]', "targets.staging.reports: "),
    ],
)
def test_what_only_the_contract_knows_is_told_too(counterfoil, written, line, said):
    written(TARGET + line)
    done = counterfoil("check", "staging")
    assert done.code == 2 and said in done.err and done.err.count("\n") == 1


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"genesis"', '"genesiss"', "targets.staging: unknown API 'genesiss'; did you mean"),
        ('"*.id.*"', '"*.idd.*"', "targets.staging.only: "),
    ],
)
def test_a_name_in_the_file_that_nothing_has_is_told_with_its_place(
    counterfoil, written, old, new, said
):
    written(TARGET.replace(old, new))
    done = counterfoil("check", "staging")
    assert done.code == 2 and said in done.err and done.err.count("\n") == 1


def test_several_targets_are_judged_one_after_another(counterfoil, written):
    broken = TARGET.replace("staging", "other").replace("*.id.*", "genesis.signature.wrong")
    written(TARGET + broken)
    done = counterfoil(
        "check", "staging", "other", "--fault", "genesis.signature.any_accepted", "--report",
        "r.json",
    )  # fmt: skip
    assert done.code == 1
    assert [one["verdict"] for one in json.loads(Path("r.json").read_text())] == ["kept", "broken"]


def test_a_target_of_all_apis_is_served_with_one_api_below_another(counterfoil, written, served):
    url = served("genesis", "bedrock", "chatbot", "mtmai")
    written(
        f'[targets.mocks]\napi = "all"\nurl = "{url}"\nprofile = "quick"\n'
        'only = ["genesis.id.unique", "bedrock.health.ok"]\n'
    )
    done = counterfoil("check", "mocks")
    assert done.code == 0 and "genesis: kept" in done.out and "bedrock: kept" in done.out


def test_an_unknown_target_is_told_the_nearest(counterfoil, written):
    assert "there is no counterfoil.toml here" in counterfoil("check", "prod").err
    written(TARGET)
    assert "did you mean staging?" in counterfoil("check", "stagin").err
    assert "did you mean staging?" in counterfoil("replay", "r", "--target", "stagin").err
    assert counterfoil("check", "staging", "--no-config").code == 2
    assert counterfoil("check", "genesis", "--mock", "--only", "genesis.id.*").code == 0


def test_defaults_of_serve_are_in_the_file_and_a_wrong_one_is_told_with_its_place(
    counterfoil, written
):
    path = written('[serve]\napis = ["chatbot"]\nport = 0\nchunk_size = "random"\n')

    process = subprocess.Popen(
        [sys.executable, "-m", "counterfoil", "serve"],
        cwd=path.parent, stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        assert process.stdout.readline().startswith("chatbot  http://127.0.0.1:")
    finally:
        process.terminate()
        process.communicate(timeout=10)
    written('[serve]\nport = 99999\nchunk_size = "rand"')
    assert "counterfoil.toml, serve.port: 99999 is not in the range" in counterfoil("serve").err
    assert (
        "counterfoil.toml, serve.chunk_size: 'rand' is neither"
        in counterfoil("serve", "--port", 0).err
    )
    assert (
        "Invalid value for '--chunk-size': '-1'"
        in counterfoil("serve", "--chunk-size", "-1", "--port", 0).err
    )


def test_every_option_of_serve_can_be_in_the_file_but_for_secrets_and_this_run():
    options = {
        one.name if one.param_type_name == "argument" else one.opts[0][2:].replace("-", "_")
        for one in serve.command.params
    }
    left_out = {"port_file", "admin_token", "credential", "tls_cert", "tls_key",
                "config", "no_config"}  # fmt: skip
    assert set(configuration.SERVE) == options - left_out


def test_what_is_known_without_imports_is_what_there_is():
    from contracts.report import FORMATS

    assert set(configuration.PROFILES) == set(PROFILES)
    assert set(configuration.REPORTS) == set(FORMATS)


def test_config_shows_targets_and_whether_variables_are_set(counterfoil, written, monkeypatch):
    assert counterfoil("config").out == "there is no counterfoil.toml here or above\n"
    written(TARGET + 'credentials = { app_id = "SET_ONE", public_key = "UNSET_ONE" }\n')
    monkeypatch.setenv("SET_ONE", CANARY)
    monkeypatch.delenv("UNSET_ONE", raising=False)
    done = counterfoil("config")
    assert "staging: genesis at a mock in the process" in done.out
    assert "$SET_ONE (set)" in done.out and "$UNSET_ONE (NOT SET)" in done.out
    assert CANARY not in done.out


def test_a_target_is_held_to_its_contract_by_pytest(written):
    path = written(TARGET + "[profiles.mine]\nexamples = 2\n")

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "counterfoil.pytest_plugin", "-p",
             "no:cacheprovider", "-v", *words],
            cwd=path.parent, capture_output=True, text=True,
            env={"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )  # fmt: skip

    done = call("--contract-target", "staging", "--contract-profile", "mine")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "contract/staging/genesis::genesis.id.unique" in done.stdout
    wrong = call("--contract-target", "stagin")
    assert wrong.returncode == 4 and "did you mean staging?" in wrong.stderr


def test_help_is_there_where_the_file_is_wrong(counterfoil, written):
    written("[serv]\n")
    assert counterfoil("serve").code == 2
    assert counterfoil("serve", "--help").code == 0 and counterfoil("check", "--help").code == 0


def test_a_file_that_is_named_is_read_and_none_other(counterfoil, written, tmp_path):
    written("[targets")
    (tmp_path / "own.toml").write_text(TARGET)
    assert counterfoil("check", "staging", "--config", "own.toml").code == 0
    both = counterfoil("check", "staging", "--config", "own.toml", "--no-config")
    assert both.code == 2 and "either --config FILE or --no-config" in both.err
    (tmp_path / "own.toml").write_text("[serve]\nport = 99999\n")
    assert "own.toml, serve.port: 99999" in counterfoil("serve", "--config", "own.toml").err
    gone = counterfoil("check", "staging", "--config", "gone.toml")
    assert gone.code == 2 and "gone.toml: No such file" in gone.err


def test_each_target_keeps_its_own_budget(counterfoil, written):
    written(TARGET + "max_calls = 3\n" + TARGET.replace("staging", "other"))
    done = counterfoil("check", "staging", "other")
    assert done.code == 3 and "the budget of 3 calls is spent" in done.out
    assert "genesis: kept (1 kept" in done.out


def test_two_targets_do_not_write_the_same_report(counterfoil, written, tmp_path):
    both = TARGET + 'reports = "r.json"\n'
    written(both + both.replace("staging", "other").replace("r.json", "./r.json"))
    done = counterfoil("check", "staging", "other")
    assert done.code == 2 and "targets.other.reports: " in done.err
    assert "r.json is a report of staging as well" in done.err
    assert counterfoil("check", "staging", "other", "--report", "both.json").code == 0


def test_a_report_of_another_api_is_not_replayed_at_a_target(counterfoil, written, tmp_path):
    written(TARGET)
    counterfoil("check", "bedrock", "--mock", "--fault", "bedrock.health.not_ok", "--only",
                "bedrock.health.ok", "--report", "r.json")  # fmt: skip
    done = counterfoil("replay", "r.json", "--target", "staging")
    assert done.code == 2 and "the report is about bedrock; the target staging is gen" in done.err


def test_a_wrong_option_of_pytest_about_targets_is_told(written):
    path = written(TARGET)
    for words, said in (
        (["--contract-target", "staging", "--contract-rate", "-1"], "--contract-rate is a number"),
        (["--contract-target", "staging", "--contract-profile", "quik"], "did you mean quick?"),
        (["--contract-target", "staging", "--contract-config", "gone"], "gone: No such file"),
        (
            ["--contract", "genesis", "--contract-credential", "sk-1"],
            "credential should be written",
        ),
        (["--contract", "genesis"], "either --contract-url URL or --contract-mock"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "counterfoil.pytest_plugin", *words],
            cwd=path.parent, capture_output=True, text=True,
            env={"PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        )  # fmt: skip
        assert done.returncode == 4 and said in done.stderr, done.stdout + done.stderr
        assert "sk-1" not in done.stdout + done.stderr


def test_an_api_and_a_target_are_not_judged_in_one_run(counterfoil, written):
    written(TARGET)
    for where in (("--mock",), ("--url", "http://127.0.0.1:1")):
        done = counterfoil("check", "bedrock", "staging", *where)
        assert done.code == 2 and "staging is a target, which says itself where it is" in done.err
