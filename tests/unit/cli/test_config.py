import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest

from mainspring.attempts import Attempt
from mainspring.quotas import Quotas
from mainspring_cli.config import (
    Config,
    ConfigError,
    check_execution_exposure,
    check_exposure,
    check_identity,
    load_config,
)
from mainspring_cli.services.commands import shown_worker_token
from mainspring_executors.environment import ATTEMPT_VARIABLE, HOST_VARIABLE, facts


def test_later_sources_win_and_each_value_knows_its_own(tmp_path: Path) -> None:
    file = tmp_path / "mainspring.toml"
    file.write_text('port = 1000\nhost = "127.0.0.2"\nexecutor = "local"\n')
    environment = {"MAINSPRING_HOME": str(tmp_path), "MAINSPRING_PORT": "2000", "MAINSPRING_HOST": "127.0.0.3"}

    resolved = load_config({"port": "3000", "host": None}, environment)

    config, origins = resolved.config, resolved.origins
    assert (config.port, origins["port"]) == (3000, "--port")
    assert (config.host, origins["host"]) == ("127.0.0.3", "MAINSPRING_HOST")
    assert (config.executor, origins["executor"]) == (("local",), str(file))
    assert (config.api_threads, origins["api_threads"]) == (64, "default")


def test_the_home_folder_is_absolute_and_holds_the_database_by_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    config = load_config({}, {}).config
    assert config.home == tmp_path / ".mainspring"
    assert config.store_url == f"sqlite:///{tmp_path}/.mainspring/mainspring.db"


