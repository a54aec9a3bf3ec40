from support.machine.temporary import home


def test_the_path_of_a_run_is_short_enough_for_sockets():
    assert len(str(home() / "12345678" / "ratelimiter-2" / "control.socket")) < 108
