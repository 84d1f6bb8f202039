import getpass

import pytest

from cic_assets.domain.people import user_name


def test_it_is_the_user_of_this_machine(monkeypatch):
    monkeypatch.setenv("LOGNAME", "anna")
    assert user_name() == "anna"


@pytest.mark.parametrize("error", [OSError, KeyError, ImportError])
def test_who_has_no_name_is_somebody(monkeypatch, error):
    def nobody():
        raise error("no name")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert user_name() == "somebody"