def test_a_named_file_may_say_where_home_is(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('home = "/srv/mainspring"\n')
    resolved = load_config({}, {}, file=file)
    assert (resolved.config.home, resolved.origins["home"]) == (Path("/srv/mainspring"), str(file))


def test_quotas_are_settings_and_zero_is_no_limit() -> None:
    assert load_config({}, {}).config.quotas == Quotas()
    given = {"DAGS": "0", "LOG_BYTES": "1000", "RUN_BYTES": "2000"}
    config = load_config({}, {f"MAINSPRING_QUOTA_{name}": value for name, value in given.items()}).config
    assert config.quotas == dataclasses.replace(Quotas(), dags=0, log_bytes=1000, run_bytes=2000)
    assert load_config({}, config.to_environment()).config == config


@pytest.mark.parametrize(
    ("name", "raw", "message"),
    [
        pytest.param("port", "http", "port: 'http' (from MAINSPRING_PORT) must be a whole number", id="not a number"),
        pytest.param("port", "70000", "port: '70000' (from MAINSPRING_PORT) must be a whole number", id="too large"),
        pytest.param("log_level", "loud", "must be one of: debug, info, warning, error", id="unknown word"),
        pytest.param("behind_proxy", "maybe", "must be true or false", id="not a truth value"),
        pytest.param("api_threads", "1", "from 2 to 1024", id="too small"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(name: str, raw: str, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        load_config({}, {f"MAINSPRING_{name.upper()}": raw})
    assert message in str(caught.value)


def test_a_worker_token_may_name_its_queue() -> None:
    config = load_config({}, {"MAINSPRING_WORKER_TOKEN": "default:a+/=,b"}).config
    assert config.worker_token == ("default:a+/=", "b")
    assert shown_worker_token(config) == "a+/="
    for wrong in ("default:", "a:b:c", ":a", "a queue:t"):
        with pytest.raises(ConfigError, match="must be tokens, or QUEUE:TOKEN"):
            load_config({}, {"MAINSPRING_WORKER_TOKEN": wrong})


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text('prot = 1\nexecutor = 3\nlog_level = "loud"\n')
    with pytest.raises(ConfigError) as caught:
        load_config({}, {}, file=file)
    assert len(caught.value.faults) == 3
    assert "unknown setting 'prot'; did you mean 'port'?" in str(caught.value)


def test_a_file_that_was_named_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_config({}, {}, file=tmp_path / "absent.toml")


def test_a_child_process_reads_the_same_settings_from_its_environment(tmp_path: Path) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(
        'behind_proxy = true\ncode_path = ["/one", "/two"]\nhttp_allow = ["127.0.0.1:80", "10.0.0.0/8"]\nport = 0\n'
    )
    config = load_config({"home": str(tmp_path)}, {}, file=file).config
    assert load_config({}, config.to_environment()).config == config


def test_secrets_are_hidden_from_whoever_looks_at_the_settings() -> None:
    secret = "postgresql://me:hunter2@db/mainspring"
    resolved = load_config({"database_url": secret}, {"MAINSPRING_ADMIN_TOKEN": "ms_very_secret"})
    shown = str(resolved.describe())
    assert "hunter2" not in shown
    assert "ms_very_secret" not in shown
    assert ("database_url", "(hidden)", "--database-url") in resolved.describe()


_STRONG = "a1b2c3d4e5f6a7b8"
_TLS = {"tls_certificate": Path("/c"), "tls_key": Path("/k")}


@pytest.mark.parametrize(
    ("settings", "refused"),
    [
        pytest.param({}, None, id="loopback"),
        pytest.param({"host": "::1"}, None, id="loopback of IPv6"),
        pytest.param({"host": "localhost"}, None, id="loopback by name"),
        pytest.param({"host": "0.0.0.0"}, "MAINSPRING_ADMIN_TOKEN", id="all addresses"),
        pytest.param({"host": "::", **_TLS}, "MAINSPRING_ADMIN_TOKEN", id="TLS but no token"),
        pytest.param({"host": "example.test", "admin_token": _STRONG}, "behind_proxy", id="token but clear text"),
        pytest.param({"host": "0.0.0.0", "admin_token": _STRONG, "behind_proxy": True}, None, id="token and proxy"),
        pytest.param({"host": "0.0.0.0", "admin_token": _STRONG, **_TLS}, None, id="token and TLS"),
        pytest.param({"tls_key": Path("/k")}, "go together", id="half of TLS"),
    ],
)
def test_other_machines_are_served_only_with_a_chosen_secret_and_no_clear_text(
    settings: dict[str, object], refused: str | None
) -> None:
    config = Config(**settings)  # type: ignore[arg-type]
    if refused is None:
        check_exposure(config)
    else:
        with pytest.raises(ConfigError, match=refused):
            check_exposure(config)


@pytest.mark.parametrize("token", ["abc", "changemechangeme", "a" * 40, "a1b2c3d4e5f6a7b"])
@pytest.mark.parametrize("setting", ["admin_token", "worker_token"])
def test_a_secret_that_can_be_guessed_is_refused_where_other_machines_can_try(setting: str, token: str) -> None:
    check, host = {
        "admin_token": (check_exposure, "host"),
        "worker_token": (check_execution_exposure, "execution_host"),
    }[setting]
    value = token if setting == "admin_token" else (_STRONG, f"gpu:{token}")
    config = Config(behind_proxy=True, **{setting: value})  # type: ignore[arg-type]
    check(config)
    with pytest.raises(ConfigError, match=f"MAINSPRING_{setting.upper()} can be guessed") as refused:
        check(dataclasses.replace(config, **{host: "0.0.0.0"}))
    assert token not in str(refused.value)


@pytest.mark.parametrize("name", ["https://x/", "x:8080", "x/", "*", "a b", "-x", "[::1]:80", "x.", "한국"])
def test_a_host_name_that_no_request_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match=r"must be names like flows\.example\.test"):
        load_config({}, {"MAINSPRING_ALLOWED_HOSTS": f"flows.example.test,{name}"})


def test_host_names_are_compared_in_lower_case() -> None:
    config = load_config({}, {"MAINSPRING_ALLOWED_HOSTS": "Flows.Example.test, [::1],10.0.0.7"}).config
    assert config.allowed_hosts == ("flows.example.test", "[::1]", "10.0.0.7")


def test_a_task_that_calls_mainspring_does_not_change_its_settings() -> None:
    """What tasks get in their environment must not look like a setting; the code path is meant to be handed on."""
    attempt = Attempt(attempt_id="0" * 32, dag_id="d", run_id="r", task_id="t", task_type="noop", payload={})
    given = {HOST_VARIABLE, ATTEMPT_VARIABLE, *facts(attempt), "MAINSPRING_INPUT", "MAINSPRING_OUTPUT"}
    settings = {f"MAINSPRING_{item.name.upper()}" for item in dataclasses.fields(Config)}
    assert given & settings == set()


@pytest.mark.parametrize(("name", "value"), [("admin_user", "jane"), ("admin_password", "a long password")])
def test_the_first_user_has_a_name_and_a_password(name: str, value: str) -> None:
    config = load_config({}, {f"MAINSPRING_{name.upper()}": value}).config
    with pytest.raises(ConfigError, match="admin_user and admin_password go together"):
        check_exposure(config)


def test_a_password_that_is_too_short_is_refused_and_not_shown() -> None:
    with pytest.raises(ConfigError, match=r"admin_password: \(hidden\) .* must have 8 to 1000 characters") as caught:
        load_config({}, {"MAINSPRING_ADMIN_PASSWORD": "hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("name", ["a b", "ja/ne", "x" * 251, "j\u00e4ne"])
def test_a_name_of_the_first_user_that_no_user_can_have_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="admin_user"):
        load_config({}, {"MAINSPRING_ADMIN_USER": name})


def test_a_secret_may_be_in_a_file_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_text("s3cret\n")
    resolved = load_config({}, {"MAINSPRING_ADMIN_TOKEN_FILE": str(path)})
    assert (resolved.config.admin_token, resolved.origins["admin_token"]) == ("s3cret", "MAINSPRING_ADMIN_TOKEN_FILE")


@pytest.mark.parametrize(
    ("content", "more", "message"),
    [
        pytest.param(None, {}, "cannot be read: No such file", id="no file"),
        pytest.param(" \n", {}, "is empty", id="empty"),
        pytest.param("one", {"MAINSPRING_REDIS_URL": "two"}, "both MAINSPRING_REDIS_URL and", id="twice"),
    ],
)
def test_a_file_of_a_secret_that_cannot_be_used_is_refused(
    tmp_path: Path, content: str | None, more: dict[str, str], message: str
) -> None:
    path = tmp_path / "redis-url"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigError, match=message):
        load_config({}, {"MAINSPRING_REDIS_URL_FILE": str(path), **more})


def test_the_private_folders_of_tasks_are_in_home_only_for_the_user_of_the_service(tmp_path: Path) -> None:
    assert Config(home=tmp_path).task_path == tmp_path / "tasks"
    assert tmp_path not in Config(home=tmp_path, task_user="nobody").task_path.parents
    assert Config(home=tmp_path, task_user="nobody", task_folder=Path("/srv/tasks")).task_path == Path("/srv/tasks")


_OIDC = {
    "oidc_issuer": "https://login.example.test",
    "oidc_client_id": "mainspring",
    "oidc_groups": '{"data": {"role": "viewer"}}',
    "public_url": "https://flows.example.test",
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param({}, None, id="complete"),
        pytest.param({"public_url": "http://127.0.0.1:8080"}, None, id="this machine"),
        pytest.param({"public_url": None}, "public_url: oidc_issuer needs it", id="no address"),
        pytest.param({"public_url": "http://flows.example.test"}, "must have https", id="clear text"),
        pytest.param({"oidc_client_id": None}, "oidc_client_id: oidc_issuer needs it", id="no client"),
        pytest.param({"oidc_groups": None}, "oidc_groups: oidc_issuer needs it", id="no groups"),
        pytest.param({"oidc_issuer": None}, "set oidc_issuer too", id="no issuer"),
        pytest.param({"oidc_scopes": ("profile",)}, "must name openid", id="no OpenID"),
        pytest.param({"oidc_required_groups": ("*",)}, "is no group", id="everybody is required"),
    ],
)
def test_settings_of_an_identity_provider_go_together(change: dict[str, Any], message: str | None) -> None:
    config = Config(**{**_OIDC, **change})
    if message is None:
        check_identity(config)
    else:
        with pytest.raises(ConfigError, match=message):
            check_identity(config)


def test_groups_and_rules_are_tables_or_json_or_files(tmp_path: Path) -> None:
    page = (Path(__file__).parents[3] / "docs" / "identity.md").read_text(encoding="utf-8")
    file = tmp_path / "mainspring.toml"
    file.write_text("\n".join(re.findall(r"```toml\n(.*?)```", page, re.DOTALL)))
    config = load_config({}, {}, file=file).config
    check_identity(config)
    assert config.group_rights["data"].grants == {"data.*": "author"}
    assert [rule.name for rule in config.exchange_rules] == ["flows-main", "flows-branches"]
    # A child process gets the same by its environment.
    again = load_config({}, config.to_environment()).config
    assert (again.group_rights, again.exchange_rules) == (config.group_rights, config.exchange_rules)
    rules = tmp_path / "rules.json"
    rules.write_text(config.token_exchange or "")
    assert (
        load_config({}, {"MAINSPRING_TOKEN_EXCHANGE_FILE": str(rules)}).config.exchange_rules == config.exchange_rules
    )


def test_a_faulty_rule_is_named() -> None:
    rule = '[{"name": "x", "issuer": "https://i.test", "audience": "a", "role": "viewer"}]'
    with pytest.raises(ConfigError, match=r"token_exchange: .* rule 'x': `claims` must name a claim"):
        load_config({}, {"MAINSPRING_TOKEN_EXCHANGE": rule})
    with pytest.raises(ConfigError, match=r"oidc_groups: .* must be JSON"):
        load_config({}, {"MAINSPRING_OIDC_GROUPS": "data=viewer"})
