"""Settings: which source wins, and the line that says what is wrong with one."""

import pytest

from systems.ratelimiter.settings import Settings, read_settings


def test_only_the_id_has_to_be_given():
    assert read_settings(["--id", "a"], {}) == Settings(
        "a", "127.0.0.1", 8001, "redis://127.0.0.1:6379/0", 0.5, 1.5
    )


def test_the_environment_stands_in_for_flags():
    environ = {
        "NODE_ID": "a",
        "NODE_HOST": "0.0.0.0",
        "NODE_PORT": "9",
        "REDIS_URL": "unix:///r",
        "HEARTBEAT_SECONDS": "2",
        "NODE_TTL_SECONDS": "7",
        "NODE_ADVERTISE": "proxy:80",
    }
    assert read_settings([], environ) == Settings("a", "0.0.0.0", 9, "unix:///r", 2, 7, "proxy:80")


def test_a_flag_goes_before_the_environment():
    environ = {"NODE_ID": "a", "NODE_PORT": "nonsense"}
    assert read_settings(["--id", "b", "--port", "9"], environ).port == 9


@pytest.mark.parametrize(
    ("flags", "error"),
    [
        ([], "the node's id must be letters"),
        (["--id", 'a"b'], "the node's id must be letters"),
        (["--id", "a", "--port", "http"], "the port must be a number from 0 to 65535"),
        (["--id", "a", "--port", "65536"], "the port must be a number from 0 to 65535"),
        (["--id", "a", "--redis", "127.0.0.1:6379"], "the Redis URL must begin with redis://"),
        (["--id", "a", "--heartbeat", "soon"], "--heartbeat must be seconds from 0.001 to 86400"),
        (["--id", "a", "--heartbeat", "nan"], "--heartbeat must be seconds from 0.001 to 86400"),
        (["--id", "a", "--node-ttl", "0"], "--node-ttl must be seconds from 0.001 to 86400"),
        (["--id", "a", "--heartbeat", "2"], "must be longer than the heartbeat of 2 s"),
        (["--id", "a", "--advertise", "8001"], "must be host:port, not '8001'"),
        (["--id", "a", "--burst", "2"], "unrecognized arguments: --burst"),
    ],
)
def test_a_bad_setting_is_status_2_and_says_what_was_expected(capsys, flags, error):
    with pytest.raises(SystemExit) as left:
        read_settings(flags, {})
    assert left.value.code == 2
    assert error in capsys.readouterr().err
